//! Host side of shaders/select/arg.wgsl.

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
    pub(crate) real: u32,
    pub(crate) largest: u32,
    pub(crate) last: u32,
    pub(crate) mark: u32,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) largest: bool,
    /// Of equal ones the last; else the first.
    pub(crate) last: bool,
    /// Give 1 at the place and 0 elsewhere instead of the place.
    pub(crate) mark: bool,
    /// Whether the elements are f32; else i32.
    pub(crate) real: bool,
}

/// Records the search in `x`, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, search: Search, x: Source, lines: Lines) -> Result<Source> {
    let y = rec.tensor(if search.mark { lines.elements() } else { lines.count() } as u64 * 4);
    let params = Params {
        outer: lines.outer as u32,
        axis: lines.axis as u32,
        inner: lines.inner as u32,
        real: u32::from(search.real),
        largest: u32::from(search.largest),
        last: u32::from(search.last),
        mark: u32::from(search.mark),
    };
    let shader = if lines.by_row() { &shader::SELECT_ARG_ROW } else { &shader::SELECT_ARG_LINE };
    rec.dispatch(shader, label, lines.groups(rec), &params, &[x, y], 0)?;
    Ok(y)
}
