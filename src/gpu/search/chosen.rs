//! Scans in which each probe looks at some of the blocks only.

use std::ops::Range;

use super::{Dispatch, Gpu, Params, Probes, Scanner, Seen};
use crate::error::Result;

/// Probes, and the blocks that they look at.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Of the probes of a scan.
    pub(crate) probes: Range<usize>,
    /// Counted over all shards.
    pub(crate) blocks: Range<usize>,
}

impl Scanner {
    /// As [`Scanner::scan`], but of every part only its probes and its blocks: `[part][probe][block]`.
    pub(crate) fn scan_chosen(
        &self,
        gpu: &Gpu,
        shards: &[Seen<'_>],
        masks: Option<&[u32]>,
        probes: &Probes,
        parts: &[Chosen],
    ) -> Result<Vec<f32>> {
        let (mut dispatches, mut at) = (Vec::new(), 0);
        for part in parts {
            let form = self.form(part.probes.len());
            let most = self.most_at_once(gpu, part.probes.len(), &form);
            let mut base = 0;
            for (shard, seen) in shards.iter().enumerate() {
                let first = part.blocks.start.max(base);
                let end = part.blocks.end.min(base + seen.blocks);
                for first in (first..end).step_by(most) {
                    let own = first - base..(first + most).min(end) - base;
                    // Block `b` of the shard is column `base + b - start` of this part.
                    let first_out = (at as u32).wrapping_add(base as u32).wrapping_sub(part.blocks.start as u32);
                    let row_stride = part.blocks.len() as u32;
                    let params = Params { row_stride, first_out, ..self.params(part.probes.clone(), own) };
                    dispatches.push(Dispatch { shard, form, params });
                }
                base += seen.blocks;
            }
            at += part.probes.len() * part.blocks.len();
        }
        self.run(gpu, shards, masks, probes, &dispatches, at)
    }
}
