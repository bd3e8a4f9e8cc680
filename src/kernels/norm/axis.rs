//! Host side of shaders/norm/axis.wgsl.

use super::Lines;
use crate::error::Result;
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
    LogSoftmax,
    /// Lower bound of the norm.
    L2Normalize(f32),
}

/// Records one pass over `x`, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, along: Along, x: Source, lines: Lines) -> Result<Source> {
    let (kind, epsilon) = match along {
        Along::Softmax => (0, 0.0),
        Along::L2Normalize(epsilon) => (1, epsilon),
        Along::LogSoftmax => (2, 0.0),
    };
    let y = rec.tensor(lines.elements() as u64 * 4);
    let params = Params { outer: lines.outer as u32, axis: lines.axis as u32, inner: lines.inner as u32, kind, epsilon };
    let shader = if lines.by_row() { &shader::NORM_AXIS_ROW } else { &shader::NORM_AXIS_LINE };
    rec.dispatch(shader, label, lines.groups(rec), &params, &[x, y], lines.elements() as u64 * 3)?;
    Ok(y)
}
