//! Host side of shaders/select/merge.wgsl.

use super::sort::Runs;
use crate::error::Result;
use crate::recording::Recorder;
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) runs: u32,
    pub(crate) len: u32,
    pub(crate) keep: u32,
}

/// Records the merging of neighbours, of which the first `k` pairs are kept.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, from: Runs, k: usize) -> Result<Runs> {
    let (runs, len) = (from.runs.div_ceil(2), k.min(from.len * 2));
    let y = rec.tensor(Runs::bytes(from.lines, runs, len));
    let total = from.lines * from.runs * from.len;
    let params = Params { total: total as u32, runs: from.runs as u32, len: from.len as u32, keep: len as u32 };
    let groups = rec.fold(total.div_ceil(64));
    rec.dispatch(&shader::SELECT_MERGE, &format!("{label} (merge {})", from.runs), groups, &params, &[from.pairs, y], 0)?;
    Ok(Runs { pairs: y, lines: from.lines, runs, len })
}
