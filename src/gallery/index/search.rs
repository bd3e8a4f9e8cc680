//! From the maxima of blocks to exact results.

use std::collections::{BinaryHeap, HashMap};

use super::best::{Best, Found, rank};
use super::probe::Probe;
use super::state::State;
use super::{Chosen, GalleryIndex, Hit, PerLabel, SearchOptions};
use crate::error::{Error, Result};
use crate::kernels::search::BLOCK;

/// Blocks without a row that counts have a maximum below this.
const NOTHING: f32 = -2.9e38;
/// Bytes of probes that one scan of chosen blocks takes, copies counted.
const COPIES: usize = 64 << 20;

/// What one search looks at.
pub(super) struct Scope<'a> {
    pub(super) state: &'a State,
    /// Rows that count, one word a block.
    bits: &'a [u32],
    pub(super) options: &'a SearchOptions<'a>,
    pub(super) k: usize,
}

/// `work(0)` to `work(n - 1)` on as many threads as there are cores, in order.
pub(super) fn spread<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(n);
    if threads <= 1 {
        return Ok((0..n).map(work).collect());
    }
    let work = &work;
    let mut parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|t| scope.spawn(move || (t..n).step_by(threads).map(work).collect::<Vec<_>>())).collect();
        let lost = || Error::Device("A thread that orders results ended.".to_owned());
        workers.into_iter().map(|w| w.join().map(Vec::into_iter).map_err(|_| lost())).collect::<Result<Vec<_>>>()
    })?;
    Ok((0..n).filter_map(|i| parts[i % threads].next()).collect())
}

impl GalleryIndex {
    /// Searches in a state that stays as it is meanwhile: in all blocks, or in those that were chosen.
    pub(super) fn search_in(
        &self,
        state: &State,
        probes: &[f32],
        k: usize,
        options: &SearchOptions<'_>,
        chosen: Option<&Chosen<'_>>,
    ) -> Result<Vec<Vec<Hit>>> {
        let count = probes.len() / self.dimension();
        if k == 0 || state.len() == 0 || options.threshold.is_some_and(f32::is_nan) {
            return Ok(vec![Vec::new(); count]);
        }
        let masked = options.labels.map(|labels| state.bits_of(labels));
        let bits = masked.as_deref().unwrap_or(&state.alive);
        let masks: Option<Vec<u32>> = masked.as_ref().map(|m| m.iter().zip(&state.on_device).map(|(a, b)| a & b).collect());
        let scope = Scope { state, bits, options, k: k.min(state.len()) };
        let blocks = chosen.map_or(bits.len(), Chosen::most_blocks);
        let copies = chosen.map_or(1, |c| c.most_copies() * self.format.probe_vec4s(self.dimension()) * 16);
        let at_once = self.devices.most_probes(blocks).min(COPIES / copies).max(1);
        let mut out = Vec::with_capacity(count);
        for (i, part) in probes.chunks(at_once * self.dimension()).enumerate() {
            let (packed, measured) = Probe::all(part, &state.rows, self.format);
            if options.per_label == Some(PerLabel::Template) {
                out.extend(scope.by_template(&measured)?);
                continue;
            }
            if let Some(chosen) = chosen {
                let (parts, some) = chosen.parts(i * at_once..i * at_once + measured.len(), &packed);
                let maxima = self.devices.scan_chosen(state, masks.as_deref(), &some, &parts.scans)?;
                let seen = parts.by_probe(&maxima);
                out.extend(spread(measured.len(), |p| scope.results(&measured[p], &seen[p].maxima, Some(&seen[p].blocks)))?);
                continue;
            }
            let maxima = self.devices.scan(state, masks.as_deref(), &packed)?;
            let own = |p: usize| &maxima[p * bits.len()..(p + 1) * bits.len()];
            out.extend(spread(measured.len(), |p| scope.results(&measured[p], own(p), None))?);
        }
        Ok(out)
    }
}

impl Scope<'_> {
    /// The results of one probe: blocks by falling maxima, until no row of the rest can be among the k best. `blocks` says which they are,
    /// where they are not all.
    fn results(&self, probe: &Probe<'_>, maxima: &[f32], blocks: Option<&[usize]>) -> Vec<Hit> {
        let rows = &self.state.rows;
        let mut best = match self.options.per_label {
            None => Best::Rows(self.k, BinaryHeap::new()),
            Some(_) => Best::Labels(self.k, HashMap::new()),
        };
        let mut buffer = vec![0.0; rows.dimension];
        // What the device does not know of.
        for &place in self.state.apart.iter().filter(|&&p| self.counts(p)) {
            self.offer(probe, place, &mut best, &mut buffer);
        }
        let margin = probe.margin(rows, &self.state.extremes);
        let mut order: BinaryHeap<(u32, usize)> = maxima
            .iter()
            .enumerate()
            .filter(|(_, m)| **m > NOTHING || !probe.on_device)
            .map(|(i, &m)| (if probe.on_device { u32::MAX - rank(m) } else { 0 }, i))
            .collect();
        while let Some((_, i)) = order.pop() {
            if probe.on_device {
                let bound = probe.bound(rows, maxima[i], margin);
                let hopeless = best.cutoff().is_some_and(|last| rank(bound) > last);
                if hopeless || self.options.threshold.is_some_and(|t| bound < t) {
                    break;
                }
            }
            let block = blocks.map_or(i, |blocks| blocks[i]);
            let mut bits = self.bits[block] & self.state.on_device[block];
            while bits != 0 {
                self.offer(probe, block * BLOCK + bits.trailing_zeros() as usize, &mut best, &mut buffer);
                bits &= bits - 1;
            }
        }
        best.into_sorted().into_iter().map(|found| self.hit(found)).collect()
    }

    pub(super) fn hit(&self, found: Found) -> Hit {
        Hit { id: found.id, label: self.state.labels[found.place as usize], score: found.score }
    }

    fn counts(&self, place: usize) -> bool {
        self.bits[place / BLOCK] >> (place % BLOCK) & 1 == 1
    }

    /// Scores a row, or its label, and keeps it if it is good enough.
    fn offer(&self, probe: &Probe<'_>, place: usize, best: &mut Best, buffer: &mut [f32]) {
        let label = self.state.labels[place];
        let found = match self.options.per_label {
            // No label is better than its best row, so one that has not come up yet is no better than the blocks to come.
            Some(PerLabel::Mean) if best.knows(label) => return,
            Some(PerLabel::Mean) => self.mean(probe, label, buffer),
            _ => Some(self.score(probe, place, buffer)),
        };
        let enough = |f: &Found| self.options.threshold.is_none_or(|t| f.score >= t);
        if let Some(found) = found.filter(enough) {
            best.offer(label, found);
        }
    }

    pub(super) fn score(&self, probe: &Probe<'_>, place: usize, buffer: &mut [f32]) -> Found {
        Found::new(self.state.rows.score(probe.numbers, probe.norm, place, buffer), self.state.ids[place], place)
    }

    /// The mean over all rows of a label, under its best row.
    fn mean(&self, probe: &Probe<'_>, label: u32, buffer: &mut [f32]) -> Option<Found> {
        let (mut sum, mut count, mut top) = (0.0, 0.0, None::<Found>);
        for place in self.state.places_of(label) {
            let score = self.state.rows.score(probe.numbers, probe.norm, place, buffer);
            let found = Found::new(score, self.state.ids[place], place);
            (sum, count) = (sum + score, count + 1.0);
            top = Some(top.map_or(found, |t| t.min(found)));
        }
        top.map(|t| Found::new(sum / count, t.id, t.place as usize))
    }
}
