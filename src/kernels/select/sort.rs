//! Host side of shaders/select/sort.wgsl, and the order of whole lines that `select/merge` makes of its chunks.

use super::merge;
use crate::error::Result;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::norm::Lines;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) lines: u32,
    pub(crate) axis: u32,
    pub(crate) inner: u32,
    pub(crate) span: u32,
    pub(crate) chunks: u32,
    pub(crate) keep: u32,
    pub(crate) real: u32,
    pub(crate) largest: u32,
}

/// Elements that a workgroup sorts.
const CHUNK: usize = 1024;

/// Sorted runs of pairs (key, place) in memory: `[line][runs][len]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) pairs: Source,
    pub(crate) lines: usize,
    pub(crate) runs: usize,
    pub(crate) len: usize,
}

impl Runs {
    pub(crate) fn bytes(lines: usize, runs: usize, len: usize) -> u64 {
        (lines * runs * len) as u64 * 8
    }
}

/// Records what finds the places of the first `k` elements of each line, best first: `[outer][k][inner]`, i32. `real`: the elements are f32.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    (largest, real): (bool, bool),
    x: Source,
    lines: Lines,
    k: usize,
) -> Result<Source> {
    let mut sorted = chunks(rec, label, (largest, real), x, lines, k)?;
    while sorted.runs > 1 {
        sorted = merge::record(rec, label, sorted, k)?;
    }
    // The places are the second halves of the pairs.
    let y = rec.tensor((lines.count() * k) as u64 * 4);
    let row = sorted.len * 2;
    let axes =
        vec![Axis::all(lines.outer, lines.inner * row, k * lines.inner), Axis::all(k, 2, lines.inner), Axis::all(lines.inner, row, 1)];
    copy::record(rec, &format!("{label} (places)"), &Copy { x_offset: 1, ..Copy::new(axes) }, sorted.pairs, y)?;
    Ok(y)
}

/// Records the sort of each chunk.
fn chunks(rec: &mut Recorder<'_>, label: &str, (largest, real): (bool, bool), x: Source, lines: Lines, k: usize) -> Result<Runs> {
    let span = lines.axis.next_power_of_two().min(CHUNK);
    let chunks = lines.axis.div_ceil(span);
    let keep = k.min(span);
    let y = rec.tensor(Runs::bytes(lines.count(), chunks, keep));
    let params = Params {
        lines: lines.count() as u32,
        axis: lines.axis as u32,
        inner: lines.inner as u32,
        span: span as u32,
        chunks: chunks as u32,
        keep: keep as u32,
        real: u32::from(real),
        largest: u32::from(largest),
    };
    let groups = rec.fold((lines.count() * chunks).div_ceil(CHUNK / span));
    rec.dispatch(&shader::SELECT_SORT, label, groups, &params, &[x, y], 0)?;
    Ok(Runs { pairs: y, lines: lines.count(), runs: chunks, len: keep })
}
