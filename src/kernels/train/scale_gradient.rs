//! Host side of shaders/train/scale_gradient.wgsl.

pub(crate) use super::scale::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// The gradient by one row of weights, from `rows` rows of `depth` vec4s.
pub(crate) fn launch(caps: &Caps, rows: usize, depth: usize) -> Launch {
    let params = Params { rows: rows as u32, depth: depth as u32 };
    super::over(caps, &shader::TRAIN_SCALE_GRADIENT, &params, depth, 8 * (rows * depth) as u64)
}
