//! Host side of shaders/margin/gather.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// Sums of chosen rows for `params.rows` rows, of `entries` in all.
pub(crate) fn launch(caps: &Caps, textures: bool, params: &Params, entries: usize) -> Launch {
    let shader = if textures { &shader::MARGIN_GATHER_TEX } else { &shader::MARGIN_GATHER_BUFFER };
    let launch = params.over(caps, shader, params.rows as usize * params.depth as usize, 0);
    Launch { flops: 8 * entries as u64 * u64::from(params.depth), ..launch }
}
