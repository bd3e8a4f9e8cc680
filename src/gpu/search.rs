//! Scans over the rows of a gallery.

mod chosen;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::Gpu;
use super::memory::Buffer;
use super::recorded_search::Workspace;
use super::shards::{Home, Layout, Operand, Seen};
use crate::error::Result;
use crate::kernels::search::{self, BLOCK, Form, Format, PARTS, Params, Part};

pub(crate) use chosen::Chosen;

/// Ranges of buffers that are bound begin at multiples of this, which suits every adapter.
const ALIGNMENT: usize = 256;

/// Probes as the device takes them.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    /// `[probe][vec4]`; weights of distances like one more probe.
    pub(crate) bytes: Vec<u8>,
    /// What the sum of products is multiplied by.
    pub(crate) factors: Vec<f32>,
}

/// Blocks of one shard for some probes, [`PARTS`] times at most.
#[derive(Debug)]
pub(super) struct Dispatch {
    shard: usize,
    pub(super) form: Form,
    parts: Vec<Part>,
}

impl Dispatch {
    /// Workgroups: probe tiles, block tiles, parts.
    pub(super) fn groups(&self) -> [u32; 3] {
        let most = |of: fn(&Part) -> u32| self.parts.iter().map(of).max().unwrap_or(0);
        let (probes, blocks) = (most(|p| p.probes), most(|p| p.end_block - p.first_block));
        [probes.div_ceil(self.form.probes as u32), blocks.div_ceil(self.form.blocks as u32), self.parts.len() as u32]
    }

    pub(super) fn params(&self) -> Params {
        let mut params = Params { parts: [Part::default(); PARTS] };
        params.parts.iter_mut().zip(&self.parts).for_each(|(to, part)| *to = *part);
        params
    }
}

/// Scans of one gallery; buffers are kept between them.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(super) layout: Layout,
    free: Mutex<Vec<Scratch>>,
    /// What shards from the host pass through. Whoever copies to it scans it in the same submission, so searches share it.
    passage: Mutex<Option<Arc<Passage>>>,
    pub(super) workspace: Mutex<Workspace>,
}

/// Room for two shards: one is scanned while the next one arrives.
pub(super) type Passage = [Operand; 2];

/// The buffers of one scan.
#[derive(Debug, Default)]
struct Scratch {
    probes: Option<Operand>,
    factors: Option<Buffer>,
    params: Option<Buffer>,
    bits: Option<Buffer>,
    maxima: Option<Buffer>,
    staging: Option<Buffer>,
}

/// `slot`, replaced when it is smaller than `bytes`.
pub(super) fn fit<'a>(gpu: &Gpu, slot: &'a mut Option<Buffer>, bytes: u64, usage: wgpu::BufferUsages) -> Result<&'a Buffer> {
    let buffer = match slot.take().filter(|b| b.size >= bytes) {
        Some(buffer) => buffer,
        None => gpu.buffer("a search", bytes, usage, None)?,
    };
    Ok(slot.insert(buffer))
}

pub(super) const PASS: wgpu::ComputePassDescriptor<'_> = wgpu::ComputePassDescriptor { label: Some("search"), timestamp_writes: None };

/// A range of a buffer, in bytes.
pub(super) fn part(buffer: &Buffer, offset: usize, bytes: usize) -> wgpu::BindingResource<'_> {
    let size = std::num::NonZeroU64::new(bytes as u64);
    wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &buffer.raw, offset: offset as u64, size })
}

impl Scanner {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, free: Mutex::default(), passage: Mutex::default(), workspace: Mutex::default() }
    }

    /// Probes that one scan over `blocks` should take: results stay within some megabytes.
    pub(crate) fn most_probes(&self, gpu: &Gpu, blocks: usize) -> usize {
        let within = |bytes: u64| bytes as usize / 4 / blocks.max(1);
        // A tile of them even where that is more, if it can be bound.
        within(32 << 20).max(32).min(within(gpu.caps().max_binding)).clamp(1, 1024)
    }

    /// The largest score of every block for every probe, `[probe][block]`, blocks counted over all shards. `masks` replaces the bits of the
    /// shards, one word a block.
    pub(crate) fn scan(&self, gpu: &Gpu, shards: &[Seen<'_>], masks: Option<&[u32]>, probes: &Probes) -> Result<Vec<f32>> {
        let (count, total) = (probes.factors.len(), shards.iter().map(|s| s.blocks).sum::<usize>());
        self.run(gpu, shards, masks, probes, &self.dispatches(gpu, shards, count), count * total)
    }

    /// Runs dispatches that write `maxima` numbers together.
    fn run(
        &self,
        gpu: &Gpu,
        shards: &[Seen<'_>],
        masks: Option<&[u32]>,
        probes: &Probes,
        dispatches: &[Dispatch],
        maxima: usize,
    ) -> Result<Vec<f32>> {
        if maxima == 0 {
            return Ok(Vec::new());
        }
        let lock = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        let result = self.run_with(gpu, &mut scratch, shards, masks, probes, dispatches, maxima);
        // After an error buffers may still be in use.
        if result.is_ok() {
            lock().push(scratch);
        }
        result
    }

    #[allow(clippy::too_many_arguments, reason = "what one submission is made of")]
    fn run_with(
        &self,
        gpu: &Gpu,
        scratch: &mut Scratch,
        shards: &[Seen<'_>],
        masks: Option<&[u32]>,
        probes: &Probes,
        dispatches: &[Dispatch],
        numbers: usize,
    ) -> Result<Vec<f32>> {
        let Layout { family, format, .. } = self.layout;
        let params: Vec<Params> = dispatches.iter().map(Dispatch::params).collect();
        let params: &[u8] = bytemuck::cast_slice(&params);
        let usage = wgpu::BufferUsages::COPY_DST;
        let storage = wgpu::BufferUsages::STORAGE | usage;
        let bytes = (numbers * 4) as u64;
        let operand = match scratch.probes.take().filter(|o| o.size() >= probes.bytes.len() as u64) {
            Some(operand) => operand,
            None => Operand::new(gpu, "a search", family, format == Format::I8, probes.bytes.len() as u64)?,
        };
        let operand = &*scratch.probes.insert(operand);
        let factors = fit(gpu, &mut scratch.factors, (probes.factors.len() * 4) as u64, storage)?;
        let uniforms = fit(gpu, &mut scratch.params, params.len() as u64, wgpu::BufferUsages::UNIFORM | usage)?;
        let maxima = fit(gpu, &mut scratch.maxima, bytes, storage | wgpu::BufferUsages::COPY_SRC)?;
        // Mapped as a whole, so it has the size of the results.
        scratch.staging.take_if(|s| s.size != bytes.next_multiple_of(16).max(16));
        let staging = fit(gpu, &mut scratch.staging, bytes, wgpu::BufferUsages::MAP_READ | usage)?;
        let masked = match masks {
            Some(words) => Some(self.upload_masks(gpu, &mut scratch.bits, shards, words)?),
            None => None,
        };
        let pipelines = dispatches.iter().map(|d| gpu.pipeline(d.form.shader)).collect::<Result<Vec<_>>>()?;
        let passage = self.passage(gpu, shards)?;
        let submission = gpu.scoped("a search", 0, || {
            operand.write(gpu, 0, &probes.bytes);
            gpu.queue().write_buffer(&factors.raw, 0, bytemuck::cast_slice(&probes.factors));
            gpu.queue().write_buffer(&uniforms.raw, 0, params);
            let new = || gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike search") });
            let launch = |pass: &mut wgpu::ComputePass<'_>, rows: &Operand, i: usize| {
                let seen = shards[i];
                for (at, (dispatch, pipeline)) in dispatches.iter().zip(&pipelines).enumerate().filter(|(_, (d, _))| d.shard == i) {
                    pass.set_pipeline(&pipeline.raw);
                    let bits = match &masked {
                        Some((buffer, offsets)) => part(buffer, offsets[i] * 4, seen.blocks * 4),
                        None => seen.shard.bits.raw.as_entire_binding(),
                    };
                    let resources = [
                        part(uniforms, at * size_of::<Params>(), size_of::<Params>()),
                        rows.resource(),
                        operand.resource(),
                        seen.shard.factors.raw.as_entire_binding(),
                        bits,
                        factors.raw.as_entire_binding(),
                        maxima.raw.as_entire_binding(),
                    ];
                    pass.set_bind_group(0, &pipeline.bind(gpu, "search", resources), &[]);
                    let [x, y, z] = dispatch.groups();
                    pass.dispatch_workgroups(x, y, z);
                }
            };
            let mut encoder = new();
            {
                let mut pass = encoder.begin_compute_pass(&PASS);
                for (i, seen) in shards.iter().enumerate() {
                    if let Home::Device(rows) = &seen.shard.rows {
                        launch(&mut pass, rows, i);
                    }
                }
            }
            let mut rooms = passage.iter().flat_map(|rooms| rooms.iter()).cycle();
            // Shards that nobody looks at need not pass.
            for (i, seen) in shards.iter().enumerate().filter(|(i, _)| dispatches.iter().any(|d| d.shard == *i)) {
                if let (Home::Host(from), Some(room)) = (&seen.shard.rows, rooms.next()) {
                    room.fill(&mut encoder, &from.raw, (seen.blocks * self.layout.block_bytes()) as u64);
                    launch(&mut encoder.begin_compute_pass(&PASS), room, i);
                    // Each on its own, so that no submission takes long.
                    gpu.queue().submit([std::mem::replace(&mut encoder, new()).finish()]);
                }
            }
            encoder.copy_buffer_to_buffer(&maxima.raw, 0, &staging.raw, 0, bytes);
            gpu.queue().submit([encoder.finish()])
        })?;
        let read = gpu.read_back(staging, submission, "a search")?;
        Ok(read.chunks_exact(4).take(numbers).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// The rooms that shards from the host pass through, if there are any.
    pub(super) fn passage(&self, gpu: &Gpu, shards: &[Seen<'_>]) -> Result<Option<Arc<Passage>>> {
        let Some(most) = shards.iter().filter(|s| !s.shard.stays()).map(|s| s.shard.blocks).max() else { return Ok(None) };
        let mut kept = self.passage.lock().unwrap_or_else(PoisonError::into_inner);
        let room = || self.layout.operand(gpu, "the gallery", most);
        let passage = match kept.take().filter(|p| p[0].size() >= (most * self.layout.block_bytes()) as u64) {
            Some(passage) => passage,
            None => Arc::new([room()?, room()?]),
        };
        Ok(Some(Arc::clone(kept.insert(passage))))
    }

    /// All blocks of all shards for `probes` probes.
    pub(super) fn dispatches(&self, gpu: &Gpu, shards: &[Seen<'_>], probes: usize) -> Vec<Dispatch> {
        let form = self.form(probes);
        let most = self.most_at_once(gpu, probes, &form);
        let total: usize = shards.iter().map(|s| s.blocks).sum();
        let (mut dispatches, mut first_out) = (Vec::new(), 0);
        for (shard, seen) in shards.iter().enumerate() {
            for first in (0..seen.blocks).step_by(most) {
                let blocks = first..(first + most).min(seen.blocks);
                let part = Part { row_stride: total as u32, first_out: first_out as u32, ..self.part(0..probes, blocks) };
                dispatches.push(Dispatch { shard, form, parts: vec![part] });
            }
            first_out += seen.blocks;
        }
        dispatches
    }

    fn form(&self, probes: usize) -> Form {
        search::form(self.layout.family, self.layout.format, self.layout.terms, probes)
    }

    /// Blocks of one dispatch: none takes long, so that no driver takes the device for hung.
    fn most_at_once(&self, gpu: &Gpu, probes: usize, form: &Form) -> usize {
        let tile = form.blocks;
        // Some tens of milliseconds: of a software adapter on two cores, and of a small GPU.
        let (products, bytes) = if gpu.adapter().is_software() { (1 << 30, 256 << 20) } else { (10 << 30, 1 << 30) };
        let by_work = products / (BLOCK * self.layout.dimension * probes).max(1);
        by_work.min(bytes / self.layout.block_bytes()).clamp(tile, tile * gpu.caps().max_groups as usize) / tile * tile
    }

    /// Probes and blocks of a shard; where results go is the caller's.
    fn part(&self, probes: Range<usize>, blocks: Range<usize>) -> Part {
        let Layout { format, dimension, .. } = self.layout;
        Part {
            probes: probes.len() as u32,
            probe_vec4s: format.probe_vec4s(dimension) as u32,
            steps: format.steps(dimension) as u32,
            first_block: blocks.start as u32,
            end_block: blocks.end as u32,
            row_stride: 0,
            first_out: 0,
            first_probe: probes.start as u32,
        }
    }

    /// The masks of all shards in one buffer, and where each begins, in words.
    fn upload_masks<'a>(
        &self,
        gpu: &Gpu,
        slot: &'a mut Option<Buffer>,
        shards: &[Seen<'_>],
        words: &[u32],
    ) -> Result<(&'a Buffer, Vec<usize>)> {
        let (mut padded, mut offsets, mut rest) = (Vec::new(), Vec::new(), words);
        for seen in shards {
            offsets.push(padded.len());
            let (own, tail) = rest.split_at(seen.blocks.min(rest.len()));
            rest = tail;
            padded.extend_from_slice(own);
            padded.resize(padded.len().next_multiple_of(ALIGNMENT / 4), 0);
        }
        let buffer = fit(gpu, slot, (padded.len() * 4) as u64, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST)?;
        gpu.scoped("a search", 0, || gpu.queue().write_buffer(&buffer.raw, 0, bytemuck::cast_slice(&padded)))?;
        Ok((buffer, offsets))
    }
}
