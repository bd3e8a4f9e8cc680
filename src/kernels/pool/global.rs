//! Host side of shaders/pool/global.wgsl.

use crate::error::Result;
use crate::graph::PoolKind;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) area: u32,
    pub(crate) c4: u32,
    pub(crate) kind: u32,
    pub(crate) norm: u32,
}

pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, kind: PoolKind, x: Source, from: Packed) -> Result<Source> {
    let to = Packed { h: 1, w: 1, ..from };
    let y = rec.tensor(to.bytes());
    let shader = if let PoolKind::Lp(_) = kind { &shader::POOL_GLOBAL_LP } else { &shader::POOL_GLOBAL_F32 };
    let (kind, norm) = super::code(kind);
    let params = Params { area: (from.h * from.w) as u32, c4: from.c4() as u32, kind, norm };
    let label = format!("{label} {} @{}", from.c, from.h);
    let groups = [from.c4().div_ceil(8) as u32, from.n as u32, 1];
    rec.dispatch(shader, &label, groups, &params, &[x, y], (from.pixels() * from.c) as u64)?;
    Ok(y)
}
