//! Host side of shaders/margin/combine.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// Adds to `params.rows` rows.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    let shader = if caps.textures { &shader::MARGIN_COMBINE_TEX } else { &shader::MARGIN_COMBINE_BUFFER };
    params.over(caps, shader, params.rows as usize * params.depth as usize, 8)
}

/// The same where the matrix that is added is a buffer on every adapter.
pub(crate) fn launch_from_buffer(caps: &Caps, params: &Params) -> Launch {
    params.over(caps, &shader::MARGIN_COMBINE_BUFFER, params.rows as usize * params.depth as usize, 8)
}
