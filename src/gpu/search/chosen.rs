//! Scans in which each probe looks at some of the blocks only.

use std::ops::Range;

use super::{Dispatch, Gpu, PARTS, Part, Probes, Scanner, Seen};
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
        chosen: &[Chosen],
    ) -> Result<Vec<f32>> {
        let (mut parts, mut at) = (Vec::new(), 0);
        for part in chosen {
            let most = self.most_at_once(gpu, part.probes.len(), &self.form(part.probes.len()));
            let mut base = 0;
            for (shard, seen) in shards.iter().enumerate() {
                let first = part.blocks.start.max(base);
                let end = part.blocks.end.min(base + seen.blocks);
                for first in (first..end).step_by(most) {
                    let own = first - base..(first + most).min(end) - base;
                    // Block `b` of the shard is column `base + b - start` of this part.
                    let first_out = (at as u32).wrapping_add(base as u32).wrapping_sub(part.blocks.start as u32);
                    parts.push((shard, Part { row_stride: part.blocks.len() as u32, first_out, ..self.part(part.probes.clone(), own) }));
                }
                base += seen.blocks;
            }
            at += part.probes.len() * part.blocks.len();
        }
        self.run(gpu, shards, masks, probes, &self.together(gpu, parts), at)
    }

    /// Parts of a shard that take the same kernel in one dispatch, those of about the same size together.
    fn together(&self, gpu: &Gpu, mut parts: Vec<(usize, Part)>) -> Vec<Dispatch> {
        let name = |part: &Part| self.form(part.probes as usize).shader.name;
        let blocks = |part: &Part| part.end_block - part.first_block;
        parts.sort_by_key(|(shard, part)| (*shard, name(part), part.probes, blocks(part)));
        let (mut dispatches, mut work) = (Vec::<Dispatch>::new(), 0);
        for (shard, part) in parts {
            let form = self.form(part.probes as usize);
            let own = part.probes as usize * blocks(&part) as usize;
            work += own;
            match dispatches.last_mut() {
                Some(last)
                    if last.shard == shard
                        && last.form.shader.name == form.shader.name
                        && last.parts.len() < PARTS
                        && work <= self.most_at_once(gpu, 1, &form) =>
                {
                    last.parts.push(part);
                }
                _ => {
                    work = own;
                    dispatches.push(Dispatch { shard, form, parts: vec![part] });
                }
            }
        }
        dispatches
    }
}
