//! Host side of shaders/train/adam.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// One step of `params.count` vec4s.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    super::over(caps, &shader::TRAIN_ADAM, params, params.count as usize, 68 * u64::from(params.count))
}
