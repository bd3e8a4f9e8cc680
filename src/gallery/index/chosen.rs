//! A search in some of the blocks, which differ by probe: what an inverted file needs of the gallery.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{GalleryIndex, Hit, SearchOptions};
use crate::error::Result;
use crate::gpu::{self, Probes};
use crate::kernels::search::BLOCK;

/// Lists of blocks, and which of them each probe looks at.
#[derive(Debug)]
pub(crate) struct Chosen<'a> {
    /// Blocks of every list, ascending. No block is in two lists.
    pub(crate) lists: &'a [Vec<usize>],
    /// Lists by probe.
    pub(crate) by_probe: &'a [Vec<usize>],
}

/// What one scan is to do for a number of probes.
#[derive(Debug)]
pub(super) struct Parts {
    /// In the order in which results come.
    pub(super) scans: Vec<gpu::Chosen>,
    /// Probes of every scan.
    members: Vec<Vec<usize>>,
    probes: usize,
}

/// What a probe saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) blocks: Vec<usize>,
    pub(super) maxima: Vec<f32>,
}

impl Chosen<'_> {
    /// The most blocks that a probe looks at.
    pub(super) fn most_blocks(&self) -> usize {
        self.by_probe.iter().map(|lists| lists.iter().map(|&l| self.lists[l].len()).sum()).max().unwrap_or(0)
    }

    /// Copies of a probe that a scan may need: one for each of its lists.
    pub(super) fn most_copies(&self) -> usize {
        self.by_probe.iter().map(Vec::len).max().unwrap_or(0).max(1)
    }

    /// The scans for some probes, and the probes as these scans want them. Lists that the same probes look at are one: they are scanned
    /// together, and their probes are there once.
    pub(super) fn parts(&self, probes: Range<usize>, packed: &Probes) -> (Parts, Probes) {
        let mut by_list = BTreeMap::<usize, Vec<usize>>::new();
        for (i, lists) in self.by_probe[probes.clone()].iter().enumerate() {
            lists.iter().for_each(|&list| by_list.entry(list).or_default().push(i));
        }
        let mut by_members = BTreeMap::<Vec<usize>, Vec<usize>>::new();
        for (list, members) in by_list {
            by_members.entry(members).or_default().extend_from_slice(&self.lists[list]);
        }
        let stride = packed.bytes.len() / probes.len().max(1);
        let (mut parts, mut some) = (Parts { scans: Vec::new(), members: Vec::new(), probes: probes.len() }, Probes::default());
        for (members, mut blocks) in by_members {
            let first = some.factors.len();
            for &probe in &members {
                some.bytes.extend_from_slice(&packed.bytes[probe * stride..(probe + 1) * stride]);
                some.factors.push(packed.factors[probe]);
            }
            blocks.sort_unstable();
            for run in blocks.chunk_by(|a, b| a + 1 == *b) {
                parts.scans.push(gpu::Chosen { probes: first..some.factors.len(), blocks: run[0]..run[0] + run.len() });
                parts.members.push(members.clone());
            }
        }
        (parts, some)
    }
}

impl Parts {
    /// What every probe saw, of the results of all scans.
    pub(super) fn by_probe(&self, maxima: &[f32]) -> Vec<Seen> {
        let (mut seen, mut rest) = (vec![Seen::default(); self.probes], maxima);
        for (scan, members) in self.scans.iter().zip(&self.members) {
            for &probe in members {
                let (own, tail) = rest.split_at(scan.blocks.len());
                rest = tail;
                seen[probe].blocks.extend(scan.blocks.clone());
                seen[probe].maxima.extend_from_slice(own);
            }
        }
        seen
    }
}

impl GalleryIndex {
    /// As [`GalleryIndex::search`], but of the rows that the device finds only those in the lists of each probe.
    pub(crate) fn search_chosen(
        &self,
        probes: &[f32],
        k: usize,
        options: &SearchOptions<'_>,
        chosen: &Chosen<'_>,
    ) -> Result<Vec<Vec<Hit>>> {
        self.check_probes(probes)?;
        self.search_in(&self.read(), probes, k, options, Some(chosen))
    }

    /// Refuses rows that [`GalleryIndex::add`] would refuse.
    pub(crate) fn check(&self, ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        self.check_new(&self.read(), ids, labels, vectors)
    }

    /// As [`GalleryIndex::add`], each row in a place of the caller's choice where there is none. Not for galleries that are compacted.
    pub(crate) fn add_at(&self, places: &[usize], ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        let mut state = self.write();
        self.check_new(&state, ids, labels, vectors)?;
        state.add_at(&self.devices, places, ids, labels, vectors)
    }

    /// Blocks that hold rows, or held some.
    pub(crate) fn blocks(&self) -> usize {
        self.read().alive.len()
    }

    /// Places without a row in a block.
    pub(crate) fn free_in(&self, block: usize) -> Vec<usize> {
        let alive = self.read().alive[block];
        (0..BLOCK).filter(|r| alive >> r & 1 == 0).map(|r| block * BLOCK + r).collect()
    }
}
