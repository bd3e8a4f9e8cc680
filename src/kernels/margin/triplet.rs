//! Host side of shaders/margin/triplet.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// `params.rows` triplets.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_TRIPLET_F32, params.rows as usize, 80 * u64::from(params.depth))
}
