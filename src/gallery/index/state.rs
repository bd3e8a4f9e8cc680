//! The rows, their places on the devices, and what changes them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::devices::Devices;
use super::probe::Extremes;
use super::rows::{Fate, Rows};
use super::template::Template;
use crate::error::Result;
use crate::gpu::{Name, Seen, Shard};
use crate::kernels::search::BLOCK;

/// Everything a search looks at.
#[derive(Debug)]
pub(super) struct State {
    pub(super) rows: Rows,
    /// By place; what a removed row leaves stays until its place is used again.
    pub(super) ids: Vec<u64>,
    pub(super) labels: Vec<u32>,
    /// One bit a place, one word a block: whether there is a row.
    pub(super) alive: Vec<u32>,
    /// The same for rows that the device finds.
    pub(super) on_device: Vec<u32>,
    /// Places of the rows that it does not.
    pub(super) apart: BTreeSet<usize>,
    pub(super) extremes: Extremes,
    pub(super) shards: Vec<Shard>,
    by_id: HashMap<u64, usize>,
    by_label: HashMap<u32, BTreeSet<usize>>,
    free: BTreeSet<usize>,
    /// Of labels that were asked for since their rows last changed.
    pub(super) templates: Mutex<HashMap<u32, Arc<Template>>>,
}

impl State {
    pub(super) fn new(rows: Rows) -> Self {
        Self {
            rows,
            ids: Vec::new(),
            labels: Vec::new(),
            alive: Vec::new(),
            on_device: Vec::new(),
            apart: BTreeSet::new(),
            extremes: Extremes::default(),
            shards: Vec::new(),
            by_id: HashMap::new(),
            by_label: HashMap::new(),
            free: BTreeSet::new(),
            templates: Mutex::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Ids and places, by id.
    pub(super) fn ids_ascending(&self) -> Vec<(u64, usize)> {
        let mut all: Vec<_> = self.by_id.iter().map(|(&id, &place)| (id, place)).collect();
        all.sort_unstable();
        all
    }

    /// Shards in use: number, first block, and what a scan sees.
    pub(super) fn seen(&self, devices: &Devices) -> impl Iterator<Item = (usize, usize, Seen<'_>)> {
        let (blocks, per_shard) = (self.alive.len(), devices.per_shard);
        self.shards.iter().enumerate().map_while(move |(i, shard)| {
            let used = blocks.saturating_sub(i * per_shard).min(per_shard);
            (used > 0).then_some((i, i * per_shard, Seen { shard, blocks: used }))
        })
    }

    /// Labels that have rows.
    pub(super) fn labels_in_use(&self) -> Vec<u32> {
        self.by_label.keys().copied().collect()
    }

    /// The places of a label's rows, ascending.
    pub(super) fn places_of(&self, label: u32) -> impl Iterator<Item = usize> {
        self.by_label.get(&label).into_iter().flatten().copied()
    }

    /// The rows of these labels, one word a block.
    pub(super) fn bits_of(&self, labels: &[u32]) -> Vec<u32> {
        let mut bits = vec![0; self.alive.len()];
        for place in labels.iter().flat_map(|&label| self.places_of(label)) {
            bits[place / BLOCK] |= 1 << (place % BLOCK);
        }
        bits
    }

    /// Makes room for `more` rows beyond those places that are free.
    pub(super) fn reserve(&mut self, devices: &Devices, more: usize) -> Result<()> {
        let more = more.saturating_sub(self.free.len());
        self.settle(devices, (self.rows.places() + more).div_ceil(BLOCK))?;
        self.rows.reserve(more);
        Ok(())
    }

    /// Makes shards for `blocks`, each where it belongs when there are that many.
    fn settle(&mut self, devices: &Devices, blocks: usize) -> Result<()> {
        let per_shard = devices.per_shard;
        let shards = blocks.div_ceil(per_shard).max(self.shards.len());
        for i in 0..blocks.div_ceil(per_shard) {
            let needed = (blocks - i * per_shard).min(per_shard);
            let has = self.shards.get(i).map_or(0, |s| s.blocks);
            let stays = devices.keeps(i, shards);
            if has >= needed && self.shards[i].stays() == stays {
                continue;
            }
            // Twice as much as before, so that rows move a few times only.
            let room = if has >= needed { has } else { needed.max(has * 2).min(per_shard) };
            let device = devices.of(i);
            let shard = device.layout.shard(&device.gpu, room, stays)?;
            let base = i * per_shard;
            let used = self.alive.len().saturating_sub(base).min(has);
            device.layout.write(
                &device.gpu,
                &shard,
                &(0..used).collect::<Vec<_>>(),
                |b| self.rows.pack(device.layout.format, base + b),
                |b| self.names(base + b),
            )?;
            device.layout.write_bits(&device.gpu, &shard, 0, self.on_device.get(base..base + used).unwrap_or_default())?;
            if has == 0 { self.shards.push(shard) } else { self.shards[i] = shard }
        }
        Ok(())
    }

    /// Adds rows whose ids are new.
    pub(super) fn add(&mut self, devices: &Devices, ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        let places: Vec<usize> = self.free.iter().copied().chain(self.rows.places()..).take(ids.len()).collect();
        self.add_at(devices, &places, ids, labels, vectors)
    }

    /// Adds rows whose ids are new, each in a place where there is none.
    pub(super) fn add_at(&mut self, devices: &Devices, places: &[usize], ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        let end = places.iter().max().map_or(0, |last| last + 1);
        self.reserve(devices, end.saturating_sub(self.rows.places()) + self.free.len())?;
        let mut changed = BTreeSet::new();
        for (((&place, &id), &label), row) in places.iter().zip(ids).zip(labels).zip(vectors.chunks_exact(self.rows.dimension)) {
            self.rows.put(place, row);
            self.free.remove(&place);
            if place >= self.ids.len() {
                self.ids.resize(place + 1, 0);
                self.labels.resize(place + 1, 0);
            }
            if place / BLOCK >= self.alive.len() {
                self.alive.resize(place / BLOCK + 1, 0);
                self.on_device.resize(place / BLOCK + 1, 0);
            }
            (self.ids[place], self.labels[place]) = (id, label);
            self.by_id.insert(id, place);
            self.by_label.entry(label).or_default().insert(place);
            self.forget_template(label);
            self.mark(place);
            changed.insert(place / BLOCK);
        }
        self.upload(devices, &changed, true)
    }

    /// Notes that the rows of a label change.
    fn forget_template(&mut self, label: u32) {
        self.templates.get_mut().unwrap_or_else(PoisonError::into_inner).remove(&label);
    }

    /// Notes that there is a row in a place.
    fn mark(&mut self, place: usize) {
        let (block, bit) = (place / BLOCK, 1 << (place % BLOCK));
        self.alive[block] |= bit;
        let fact = self.rows.facts[place];
        if fact.fate != Fate::Device {
            self.on_device[block] &= !bit;
            self.apart.insert(place);
            return;
        }
        self.on_device[block] |= bit;
        let (error, e) = (f64::from(fact.error), &mut self.extremes);
        e.norm = e.norm.max(fact.norm);
        e.error = e.error.max(error);
        e.relative_error = e.relative_error.max(if fact.norm > 0.0 { error / fact.norm } else { 0.0 });
    }

    /// Removes rows, and says how many there were.
    pub(super) fn remove(&mut self, devices: &Devices, ids: &[u64]) -> Result<usize> {
        let (before, mut changed) = (self.len(), BTreeSet::new());
        for id in ids {
            let Some(place) = self.by_id.remove(id) else { continue };
            let (block, bit) = (place / BLOCK, 1 << (place % BLOCK));
            self.alive[block] &= !bit;
            self.on_device[block] &= !bit;
            self.apart.remove(&place);
            let label = self.labels[place];
            if let Some(places) = self.by_label.get_mut(&label) {
                places.remove(&place);
                if places.is_empty() {
                    self.by_label.remove(&label);
                }
            }
            self.forget_template(label);
            self.free.insert(place);
            changed.insert(block);
        }
        self.upload(devices, &changed, false)?;
        Ok(before - self.len())
    }

    /// Moves the last rows into the places of removed ones.
    pub(super) fn compact(&mut self, devices: &Devices) -> Result<()> {
        let len = self.len();
        let mut changed = BTreeSet::new();
        let holes: Vec<usize> = self.free.iter().copied().filter(|&p| p < len).collect();
        let movers: Vec<usize> = (len..self.rows.places()).filter(|p| !self.free.contains(p)).collect();
        for (&to, &from) in holes.iter().zip(&movers) {
            self.rows.copy(from, to);
            (self.ids[to], self.labels[to]) = (self.ids[from], self.labels[from]);
            self.by_id.insert(self.ids[to], to);
            changed.insert(to / BLOCK);
        }
        self.rows.truncate(len);
        self.ids.truncate(len);
        self.labels.truncate(len);
        self.free.clear();
        self.apart.clear();
        self.by_label.clear();
        self.extremes = Extremes::default();
        let blocks = len.div_ceil(BLOCK);
        self.alive = vec![0; blocks];
        self.on_device = vec![0; blocks];
        for place in 0..len {
            self.by_label.entry(self.labels[place]).or_default().insert(place);
            self.mark(place);
        }
        // The last block may have lost rows.
        changed.extend(blocks.checked_sub(1));
        self.shards.truncate(blocks.div_ceil(devices.per_shard));
        self.settle(devices, blocks)?;
        self.upload(devices, &changed, true)
    }

    /// Who the rows of a block are.
    pub(super) fn names(&self, block: usize) -> [Name; BLOCK] {
        std::array::from_fn(|r| {
            let place = block * BLOCK + r;
            let id = self.ids.get(place).copied().unwrap_or(u64::MAX);
            [id as u32, (id >> 32) as u32, self.labels.get(place).copied().unwrap_or(u32::MAX)]
        })
    }

    /// Brings changed blocks to the device: their rows, or only which of them count.
    fn upload(&self, devices: &Devices, changed: &BTreeSet<usize>, rows: bool) -> Result<()> {
        for (i, shard) in self.shards.iter().enumerate() {
            let (base, device) = (i * devices.per_shard, devices.of(i));
            let own: Vec<usize> = changed.range(base..base + devices.per_shard).map(|b| b - base).collect();
            let (Some(&first), Some(&last)) = (own.first(), own.last()) else { continue };
            if rows {
                let pack = |b: usize| self.rows.pack(device.layout.format, base + b);
                device.layout.write(&device.gpu, shard, &own, pack, |b| self.names(base + b))?;
            }
            device.layout.write_bits(&device.gpu, shard, first, &self.on_device[base + first..=base + last])?;
        }
        Ok(())
    }
}
