//! Host side of shaders/train/scale.wgsl.

use crate::recording::{Caps, Launch};
use crate::shader;

/// Mirrors the shader's `Params`, which train/scale_gradient shares.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) rows: u32,
    pub(crate) depth: u32,
}

/// Scales `rows` rows of `depth` vec4s.
pub(crate) fn launch(caps: &Caps, rows: usize, depth: usize) -> Launch {
    let params = Params { rows: rows as u32, depth: depth as u32 };
    super::over(caps, &shader::TRAIN_SCALE, &params, rows * depth, 4 * (rows * depth) as u64)
}
