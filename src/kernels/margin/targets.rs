//! Host side of shaders/margin/targets.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// The targets that lie in a block, for `params.rows` embeddings.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    let shader = if caps.textures { &shader::MARGIN_TARGETS_TEX } else { &shader::MARGIN_TARGETS_BUFFER };
    params.over(caps, shader, params.rows as usize, 8 * u64::from(params.depth))
}
