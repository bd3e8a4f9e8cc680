//! Host side of shaders/norm/axis.wgsl.

use crate::error::Result;
use crate::graph::Reduction;
use crate::kernels::missing;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) outer: u32,
    pub(crate) axis: u32,
    pub(crate) inner: u32,
    pub(crate) kind: u32,
    pub(crate) epsilon: f32,
}

/// What is done along the axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Along {
    Softmax,
    /// Lower bound of the norm.
    L2Normalize(f32),
    Reduce(Reduction),
}

/// Records one pass over `x` seen as `[outer, axis, inner]`, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, along: Along, x: Source, [outer, axis, inner]: [usize; 3]) -> Result<Source> {
    let unknown = || missing(label, "Reduce");
    let (kind, epsilon, out) = match along {
        Along::Softmax => (0, 0.0, outer * axis * inner),
        Along::L2Normalize(epsilon) => (1, epsilon, outer * axis * inner),
        Along::Reduce(r) => (code(r).ok_or_else(unknown)?, 0.0, outer * inner),
    };
    let y = rec.tensor(out as u64 * 4);
    let params = Params { outer: outer as u32, axis: axis as u32, inner: inner as u32, kind, epsilon };
    let groups = rec.fold((outer * inner).div_ceil(64));
    rec.dispatch(&shader::NORM_AXIS, label, groups, &params, &[x, y], (outer * axis * inner * 3) as u64)?;
    Ok(y)
}

fn code(r: Reduction) -> Option<u32> {
    Some(match r {
        Reduction::Mean => 2,
        Reduction::Sum => 3,
        Reduction::Max => 4,
        Reduction::Min => 5,
        Reduction::L2 => 6,
        Reduction::L1 => 7,
        Reduction::SumSquare => 8,
        _ => return None,
    })
}
