//! Host side of shaders/margin/distances.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// All pairs of `params.rows` rows.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_DISTANCES, (params.rows as usize).pow(2), 12 * u64::from(params.depth))
}
