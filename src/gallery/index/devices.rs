//! The devices that rows lie on: which shard is where, and scans over all of them.

use super::IndexOptions;
use super::state::State;
use crate::error::{Error, Result};
use crate::gpu::{self, Gpu, Layout, Probes, Scanner, Seen};
use crate::kernels::search::{BLOCK, Family, Format};

/// Bytes of a shard's rows where several devices share them, so that all of them get some.
const SHARE: usize = 64 << 20;
/// Shards that a device holds rows of while others pass through it.
pub(super) const PASSING: usize = 2;

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) gpu: Gpu,
    pub(super) layout: Layout,
    pub(super) scanner: Scanner,
}

/// All devices. Shard `i` belongs to device `i` modulo their number.
#[derive(Debug)]
pub(super) struct Devices {
    all: Vec<Device>,
    /// Blocks of a full shard.
    pub(super) per_shard: usize,
    /// Full shards that one device may hold.
    capacity: Option<usize>,
}

impl Devices {
    /// # Errors
    /// [`Error::Caller`] without a device.
    pub(super) fn new(gpus: &[Gpu], dimension: usize, format: Format, options: &IndexOptions) -> Result<Self> {
        let all: Vec<Device> = gpus
            .iter()
            .map(|gpu| {
                let layout = Layout { family: Family::of(gpu.caps()), format, terms: options.metric.terms(), dimension };
                Device { gpu: gpu.clone(), layout, scanner: Scanner::new(layout) }
            })
            .collect();
        let block_bytes = format.block_bytes(dimension);
        let Some(bindable) = all.iter().map(|d| d.layout.most_blocks(&d.gpu)).min() else {
            return Err(Error::Caller("A gallery index needs a device, but none is given.".to_owned()));
        };
        let blocks = |bytes: usize| (bytes / block_bytes).max(1);
        let budget = options.device_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        // One that stays beside those that pass.
        let most = bindable.min(budget.map_or(usize::MAX, |bytes| blocks(bytes / (1 + PASSING))));
        let usual = if all.len() > 1 { most.min(blocks(SHARE)) } else { most };
        let per_shard = options.rows_per_shard.map_or(usual, |rows| rows.div_ceil(BLOCK).clamp(1, most));
        let capacity = budget.map(|bytes| bytes / (per_shard * block_bytes));
        Ok(Self { all, per_shard, capacity })
    }

    /// The device of a shard.
    pub(super) fn of(&self, shard: usize) -> &Device {
        &self.all[shard % self.all.len()]
    }

    /// The only device.
    pub(super) fn only(&self) -> Option<&Device> {
        match self.all.as_slice() {
            [device] => Some(device),
            _ => None,
        }
    }

    /// Whether the rows of a shard, one of `shards`, stay on its device.
    pub(super) fn keeps(&self, shard: usize, shards: usize) -> bool {
        let Some(capacity) = self.capacity else { return true };
        let n = self.all.len();
        let of_device = shards.saturating_sub(shard % n).div_ceil(n);
        of_device <= capacity || shard / n < capacity.saturating_sub(PASSING)
    }

    /// Probes that one scan over `blocks` should take.
    pub(super) fn most_probes(&self, blocks: usize) -> usize {
        self.all.iter().map(|d| d.scanner.most_probes(&d.gpu, blocks)).min().unwrap_or(1)
    }

    /// The largest score of every block for every probe, `[probe][block]`: all devices scan their shards side by side. `masks` replaces the
    /// rows that count, one word a block.
    pub(super) fn scan(&self, state: &State, masks: Option<&[u32]>, probes: &Probes) -> Result<Vec<f32>> {
        if let Some(device) = self.only() {
            let seen: Vec<_> = state.seen(self).map(|(_, _, seen)| seen).collect();
            return device.scanner.scan(&device.gpu, &seen, masks, probes);
        }
        let of = |device: usize| state.seen(self).filter(move |(shard, _, _)| shard % self.all.len() == device);
        let own = |i: usize, device: &Device| {
            let seen: Vec<Seen<'_>> = of(i).map(|(_, _, seen)| seen).collect();
            let masks: Option<Vec<u32>> =
                masks.map(|words| of(i).flat_map(|(_, first, seen)| words[first..first + seen.blocks].iter().copied()).collect());
            device.scanner.scan(&device.gpu, &seen, masks.as_deref(), probes)
        };
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> = self.all.iter().enumerate().map(|(i, device)| scope.spawn(move || own(i, device))).collect();
            let lost = || Error::Device("A thread that searches a device ended.".to_owned());
            workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(lost()))).collect::<Result<Vec<_>>>()
        })?;
        let (count, total) = (probes.factors.len(), state.alive.len());
        let mut out = vec![0f32; count * total];
        for (i, part) in parts.iter().enumerate() {
            let stride = part.len() / count.max(1);
            let mut at = 0;
            for (_, first, seen) in of(i) {
                for probe in 0..count {
                    let from = probe * stride + at;
                    out[probe * total + first..][..seen.blocks].copy_from_slice(&part[from..from + seen.blocks]);
                }
                at += seen.blocks;
            }
        }
        Ok(out)
    }

    /// As [`Self::scan`], of every part only its probes and its blocks: `[part][probe][block]`.
    ///
    /// # Errors
    /// [`Error::Caller`] where there are several devices: blocks that are chosen lie on one.
    pub(super) fn scan_chosen(&self, state: &State, masks: Option<&[u32]>, probes: &Probes, chosen: &[gpu::Chosen]) -> Result<Vec<f32>> {
        let Some(device) = self.only() else {
            return Err(Error::Caller("An inverted file lies on one device, but several are given. Give one.".to_owned()));
        };
        let seen: Vec<_> = state.seen(self).map(|(_, _, seen)| seen).collect();
        device.scanner.scan_chosen(&device.gpu, &seen, masks, probes, chosen)
    }
}
