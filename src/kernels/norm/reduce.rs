//! Host side of shaders/norm/reduce.wgsl.

use super::Lines;
use crate::error::Result;
use crate::graph::Reduction;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) outer: u32,
    pub(crate) axis: u32,
    pub(crate) inner: u32,
    pub(crate) term: u32,
    pub(crate) join: u32,
    pub(crate) finish: u32,
    pub(crate) first: u32,
    pub(crate) least: u32,
    pub(crate) count: u32,
}

/// One pass of a reduction over several axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) kind: Reduction,
    /// Whether the elements are those of the tensor, and whether the result is final.
    pub(crate) first: bool,
    pub(crate) last: bool,
    /// Elements that all passes join to one.
    pub(crate) count: usize,
    /// Whether the elements are f32; else i32.
    pub(crate) real: bool,
}

/// Records one pass over `x`, row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, pass: Pass, x: Source, lines: Lines) -> Result<Source> {
    let y = rec.tensor(lines.count() as u64 * 4);
    let (term, join, finish) = codes(pass.kind);
    // Every pass of a logarithm of exponentials is one; of all others only the sums are repeated.
    let whole = pass.kind == Reduction::LogSumExp;
    let (least, greatest) =
        if pass.real { (f32::NEG_INFINITY.to_bits(), f32::INFINITY.to_bits()) } else { (i32::MIN as u32, i32::MAX as u32) };
    let first = match join {
        1 => least,
        2 => greatest,
        3 if pass.real => 1f32.to_bits(),
        3 => 1,
        _ => 0,
    };
    let params = Params {
        outer: lines.outer as u32,
        axis: lines.axis as u32,
        inner: lines.inner as u32,
        term: if pass.first || whole { term } else { 0 },
        join,
        finish: if pass.last || whole { finish } else { 0 },
        first,
        least,
        count: pass.count as u32,
    };
    let shader = match (pass.real, lines.by_row()) {
        (true, false) => &shader::NORM_REDUCE_F32,
        (true, true) => &shader::NORM_REDUCE_F32_ROW,
        (false, false) => &shader::NORM_REDUCE_I32,
        (false, true) => &shader::NORM_REDUCE_I32_ROW,
    };
    rec.dispatch(shader, label, lines.groups(rec), &params, &[x, y], lines.elements() as u64)?;
    Ok(y)
}

/// The shader's `term`, `join` and `finish`.
fn codes(kind: Reduction) -> (u32, u32, u32) {
    match kind {
        Reduction::Mean => (0, 0, 1),
        Reduction::Sum => (0, 0, 0),
        Reduction::Max => (0, 1, 0),
        Reduction::Min => (0, 2, 0),
        Reduction::Prod => (0, 3, 0),
        Reduction::L1 => (1, 0, 0),
        Reduction::L2 => (2, 0, 2),
        Reduction::SumSquare => (2, 0, 0),
        Reduction::LogSum => (0, 0, 3),
        Reduction::LogSumExp => (3, 0, 4),
    }
}
