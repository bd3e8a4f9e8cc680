//! The rows of a gallery on the device, and scans over them.

mod chosen;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Gpu;
use super::memory::Buffer;
use super::texture::{ROW, Texture};
use crate::error::Result;
use crate::kernels::search::{self, BLOCK, Family, Form, Format, PARTS, Params, Part};
use crate::shader::BindingKind;

pub(crate) use chosen::Chosen;

/// Ranges of buffers that are bound begin at multiples of this, which suits every adapter.
const ALIGNMENT: usize = 256;
/// Bytes of rows that are on their way to the device at once.
const UPLOAD: usize = 64 << 20;

/// What a scan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) family: Family,
    pub(crate) format: Format,
    pub(crate) dimension: usize,
}

/// Rows, in blocks of [`BLOCK`], that one dispatch can see.
#[derive(Debug)]
pub(crate) struct Shard {
    rows: Operand,
    /// Factor and bias of every row.
    factors: Buffer,
    /// Which rows count.
    bits: Buffer,
    pub(crate) blocks: usize,
}

/// What products load.
#[derive(Debug)]
enum Operand {
    Buffer(Buffer),
    Texture(Texture),
}

impl Operand {
    fn new(gpu: &Gpu, what: &str, family: Family, integers: bool, bytes: u64) -> Result<Self> {
        Ok(match family {
            Family::Tiled => Self::Buffer(gpu.buffer(what, bytes, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST, None)?),
            Family::Subgroup(_) => {
                Self::Texture(gpu.texture(what, bytes, if integers { BindingKind::TextureUint } else { BindingKind::Texture }, None)?)
            }
        })
    }

    /// Bytes it has room for.
    fn size(&self) -> u64 {
        match self {
            Self::Buffer(buffer) => buffer.size,
            Self::Texture(texture) => texture.bytes(),
        }
    }

    /// Writes whole vec4s from number `first` on.
    fn write(&self, gpu: &Gpu, first: u64, bytes: &[u8]) {
        match self {
            Self::Buffer(buffer) => gpu.queue().write_buffer(&buffer.raw, first * 16, bytes),
            Self::Texture(texture) => texture.write(gpu, first, bytes),
        }
    }

    fn resource(&self) -> wgpu::BindingResource<'_> {
        match self {
            Self::Buffer(buffer) => buffer.raw.as_entire_binding(),
            Self::Texture(texture) => wgpu::BindingResource::TextureView(&texture.view),
        }
    }
}

impl Layout {
    /// Blocks that one shard may have on this device.
    pub(crate) fn most_blocks(&self, gpu: &Gpu) -> usize {
        let bytes = match self.family {
            Family::Tiled => gpu.caps().max_binding.min(1 << 30),
            Family::Subgroup(_) => (u64::from(gpu.device().limits().max_texture_dimension_2d) * ROW * 16).min(256 << 20),
        };
        // Factors are 256 bytes a block, always less than its rows.
        (bytes as usize / self.block_bytes()).max(1)
    }

    pub(crate) fn block_bytes(&self) -> usize {
        self.format.block_bytes(self.dimension)
    }

    /// An empty shard with room for `blocks`.
    pub(crate) fn shard(&self, gpu: &Gpu, blocks: usize) -> Result<Shard> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        Ok(Shard {
            rows: Operand::new(gpu, "the gallery", self.family, self.format != Format::F32, (blocks * self.block_bytes()) as u64)?,
            factors: gpu.buffer("the gallery", (blocks * BLOCK * 8) as u64, usage, None)?,
            bits: gpu.buffer("the gallery", (blocks * 4) as u64, usage, None)?,
            blocks,
        })
    }

    /// Writes `blocks` of a shard: `pack(block)` gives bytes, factors and bits of a block.
    pub(crate) fn write(
        &self,
        gpu: &Gpu,
        shard: &Shard,
        blocks: &[usize],
        pack: impl Fn(usize) -> (Vec<u8>, [[f32; 2]; BLOCK]),
    ) -> Result<()> {
        let vec4s = (self.block_bytes() / 16) as u64;
        for part in blocks.chunks((UPLOAD / self.block_bytes()).max(1)) {
            let submission = gpu.scoped("the gallery", 0, || {
                // Neighbours go in one write.
                for run in part.chunk_by(|a, b| a + 1 == *b) {
                    let (mut bytes, mut factors) = (Vec::with_capacity(run.len() * self.block_bytes()), Vec::new());
                    for &block in run {
                        let (b, f) = pack(block);
                        bytes.extend_from_slice(&b);
                        factors.extend_from_slice(&f);
                    }
                    shard.rows.write(gpu, run[0] as u64 * vec4s, &bytes);
                    gpu.queue().write_buffer(&shard.factors.raw, (run[0] * BLOCK * 8) as u64, bytemuck::cast_slice(&factors));
                }
                gpu.queue().submit([])
            })?;
            gpu.wait(submission, "the gallery's upload")?;
        }
        Ok(())
    }

    /// Writes which rows count, for all of the shard's blocks from `first` on.
    pub(crate) fn write_bits(&self, gpu: &Gpu, shard: &Shard, first: usize, bits: &[u32]) -> Result<()> {
        gpu.scoped("the gallery", 0, || gpu.queue().write_buffer(&shard.bits.raw, (first * 4) as u64, bytemuck::cast_slice(bits)))
    }
}

/// A shard as one scan sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) shard: &'a Shard,
    /// Blocks in use, from the first.
    pub(crate) blocks: usize,
}

/// Probes as the device takes them.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    /// `[probe][vec4]`.
    pub(crate) bytes: Vec<u8>,
    /// What the sum of products is multiplied by.
    pub(crate) factors: Vec<f32>,
}

/// Blocks of one shard for some probes, [`PARTS`] times at most.
#[derive(Debug)]
struct Dispatch {
    shard: usize,
    form: Form,
    parts: Vec<Part>,
}

impl Dispatch {
    /// Workgroups: probe tiles, block tiles, parts.
    fn groups(&self) -> [u32; 3] {
        let most = |of: fn(&Part) -> u32| self.parts.iter().map(of).max().unwrap_or(0);
        let (probes, blocks) = (most(|p| p.probes), most(|p| p.end_block - p.first_block));
        [probes.div_ceil(self.form.probes as u32), blocks.div_ceil(self.form.blocks as u32), self.parts.len() as u32]
    }

    fn params(&self) -> Params {
        let mut params = Params { parts: [Part::default(); PARTS] };
        params.parts.iter_mut().zip(&self.parts).for_each(|(to, part)| *to = *part);
        params
    }
}

/// Scans of one gallery; buffers are kept between them.
#[derive(Debug)]
pub(crate) struct Scanner {
    layout: Layout,
    free: Mutex<Vec<Scratch>>,
}

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
fn fit<'a>(gpu: &Gpu, slot: &'a mut Option<Buffer>, bytes: u64, usage: wgpu::BufferUsages) -> Result<&'a Buffer> {
    let buffer = match slot.take().filter(|b| b.size >= bytes) {
        Some(buffer) => buffer,
        None => gpu.buffer("a search", bytes, usage, None)?,
    };
    Ok(slot.insert(buffer))
}

impl Scanner {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, free: Mutex::default() }
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
        let submission = gpu.scoped("a search", 0, || {
            operand.write(gpu, 0, &probes.bytes);
            gpu.queue().write_buffer(&factors.raw, 0, bytemuck::cast_slice(&probes.factors));
            gpu.queue().write_buffer(&uniforms.raw, 0, params);
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike search") });
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("search"), timestamp_writes: None });
                for (i, (dispatch, pipeline)) in dispatches.iter().zip(&pipelines).enumerate() {
                    let shard = dispatch.shard;
                    pass.set_pipeline(&pipeline.raw);
                    let uniform = wgpu::BufferBinding {
                        buffer: &uniforms.raw,
                        offset: (i * size_of::<Params>()) as u64,
                        size: std::num::NonZeroU64::new(size_of::<Params>() as u64),
                    };
                    let seen = shards[shard];
                    let bits = match &masked {
                        Some((buffer, offsets)) => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                            buffer: &buffer.raw,
                            offset: (offsets[shard] * 4) as u64,
                            size: std::num::NonZeroU64::new((seen.blocks * 4) as u64),
                        }),
                        None => seen.shard.bits.raw.as_entire_binding(),
                    };
                    let resources = [
                        wgpu::BindingResource::Buffer(uniform),
                        seen.shard.rows.resource(),
                        operand.resource(),
                        seen.shard.factors.raw.as_entire_binding(),
                        bits,
                        factors.raw.as_entire_binding(),
                        maxima.raw.as_entire_binding(),
                    ];
                    let entries: Vec<_> = resources
                        .into_iter()
                        .enumerate()
                        .map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource })
                        .collect();
                    let group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                        label: Some("search"),
                        layout: &pipeline.layout,
                        entries: &entries,
                    });
                    pass.set_bind_group(0, &group, &[]);
                    let [x, y, z] = dispatch.groups();
                    pass.dispatch_workgroups(x, y, z);
                }
            }
            encoder.copy_buffer_to_buffer(&maxima.raw, 0, &staging.raw, 0, bytes);
            gpu.queue().submit([encoder.finish()])
        })?;
        let read = gpu.read_back(staging, submission, "a search")?;
        Ok(read.chunks_exact(4).take(numbers).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// All blocks of all shards for `probes` probes.
    fn dispatches(&self, gpu: &Gpu, shards: &[Seen<'_>], probes: usize) -> Vec<Dispatch> {
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
        search::form(self.layout.family, self.layout.format, probes)
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
