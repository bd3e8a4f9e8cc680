//! Host side of shaders/probe/peak.wgsl; `bench kernels` measures the peak of multiply-adds with it.

use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) rounds: u32,
    pub(crate) scale: f32,
}

/// Records `groups` workgroups of `rounds` rounds.
pub(crate) fn record(rec: &mut Recorder<'_>, groups: u32, rounds: u32) -> Result<Source> {
    let y = rec.tensor(u64::from(groups) * 64 * 16);
    let flops = u64::from(groups) * 64 * u64::from(rounds) * 16 * 4 * 4 * 2;
    rec.dispatch(&shader::PROBE_PEAK, "multiply-add peak", [groups, 1, 1], &Params { rounds, scale: 0.5 }, &[y], flops)?;
    Ok(y)
}
