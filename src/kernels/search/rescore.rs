//! Host side of shaders/search/rescore.wgsl.

use super::{BLOCK, Family, Format, Score};
use crate::recording::Launch;
use crate::shader;

/// Most results of a probe.
pub(crate) const MOST: usize = 128;
/// Rounds of all loops that one invocation may do on a software adapter, with room for those that are not counted.
const ROUNDS: usize = 60_000;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) first_block: u32,
    pub(crate) end_block: u32,
    pub(crate) steps: u32,
    pub(crate) probe_vec4s: u32,
    pub(crate) row_stride: u32,
    pub(crate) k: u32,
    pub(crate) kind: u32,
    pub(crate) fresh: u32,
}

/// Launches over `blocks` that keep the `k` best rows of `probes`, `fresh` if there are none yet. `short`: an invocation ends early after
/// many rounds, so it gets fewer blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rescore {
    pub(crate) family: Family,
    pub(crate) format: Format,
    pub(crate) dimension: usize,
    pub(crate) score: Score,
    pub(crate) probes: usize,
    pub(crate) blocks: usize,
    pub(crate) k: usize,
    pub(crate) fresh: bool,
    pub(crate) short: bool,
}

impl Rescore {
    pub(crate) fn launches(&self) -> Vec<Launch> {
        let steps = self.format.steps(self.dimension);
        // Of a block: its steps, and a third of a merge of 256 entries, 4 a round.
        let most = if self.short { (ROUNDS / (steps.div_ceil(8) + 32)).max(1) } else { self.blocks.max(1) };
        let shader = match (self.family, self.format) {
            (Family::Tiled, Format::F16) => &shader::SEARCH_RESCORE_F16,
            (Family::Tiled, _) => &shader::SEARCH_RESCORE_F32,
            (Family::Subgroup(_), Format::F16) => &shader::SEARCH_RESCORE_F16_TEX,
            (Family::Subgroup(_), _) => &shader::SEARCH_RESCORE_F32_TEX,
        };
        let launch = |first: usize| {
            let params = Params {
                first_block: first as u32,
                end_block: (first + most).min(self.blocks) as u32,
                steps: steps as u32,
                probe_vec4s: self.format.probe_vec4s(self.dimension) as u32,
                row_stride: self.blocks as u32,
                k: self.k as u32,
                kind: self.score as u32,
                fresh: u32::from(self.fresh && first == 0),
            };
            // At least the k best are scored.
            let flops = (2 * self.probes * self.k * BLOCK * self.dimension) as u64;
            Launch { shader, groups: [self.probes as u32, 1, 1], params: bytemuck::bytes_of(&params).to_vec(), flops }
        };
        (0..self.blocks).step_by(most).map(launch).collect()
    }
}
