//! The rows of a gallery: on the device, or on the host and copied to the device whenever a search passes.

use std::sync::OnceLock;

use super::Gpu;
use super::memory::Buffer;
use super::texture::{ROW, ROW_BYTES, Texture};
use crate::error::Result;
use crate::kernels::search::{BLOCK, Family, Format, Terms};
use crate::shader::BindingKind;

/// Bytes of rows that are on their way to the device at once.
const UPLOAD: usize = 64 << 20;

/// How rows are laid out for scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) family: Family,
    pub(crate) format: Format,
    pub(crate) terms: Terms,
    pub(crate) dimension: usize,
}

/// Rows, in blocks of [`BLOCK`], that one dispatch can see.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(super) rows: Home,
    /// Factor and bias of every row.
    pub(super) factors: Buffer,
    /// Which rows count.
    pub(super) bits: Buffer,
    /// Who every row is: id (low and high word), label, factor. Only where searches are recorded.
    pub(super) tags: OnceLock<Buffer>,
    pub(crate) blocks: usize,
}

/// Who a row is: the low and the high word of its id, its label.
pub(crate) type Name = [u32; 3];

impl Shard {
    /// Whether its rows stay on the device.
    pub(crate) fn stays(&self) -> bool {
        matches!(self.rows, Home::Device(_))
    }

    /// Whether searches can be recorded over it.
    pub(crate) fn is_tagged(&self) -> bool {
        self.tags.get().is_some()
    }
}

/// What a kernel reads of rows besides their numbers.
fn tags(names: &[Name; BLOCK], factors: &[[f32; 2]; BLOCK]) -> [[u32; 4]; BLOCK] {
    std::array::from_fn(|r| [names[r][0], names[r][1], names[r][2], factors[r][0].to_bits()])
}

/// Where the rows of a shard are.
#[derive(Debug)]
pub(super) enum Home {
    Device(Operand),
    /// In memory of the host that the device can read: packed, so a search copies and does nothing else.
    Host(Buffer),
}

/// What products load.
#[derive(Debug)]
pub(super) enum Operand {
    Buffer(Buffer),
    Texture(Texture),
}

impl Operand {
    pub(super) fn new(gpu: &Gpu, what: &str, family: Family, integers: bool, bytes: u64) -> Result<Self> {
        Ok(match family {
            Family::Tiled => Self::Buffer(gpu.buffer(what, bytes, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST, None)?),
            Family::Subgroup(_) => {
                Self::Texture(gpu.texture(what, bytes, if integers { BindingKind::TextureUint } else { BindingKind::Texture })?)
            }
        })
    }

    /// Bytes it has room for.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Buffer(buffer) => buffer.size,
            Self::Texture(texture) => texture.bytes(),
        }
    }

    /// Writes whole vec4s from number `first` on.
    pub(super) fn write(&self, gpu: &Gpu, first: u64, bytes: &[u8]) {
        match self {
            Self::Buffer(buffer) => gpu.queue().write_buffer(&buffer.raw, first * 16, bytes),
            Self::Texture(texture) => texture.write(gpu, first, bytes),
        }
    }

    /// Records a copy of the first `bytes` of a buffer that has whole texture rows.
    pub(super) fn fill(&self, encoder: &mut wgpu::CommandEncoder, from: &wgpu::Buffer, bytes: u64) {
        match self {
            Self::Buffer(to) => encoder.copy_buffer_to_buffer(from, 0, &to.raw, 0, bytes),
            Self::Texture(to) => {
                let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(ROW_BYTES as u32), rows_per_image: None };
                encoder.copy_buffer_to_texture(
                    wgpu::TexelCopyBufferInfo { buffer: from, layout },
                    to.raw.as_image_copy(),
                    wgpu::Extent3d { width: ROW as u32, height: bytes.div_ceil(ROW_BYTES) as u32, depth_or_array_layers: 1 },
                );
            }
        }
    }

    pub(super) fn resource(&self) -> wgpu::BindingResource<'_> {
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

    /// Memory for the rows of `blocks`.
    pub(super) fn operand(&self, gpu: &Gpu, what: &str, blocks: usize) -> Result<Operand> {
        Operand::new(gpu, what, self.family, self.format != Format::F32, (blocks * self.block_bytes()) as u64)
    }

    /// An empty shard with room for `blocks`, whose rows stay on the device or not.
    pub(crate) fn shard(&self, gpu: &Gpu, blocks: usize, stays: bool) -> Result<Shard> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let rows = if stays {
            Home::Device(self.operand(gpu, "the gallery", blocks)?)
        } else {
            let bytes = ((blocks * self.block_bytes()) as u64).next_multiple_of(ROW_BYTES);
            Home::Host(gpu.buffer("the gallery", bytes, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC, None)?)
        };
        Ok(Shard {
            rows,
            factors: gpu.buffer("the gallery", (blocks * BLOCK * 8) as u64, usage, None)?,
            bits: gpu.buffer("the gallery", (blocks * 4) as u64, usage, None)?,
            tags: OnceLock::new(),
            blocks,
        })
    }

    /// Writes `blocks` of a shard: `pack(block)` gives bytes and factors of a block, `names` who its rows are.
    pub(crate) fn write(
        &self,
        gpu: &Gpu,
        shard: &Shard,
        blocks: &[usize],
        pack: impl Fn(usize) -> (Vec<u8>, [[f32; 2]; BLOCK]),
        names: impl Fn(usize) -> [Name; BLOCK],
    ) -> Result<()> {
        for part in blocks.chunks((UPLOAD / self.block_bytes()).max(1)) {
            let mut runs = Vec::new();
            // Neighbours go in one write.
            for run in part.chunk_by(|a, b| a + 1 == *b) {
                let (mut bytes, mut factors) = (Vec::with_capacity(run.len() * self.block_bytes()), Vec::new());
                for &block in run {
                    let (b, f) = pack(block);
                    bytes.extend_from_slice(&b);
                    factors.extend_from_slice(&f);
                }
                runs.push((run[0], bytes, factors));
            }
            if let Home::Host(buffer) = &shard.rows {
                let rows: Vec<_> = runs.iter().map(|(first, bytes, _)| (first * self.block_bytes(), bytes.as_slice())).collect();
                gpu.write_mapped(buffer, &rows, "the gallery's upload")?;
            }
            let submission = gpu.scoped("the gallery", 0, || {
                for (first, bytes, factors) in &runs {
                    if let Home::Device(operand) = &shard.rows {
                        operand.write(gpu, (first * self.block_bytes() / 16) as u64, bytes);
                    }
                    gpu.queue().write_buffer(&shard.factors.raw, (first * BLOCK * 8) as u64, bytemuck::cast_slice(factors));
                    if let Some(buffer) = shard.tags.get() {
                        let blocks = factors.chunks_exact(BLOCK).filter_map(|f| f.try_into().ok());
                        let content: Vec<_> = blocks.enumerate().flat_map(|(i, f)| tags(&names(first + i), f)).collect();
                        gpu.queue().write_buffer(&buffer.raw, (first * BLOCK * 16) as u64, bytemuck::cast_slice(&content));
                    }
                }
                gpu.queue().submit([])
            })?;
            gpu.wait(submission, "the gallery's upload")?;
        }
        Ok(())
    }

    /// Makes searches over a shard recordable: `rows(block)` gives names and factors of a block in use.
    pub(crate) fn tag(
        &self,
        gpu: &Gpu,
        shard: &Shard,
        blocks: usize,
        rows: impl Fn(usize) -> ([Name; BLOCK], [[f32; 2]; BLOCK]),
    ) -> Result<()> {
        let mut content = Vec::with_capacity(shard.blocks * BLOCK);
        for block in 0..blocks {
            let (names, factors) = rows(block);
            content.extend(tags(&names, &factors));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let bytes = (shard.blocks * BLOCK * 16) as u64;
        let buffer = gpu.buffer("the gallery", bytes, usage, Some(bytemuck::cast_slice(&content)))?;
        // Somebody else may have been faster with the same.
        let _ = shard.tags.set(buffer);
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
