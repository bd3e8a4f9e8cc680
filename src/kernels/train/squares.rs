//! Host side of shaders/train/squares.wgsl.

use crate::recording::{Caps, Launch};
use crate::shader;

/// vec4s that one invocation sums.
const ROUNDS: usize = 128;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) count: u32,
    pub(crate) threads: u32,
}

/// How many sums `count` vec4s leave.
pub(crate) fn sums(count: usize) -> usize {
    count.div_ceil(ROUNDS).max(1)
}

/// The sums of `count` vec4s.
pub(crate) fn launch(caps: &Caps, count: usize) -> Launch {
    let params = Params { count: count as u32, threads: sums(count) as u32 };
    super::over(caps, &shader::TRAIN_SQUARES, &params, sums(count), 8 * count as u64)
}
