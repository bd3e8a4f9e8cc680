//! Host side of shaders/margin/norms.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// The norms of `params.rows` rows.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    let shader = if caps.textures { &shader::MARGIN_NORMS_TEX } else { &shader::MARGIN_NORMS_BUFFER };
    params.over(caps, shader, params.rows as usize, 8 * u64::from(params.depth))
}
