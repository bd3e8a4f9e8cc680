//! Host side of shaders/select/scan.wgsl.

use crate::error::Result;
use crate::kernels::norm::Lines;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) outer: u32,
    pub(crate) axis: u32,
    pub(crate) inner: u32,
    pub(crate) exclusive: u32,
    pub(crate) reverse: u32,
}

/// Which running sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) exclusive: bool,
    pub(crate) reverse: bool,
    /// Whether the elements are f32; else i32.
    pub(crate) real: bool,
}

/// Records the sums over `x`, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, sums: Sums, x: Source, lines: Lines) -> Result<Source> {
    let y = rec.tensor(lines.elements() as u64 * 4);
    let params = Params {
        outer: lines.outer as u32,
        axis: lines.axis as u32,
        inner: lines.inner as u32,
        exclusive: u32::from(sums.exclusive),
        reverse: u32::from(sums.reverse),
    };
    let shader = match (sums.real, lines.by_row()) {
        (true, false) => &shader::SELECT_SCAN_F32,
        (true, true) => &shader::SELECT_SCAN_F32_ROW,
        (false, false) => &shader::SELECT_SCAN_I32,
        (false, true) => &shader::SELECT_SCAN_I32_ROW,
    };
    rec.dispatch(shader, label, lines.groups(rec), &params, &[x, y], lines.elements() as u64)?;
    Ok(y)
}
