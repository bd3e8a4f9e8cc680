//! Host side of shaders/search/cutoff.wgsl.

use super::Score;
use crate::recording::Launch;
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) blocks: u32,
    pub(crate) row_stride: u32,
    pub(crate) k: u32,
    pub(crate) kind: u32,
    pub(crate) margin: f32,
    pub(crate) longest: f32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// How far scores of two kernels may lie apart: `margin` of what they are made of, with the longest row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slack {
    pub(crate) score: Score,
    pub(crate) margin: f32,
    pub(crate) longest: f32,
}

/// Cutoffs of `probes` over the maxima of `blocks`, for the `k` best rows.
pub(crate) fn launch(probes: usize, blocks: usize, k: usize, slack: Slack) -> Launch {
    let params = Params {
        blocks: blocks as u32,
        row_stride: blocks as u32,
        k: k as u32,
        kind: slack.score as u32,
        margin: slack.margin,
        longest: slack.longest,
        pad0: 0,
        pad1: 0,
    };
    Launch { shader: &shader::SEARCH_CUTOFF, groups: [probes as u32, 1, 1], params: bytemuck::bytes_of(&params).to_vec(), flops: 0 }
}
