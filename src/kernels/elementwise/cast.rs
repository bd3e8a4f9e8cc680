//! Host side of shaders/elementwise/cast.wgsl.

use super::wrap;
use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::shader;
use crate::tensor::DType;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) kind: u32,
    pub(crate) wrap: u32,
}

/// The shader's `kind`; `None` where the words are the same in both types.
pub(crate) fn code(from: DType, to: DType) -> Option<u32> {
    // Whether every element of `from` is one of `to`, as far as 32 bits hold it.
    let widens = |(a, b): (i64, i64), (c, d): (i64, i64)| c <= a && b <= d;
    match (from.range(), to.range()) {
        (None, None) => None,
        (None, Some(_)) => Some(match to {
            DType::Bool => 2,
            DType::U32 => 1,
            _ => 0,
        }),
        (Some(_), None) => Some(if from == DType::U32 { 4 } else { 3 }),
        (Some(_), Some(_)) if from == to => None,
        (Some(_), Some(_)) if to == DType::Bool => Some(5),
        (Some(a), Some(b)) => (!widens(a, b) && to.bytes() < 4).then_some(6),
    }
}

/// Records the pass over `vec4s` vec4s of either layout.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, kind: u32, to: DType, x: Source) -> Result<Source> {
    let bytes = rec.bytes(x);
    let vec4s = (bytes / 16) as usize;
    let y = rec.tensor(bytes);
    let params = Params { total: vec4s as u32, kind, wrap: wrap(to) };
    let groups = rec.fold(vec4s.div_ceil(64));
    rec.dispatch(&shader::ELEMENTWISE_CAST_VEC4, label, groups, &params, &[x, y], 0)?;
    Ok(y)
}
