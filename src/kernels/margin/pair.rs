//! Host side of shaders/margin/pair.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// `params.rows` pairs.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_PAIR_F32, params.rows as usize, 120 * u64::from(params.depth))
}
