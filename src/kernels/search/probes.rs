//! Host side of shaders/search/probes.wgsl.

use super::{Format, Score};
use crate::recording::Launch;
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) dimension: u32,
    pub(crate) vec4s: u32,
    pub(crate) cosine: u32,
    pub(crate) most_exponent: u32,
}

/// Packs `probes` of `dimension` numbers; those whose exponent is beyond `most_exponent` are scored by cosines only.
pub(crate) fn launch(probes: usize, dimension: usize, format: Format, score: Score, most_exponent: u32) -> Launch {
    let params = Params {
        dimension: dimension as u32,
        vec4s: format.probe_vec4s(dimension) as u32,
        cosine: u32::from(score == Score::Cosine),
        most_exponent,
    };
    let params = bytemuck::bytes_of(&params).to_vec();
    Launch { shader: &shader::SEARCH_PROBES, groups: [probes as u32, 1, 1], params, flops: (4 * probes * dimension) as u64 }
}
