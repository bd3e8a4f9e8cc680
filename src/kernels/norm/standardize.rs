//! Host side of shaders/norm/standardize.wgsl.

use super::Lines;
use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) rows: u32,
    pub(crate) len: u32,
    pub(crate) inner: u32,
    pub(crate) count: u32,
    pub(crate) rms: u32,
    pub(crate) shifted: u32,
    pub(crate) epsilon: f32,
}

/// What is done to each row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) scale: Source,
    pub(crate) shift: Option<Source>,
    /// Element `i` takes the entry `i / inner % count` of scale and shift.
    pub(crate) inner: usize,
    pub(crate) count: usize,
    pub(crate) epsilon: f32,
    pub(crate) rms: bool,
}

/// Records the pass over `rows` rows of `len` elements each, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, call: &Call, x: Source, [rows, len]: [usize; 2]) -> Result<Source> {
    let lines = Lines::rows(rows, len);
    let y = rec.tensor(lines.elements() as u64 * 4);
    let params = Params {
        rows: rows as u32,
        len: len as u32,
        inner: call.inner as u32,
        count: call.count as u32,
        rms: u32::from(call.rms),
        shifted: u32::from(call.shift.is_some()),
        epsilon: call.epsilon,
    };
    let shift = call.shift.unwrap_or_else(|| rec.nothing());
    let shader = if lines.by_row() { &shader::NORM_STANDARDIZE_ROW } else { &shader::NORM_STANDARDIZE_LINE };
    rec.dispatch(shader, label, lines.groups(rec), &params, &[x, call.scale, shift, y], lines.elements() as u64 * 8)?;
    Ok(y)
}
