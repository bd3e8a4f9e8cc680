//! Losses on classes, on the device. The class matrix is worked through in blocks of rows, twice:
//!
//! ```text
//! forward    per block: products w xᵀ ─▶ (max, sum of exponentials) of every 1024 classes; then joined to each row's, and the loss
//! backward   per block: products again ─▶ p - t, through margin and norms ─▶ dx += · w, dw of the block = ·ᵀ x
//! ```
//!
//! Products are never kept beyond a block; a matrix of one block keeps them, and is not multiplied again.

use super::ground::{Ground, padded, tensor};
use super::{ClassLoss, Step};
use crate::error::{Error, Result};
use crate::gpu::{Done, Memory, Work, numbers};
use crate::kernels::linear::matmul;
use crate::kernels::margin::rows::{CHUNK, Pass};
use crate::kernels::margin::{Params, columns, combine, flag, merge, rows, targets};

/// Rows of a block: each is a round of a product's loop, of which software adapters do fewer than 65,536.
const BLOCK_ROWS: usize = 32_768;
/// Bytes of a block's class rows, and of its products.
const BLOCK_BYTES: usize = 64 << 20;
/// Embeddings of a batch: a thread walks over all of them.
pub(crate) const MOST_ROWS: usize = 65_000;
/// Classes of a matrix.
pub(crate) const MOST_CLASSES: usize = 1 << 24;

/// Class rows on the device.
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) count: usize,
    /// The same, padded to a multiple of 4.
    pub(super) width: usize,
    /// The first row of its partial sums.
    chunk: usize,
    pub(super) w: Memory,
    /// Norms.
    ws: Memory,
    pub(super) extra: Memory,
}

/// The batch on the device.
pub(super) struct Batch {
    /// Rows, padded to a multiple of 4.
    pub(super) stride: usize,
    pub(super) depth: usize,
    pub(super) x: Memory,
    /// Columns first.
    pub(super) transposed: Memory,
    pub(super) labels: Memory,
    /// Norms and labels.
    pub(super) xs: Memory,
}

/// What the rounds over blocks write, and use again.
pub(super) struct Scratch {
    products: Memory,
    between: Memory,
    /// The row of partial sums of every 1024 classes.
    partial: Memory,
    chunks: usize,
    pub(super) stats: Memory,
}

/// What the way back writes, and uses again.
pub(super) struct Gradients {
    /// Of the blocks: one that all share, or one for each.
    pub(super) dw: Vec<Memory>,
    transposed: Memory,
    sums: Memory,
    part: Memory,
    row_sums: Memory,
    /// The products by which embeddings and classes are multiplied, where products load through textures.
    textures: Option<[Memory; 2]>,
}

/// The last launches of the way back, and what they write.
pub(super) struct Last<'g> {
    pub(super) work: Work<'g>,
    /// The gradient by the embeddings.
    pub(super) dx: Memory,
    /// One vec4 a row; y: its part of the gradient by α.
    pub(super) row_sums: Memory,
}

/// Rows that a block has: whole vec4s, and few enough for one binding.
fn block_rows(depth: usize, stride: usize, max_binding: u64) -> usize {
    let most = BLOCK_BYTES.min(usize::try_from(max_binding).unwrap_or(usize::MAX));
    (most / (depth * 16)).min(most / (stride * 4)).min(BLOCK_ROWS) / 4 * 4
}

/// Blocks of a matrix of `columns`, with the number of each class in `extra`; `upload` brings the padded rows of one to the device.
pub(super) fn upload(
    ground: &Ground<'_>,
    w: &[f32],
    columns: usize,
    extra: &[f32],
    stride: usize,
    mut upload: impl FnMut(&[f32]) -> Result<Memory>,
) -> Result<Vec<Block>> {
    let size = block_rows(columns.div_ceil(4), stride, ground.caps.max_binding);
    if size == 0 {
        return Err(Error::Limits(format!(
            "Rows of {columns} numbers and a batch of {stride} do not fit one binding of this device. Use a smaller batch."
        )));
    }
    let (all, mut chunk) = (w.len() / columns, 0);
    let block = |first: usize| {
        let count = size.min(all - first);
        let width = count.next_multiple_of(4);
        let own = padded(&w[first * columns..(first + count) * columns], columns, width);
        let mut numbers: Vec<f32> = extra.iter().skip(first).take(count).copied().collect();
        numbers.resize(width, 0.0);
        let block = Block {
            first,
            count,
            width,
            chunk,
            w: upload(&own.data)?,
            ws: ground.vec4s("norms", width)?,
            extra: ground.gpu.filled("classes", &numbers)?,
        };
        chunk += count.div_ceil(CHUNK);
        Ok(block)
    };
    (0..all).step_by(size).map(block).collect()
}

/// The loss from each row's maximum and sums, in f64: ln of a sum that is nearly the target's own is taken of the rest.
pub(super) fn mean_loss(stats: &[[f32; 4]], labels: &[i64], smoothing: f64, classes: usize, valid: usize) -> f64 {
    let of = |i: usize| {
        let [most, sum, others, target] = stats[2 * i].map(f64::from);
        let behind = most - target;
        let hard = if behind < 30.0 { (others * behind.exp()).ln_1p() } else { behind + sum.ln() };
        let mean = f64::from(stats[2 * i + 1][0]) / classes as f64;
        hard + smoothing * (target - mean)
    };
    labels.iter().enumerate().filter(|(_, y)| **y >= 0).map(|(i, _)| of(i)).sum::<f64>() / valid.max(1) as f64
}

/// A step in progress.
pub(super) struct Run<'r> {
    pub(super) ground: &'r Ground<'r>,
    pub(super) params: Params,
    pub(super) batch: &'r Batch,
    pub(super) blocks: &'r [Block],
}

impl<'r> Run<'r> {
    /// `valid`: rows that count.
    pub(super) fn new(
        ground: &'r Ground<'r>,
        loss: &ClassLoss,
        smoothing: f64,
        valid: usize,
        classes: usize,
        batch: &'r Batch,
        blocks: &'r [Block],
    ) -> Self {
        let params = Params {
            classes: classes as u32,
            smoothing: smoothing as f32,
            weight: if valid > 0 { 1.0 / valid as f32 } else { 0.0 },
            rows: batch.stride as u32,
            stride: batch.stride as u32,
            depth: batch.depth as u32,
            ..Params::of(loss)
        };
        Self { ground, params, batch, blocks }
    }

    fn of_block(&self, b: &Block) -> Params {
        Params { first: b.first as u32, count: b.count as u32, width: b.width as u32, chunk: b.chunk as u32, ..self.params }
    }

    fn products(&self, work: &mut Work<'_>, b: &Block, scratch: &Scratch) -> Result<()> {
        let launch = matmul::launch(&self.ground.caps, b.width, self.batch.depth * 4, self.batch.stride);
        work.launch(&launch, &[&b.w, &self.batch.transposed, &scratch.products])
    }

    /// Fills the statistics of each row, and returns them. Logits are read block by block where they are wanted.
    pub(super) fn forward(&self, s: &Scratch, classes: usize, rows_wanted: usize, logits: bool, out: &mut Step) -> Result<Vec<u8>> {
        let (ground, batch) = (self.ground, self.batch);
        let mut all = if logits { vec![0.0; rows_wanted * classes] } else { Vec::new() };
        let mut work = Work::new(ground.gpu, "the logits");
        ground.norms(&mut work, &batch.x, &batch.labels, &batch.xs, batch.stride, batch.depth)?;
        for b in self.blocks {
            ground.norms(&mut work, &b.w, &b.extra, &b.ws, b.width, batch.depth)?;
        }
        // ArcNegFace: every logit depends on the target's.
        if self.params.kind == 5 {
            for b in self.blocks {
                work.launch(&targets::launch(&ground.caps, &self.of_block(b)), &[&batch.x, &b.w, &b.ws, &batch.xs])?;
            }
        }
        for b in self.blocks {
            let params = self.of_block(b);
            self.products(&mut work, b, s)?;
            work.launch(&rows::launch(Pass::Statistics, &params), &[&s.products, &batch.xs, &b.ws, &s.partial])?;
            if logits {
                work.launch(&columns::logits(&ground.caps, &params), &[&s.products, &batch.xs, &b.ws, &s.between])?;
            }
            // One submission a block: however many there are, none outlasts the timeout.
            let submitted = std::mem::replace(&mut work, Work::new(ground.gpu, "the logits"));
            let reads = [(&s.between, (rows_wanted * b.width * 4) as u64)];
            let done = submitted.run(if logits { &reads } else { &[] })?;
            if logits {
                let own: &[f32] = numbers(done.part(0))?;
                for (to, from) in all.chunks_exact_mut(classes).zip(own.chunks_exact(b.width)) {
                    to[b.first..b.first + b.count].copy_from_slice(&from[..b.count]);
                }
            }
            out.add(ground, "forward", &done);
        }
        let params = Params { chunks: s.chunks as u32, ..self.params };
        work.launch(&merge::launch(&ground.caps, Pass::Statistics, &params), &[&s.partial, &batch.xs, &s.stats])?;
        let done = work.run(&[(&s.stats, batch.stride as u64 * 32)])?;
        out.add(ground, "forward", &done);
        if logits {
            out.logits = Some(tensor(&[rows_wanted, classes], all)?);
        }
        Ok(done.part(0).to_vec())
    }

    /// The way back. `take` submits the work of a block; what it writes is the gradient by its rows, and sums over rows of each class.
    pub(super) fn backward(
        &self,
        s: &Scratch,
        g: &Gradients,
        caffe: bool,
        out: &mut Step,
        mut take: impl FnMut(&Block, Work<'_>, &Memory, &Memory) -> Result<Done>,
    ) -> Result<Last<'r>> {
        let (ground, batch) = (self.ground, self.batch);
        let caps = &ground.caps;
        let (stride, depth) = (batch.stride, batch.depth);
        let dx = ground.vec4s("gradients", stride * depth)?;
        for (i, b) in self.blocks.iter().enumerate() {
            let dw = &g.dw[i.min(g.dw.len() - 1)];
            let mut work = Work::new(ground.gpu, "the gradients");
            let params = self.of_block(b);
            let with = |flags: u32| Params { flags: params.flags | flags, ..params };
            if self.blocks.len() > 1 {
                self.products(&mut work, b, s)?;
            }
            let of_x = with(if caffe { flag::CAFFE_X } else { 0 });
            let written = [&s.products, &batch.xs, &b.ws, &s.stats, &s.between, &g.transposed, &g.sums];
            work.launch(&rows::launch(Pass::Gradient, &of_x), &[&s.products, &batch.xs, &b.ws, &s.stats, &s.partial])?;
            work.launch(&columns::gradient(caps, &of_x), &written)?;
            // dx += between * w
            let between = match &g.textures {
                Some([texture, _]) => {
                    work.copy(&s.between, texture, (stride * b.width * 4) as u64)?;
                    texture
                }
                None => &s.between,
            };
            work.launch(&matmul::launch(caps, stride, b.width, depth * 4), &[between, &b.w, &g.part])?;
            let plain = with(flag::PLAIN);
            work.launch(&combine::launch_from_buffer(caps, &plain), &[&g.part, &g.row_sums, &dx])?;
            // dw = betweenᵀ * x + what each row itself weighs
            if caffe {
                work.launch(&columns::gradient(caps, &with(flag::CAFFE_W)), &written)?;
            }
            let other = match &g.textures {
                Some([_, texture]) => {
                    work.copy(&g.transposed, texture, (stride * b.width * 4) as u64)?;
                    texture
                }
                None => &g.transposed,
            };
            work.launch(&matmul::launch(caps, b.width, stride, depth * 4), &[other, &batch.x, dw])?;
            let own = Params { rows: b.width as u32, ..params };
            work.launch(&combine::launch(caps, &own), &[&b.w, &g.sums, dw])?;
            let done = take(b, work, dw, &g.sums)?;
            out.add(ground, "backward", &done);
        }
        let mut work = Work::new(ground.gpu, "the gradients");
        let params = Params { chunks: s.chunks as u32, ..self.params };
        work.launch(&merge::launch(caps, Pass::Gradient, &params), &[&s.partial, &g.row_sums])?;
        work.launch(&combine::launch(caps, &params), &[&batch.x, &g.row_sums, &dx])?;
        Ok(Last { work, dx, row_sums: g.row_sums.clone() })
    }
}

fn widest(blocks: &[Block]) -> usize {
    blocks.iter().map(|b| b.width).max().unwrap_or(4)
}

impl Scratch {
    pub(super) fn new(ground: &Ground<'_>, blocks: &[Block], stride: usize) -> Result<Self> {
        let chunks = blocks.iter().map(|b| b.count.div_ceil(CHUNK)).sum();
        Ok(Self {
            products: ground.numbers("products", widest(blocks) * stride)?,
            between: ground.numbers("products", widest(blocks) * stride)?,
            partial: ground.vec4s("partial sums", chunks * stride)?,
            chunks,
            stats: ground.vec4s("sums", 2 * stride)?,
        })
    }
}

impl Gradients {
    /// `each`: every block keeps its own.
    pub(super) fn new(ground: &Ground<'_>, blocks: &[Block], stride: usize, depth: usize, each: bool) -> Result<Self> {
        let widest = widest(blocks);
        let bytes = (widest * stride * 4) as u64;
        let textures = if ground.caps.textures {
            Some([ground.gpu.blank_texture("products", bytes)?, ground.gpu.blank_texture("products", bytes)?])
        } else {
            None
        };
        let shared = [widest];
        let own: Vec<_> = blocks.iter().map(|b| b.width).collect();
        let rows = if each { own.as_slice() } else { &shared };
        Ok(Self {
            dw: rows.iter().map(|rows| ground.vec4s("gradients", rows * depth)).collect::<Result<_>>()?,
            transposed: ground.numbers("products", widest * stride)?,
            sums: ground.vec4s("sums", widest)?,
            part: ground.vec4s("gradients", stride * depth)?,
            row_sums: ground.vec4s("sums", stride)?,
            textures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fit_a_binding_and_are_whole_vec4s() {
        for (depth, stride, binding) in
            [(128, 64, 128 << 20), (1, 4, 128 << 20), (128, 60_000, 128 << 20), (4096, 4, 64 << 10), (3, 8, 1 << 20)]
        {
            let rows = block_rows(depth, stride, binding);
            assert!(rows.is_multiple_of(4) && rows <= BLOCK_ROWS, "{rows}");
            assert!((rows * depth * 16) as u64 <= binding && (rows * stride * 4) as u64 <= binding);
        }
        assert_eq!(block_rows(128, 64, 128 << 20), 32_768);
    }
}
