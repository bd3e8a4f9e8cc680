//! Host side of shaders/margin/columns.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// Operations to a logit and what its gradient is made of, roughly.
const FLOPS: u64 = 60;

/// What gradients are made of, for a block of classes.
pub(crate) fn gradient(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_COLUMNS_GRADIENT, params.width as usize, FLOPS * u64::from(params.stride))
}

/// The logits of a block of classes.
pub(crate) fn logits(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_COLUMNS_LOGITS, params.width as usize, FLOPS * u64::from(params.stride))
}
