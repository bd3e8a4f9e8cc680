//! Losses on classes. The class matrix is worked through in blocks of rows, twice:
//!
//! ```text
//! forward    per block: products w xᵀ ─▶ (max, sum of exponentials) of every 1024 classes; then joined to each row's, and the loss
//! backward   per block: products again ─▶ p - t, through margin and norms ─▶ dx += · w, dw of the block = ·ᵀ x
//! ```
//!
//! Products are never kept beyond a block; a matrix of one block keeps them, and is not multiplied again.

use std::time::Instant;

use super::ground::{Ground, Padded, gradient, padded, scalar, tensor, unpadded, vec4s};
use super::inputs::{Inputs, Rows};
use super::{ClassLoss, Step, Want};
use crate::error::{Error, Result};
use crate::gpu::{Memory, Work, numbers};
use crate::kernels::linear::matmul;
use crate::kernels::margin::rows::{CHUNK, Pass};
use crate::kernels::margin::{Params, columns, combine, flag, merge, rows, targets};

/// Rows of a block: each is a round of a product's loop, of which software adapters do fewer than 65,536.
const BLOCK_ROWS: usize = 32_768;
/// Bytes of a block's class rows, and of its products.
const BLOCK_BYTES: usize = 64 << 20;
/// Embeddings of a batch: a thread walks over all of them.
const MOST_ROWS: usize = 65_000;

/// Class rows on the device.
struct Block {
    first: usize,
    count: usize,
    /// The same, padded to a multiple of 4.
    width: usize,
    /// The first row of its partial sums.
    chunk: usize,
    w: Memory,
    /// Norms.
    ws: Memory,
    extra: Memory,
}

/// The batch on the device.
struct Batch {
    /// Rows, padded to a multiple of 4.
    stride: usize,
    depth: usize,
    x: Memory,
    /// Columns first.
    transposed: Memory,
    labels: Memory,
    /// Norms and labels.
    xs: Memory,
}

/// What the rounds over blocks write, and use again.
struct Scratch {
    products: Memory,
    between: Memory,
    /// The row of partial sums of every 1024 classes.
    partial: Memory,
    chunks: usize,
    stats: Memory,
}

/// See [`super::Head::Classes`].
pub(super) fn step(ground: &Ground<'_>, loss: &ClassLoss, smoothing: f64, bias: bool, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let x = inputs.rows("x")?;
    let w = inputs.rows_like("w", ("x", &x), false)?;
    if w.rows == 0 || w.rows > 1 << 24 {
        return Err(Error::Caller(format!("The input `w` has {} rows, but 1 to {} classes are possible.", w.rows, 1 << 24)));
    }
    if x.rows > MOST_ROWS {
        return Err(Error::Limits(format!("The input `x` has {} rows, but a batch has at most {MOST_ROWS}. Use a smaller one.", x.rows)));
    }
    let labels = inputs.labels("y", x.rows, Some(w.rows))?;
    let margin = matches!(loss, ClassLoss::AdaptiveFace { .. });
    let slot = if margin { "margin" } else { "bias" };
    let extra = inputs.vector(slot, w.rows)?;
    let valid = labels.iter().filter(|&&y| y >= 0).count();

    let start = Instant::now();
    let mut out = Step::default();
    let params = Params {
        classes: w.rows as u32,
        smoothing: smoothing as f32,
        weight: if valid > 0 { 1.0 / valid as f32 } else { 0.0 },
        ..Params::of(loss)
    };
    let batch = upload_batch(ground, &x, &labels)?;
    let params = Params { rows: batch.stride as u32, stride: batch.stride as u32, depth: batch.depth as u32, ..params };
    let blocks = upload_classes(ground, &w, extra.as_deref().unwrap_or(&[]), batch.stride)?;
    let bytes = (x.data.len() * 2 + w.data.len()) as u64 * 4;
    out.stage("upload", start.elapsed().as_secs_f64(), 0, bytes);

    let run = Run { ground, params, batch, blocks };
    let scratch = run.scratch()?;
    let stats = run.forward(&scratch, w.rows, x.rows, want.logits, &mut out)?;
    out.loss = mean_loss(vec4s(&stats)?, &labels, smoothing, w.rows, valid);
    let lambda = match loss {
        ClassLoss::AdaptiveFace { lambda, .. } if valid > 0 => *lambda,
        _ => 0.0,
    };
    if let Some(margins) = extra.as_deref().filter(|_| margin) {
        out.loss += lambda * (1.0 - margins.iter().map(|&m| f64::from(m)).sum::<f64>() / w.rows as f64);
    }
    if !want.gradients {
        return Ok(out);
    }
    let caffe = matches!(loss, ClassLoss::ASoftmax { caffe: true, .. });
    let sums = run.backward(&scratch, caffe, &x, &w, &mut out)?;
    if margin {
        let shared = lambda / w.rows as f64;
        let dm = sums.iter().map(|s| (-f64::from(params.scale) * f64::from(s[2]) - shared) as f32).collect();
        out.gradients.push(("margin", tensor(&[w.rows], dm)?));
    } else if bias && extra.is_some() {
        out.gradients.push(("bias", tensor(&[w.rows], sums.iter().map(|s| s[1]).collect())?));
    }
    if !matches!(loss, ClassLoss::L2Softmax { .. }) {
        out.gradients.retain(|(slot, _)| *slot != "alpha");
    }
    Ok(out)
}

/// The loss from each row's maximum and sums, in f64: ln of a sum that is nearly the target's own is taken of the rest.
fn mean_loss(stats: &[[f32; 4]], labels: &[i64], smoothing: f64, classes: usize, valid: usize) -> f64 {
    let of = |i: usize| {
        let [most, sum, others, target] = stats[2 * i].map(f64::from);
        let behind = most - target;
        let hard = if behind < 30.0 { (others * behind.exp()).ln_1p() } else { behind + sum.ln() };
        let mean = f64::from(stats[2 * i + 1][0]) / classes as f64;
        hard + smoothing * (target - mean)
    };
    labels.iter().enumerate().filter(|(_, y)| **y >= 0).map(|(i, _)| of(i)).sum::<f64>() / valid.max(1) as f64
}

fn upload_batch(ground: &Ground<'_>, x: &Rows<'_>, labels: &[i64]) -> Result<Batch> {
    let stride = x.rows.next_multiple_of(4).max(4);
    let Padded { data, depth } = padded(&x.data, x.columns, stride);
    let mut columns = vec![0.0; data.len()];
    for (i, row) in data.chunks_exact(depth * 4).enumerate() {
        row.iter().enumerate().for_each(|(k, v)| columns[k * stride + i] = *v);
    }
    let mut of_rows: Vec<f32> = labels.iter().map(|&y| y as f32).collect();
    of_rows.resize(stride, -1.0);
    Ok(Batch {
        stride,
        depth,
        x: ground.matrix("embeddings", &data)?,
        transposed: ground.matrix("embeddings", &columns)?,
        labels: ground.gpu.filled("labels", &of_rows)?,
        xs: ground.vec4s("norms", stride)?,
    })
}

/// Rows that a block has: whole vec4s, and few enough for one binding.
fn block_rows(depth: usize, stride: usize, max_binding: u64) -> usize {
    let most = BLOCK_BYTES.min(usize::try_from(max_binding).unwrap_or(usize::MAX));
    (most / (depth * 16)).min(most / (stride * 4)).min(BLOCK_ROWS) / 4 * 4
}

fn upload_classes(ground: &Ground<'_>, w: &Rows<'_>, extra: &[f32], stride: usize) -> Result<Vec<Block>> {
    let size = block_rows(w.columns.div_ceil(4), stride, ground.caps.max_binding);
    if size == 0 {
        return Err(Error::Limits(format!(
            "Rows of {} numbers and a batch of {stride} do not fit one binding of this device. Use a smaller batch.",
            w.columns
        )));
    }
    let mut chunk = 0;
    let block = |first: usize| {
        let count = size.min(w.rows - first);
        let width = count.next_multiple_of(4);
        let own = padded(&w.data[first * w.columns..(first + count) * w.columns], w.columns, width);
        let mut numbers: Vec<f32> = extra.iter().skip(first).take(count).copied().collect();
        numbers.resize(width, 0.0);
        let block = Block {
            first,
            count,
            width,
            chunk,
            w: ground.matrix("classes", &own.data)?,
            ws: ground.vec4s("norms", width)?,
            extra: ground.gpu.filled("classes", &numbers)?,
        };
        chunk += count.div_ceil(CHUNK);
        Ok(block)
    };
    (0..w.rows).step_by(size).map(block).collect()
}

/// A step in progress.
struct Run<'g> {
    ground: &'g Ground<'g>,
    params: Params,
    batch: Batch,
    blocks: Vec<Block>,
}

impl Run<'_> {
    fn widest(&self) -> usize {
        self.blocks.iter().map(|b| b.width).max().unwrap_or(4)
    }

    fn scratch(&self) -> Result<Scratch> {
        let (ground, stride) = (self.ground, self.batch.stride);
        let chunks = self.blocks.iter().map(|b| b.count.div_ceil(CHUNK)).sum();
        Ok(Scratch {
            products: ground.numbers("products", self.widest() * stride)?,
            between: ground.numbers("products", self.widest() * stride)?,
            partial: ground.vec4s("partial sums", chunks * stride)?,
            chunks,
            stats: ground.vec4s("sums", 2 * stride)?,
        })
    }

    fn of_block(&self, b: &Block) -> Params {
        Params { first: b.first as u32, count: b.count as u32, width: b.width as u32, chunk: b.chunk as u32, ..self.params }
    }

    fn products(&self, work: &mut Work<'_>, b: &Block, scratch: &Scratch) -> Result<()> {
        let launch = matmul::launch(&self.ground.caps, b.width, self.batch.depth * 4, self.batch.stride);
        work.launch(&launch, &[&b.w, &self.batch.transposed, &scratch.products])
    }

    /// Fills the statistics of each row, and returns them. Logits are read block by block where they are wanted.
    fn forward(&self, s: &Scratch, classes: usize, rows_wanted: usize, logits: bool, out: &mut Step) -> Result<Vec<u8>> {
        let (ground, batch) = (self.ground, &self.batch);
        let mut all = if logits { vec![0.0; rows_wanted * classes] } else { Vec::new() };
        let mut work = Work::new(ground.gpu, "the logits");
        ground.norms(&mut work, &batch.x, &batch.labels, &batch.xs, batch.stride, batch.depth)?;
        for b in &self.blocks {
            ground.norms(&mut work, &b.w, &b.extra, &b.ws, b.width, batch.depth)?;
        }
        // ArcNegFace: every logit depends on the target's.
        if self.params.kind == 5 {
            for b in &self.blocks {
                work.launch(&targets::launch(&ground.caps, &self.of_block(b)), &[&batch.x, &b.w, &b.ws, &batch.xs])?;
            }
        }
        for b in &self.blocks {
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

    /// Adds dx, dw and dalpha to the step and returns the sums over rows of each class.
    fn backward(&self, s: &Scratch, caffe: bool, x: &Rows<'_>, w: &Rows<'_>, out: &mut Step) -> Result<Vec<[f32; 4]>> {
        let (ground, batch) = (self.ground, &self.batch);
        let caps = &ground.caps;
        let (stride, depth, widest) = (batch.stride, batch.depth, self.widest());
        let transposed = ground.numbers("products", widest * stride)?;
        let sums = ground.vec4s("sums", widest)?;
        let dw_block = ground.vec4s("gradients", widest * depth)?;
        let (part, dx) = (ground.vec4s("gradients", stride * depth)?, ground.vec4s("gradients", stride * depth)?);
        let row_sums = ground.vec4s("sums", stride)?;
        let bytes = (widest * stride * 4) as u64;
        let textures = if caps.textures {
            Some([ground.gpu.blank_texture("products", bytes)?, ground.gpu.blank_texture("products", bytes)?])
        } else {
            None
        };
        let mut dw = Vec::with_capacity(w.rows * w.columns);
        let mut of_classes = Vec::with_capacity(w.rows);
        for b in &self.blocks {
            let mut work = Work::new(ground.gpu, "the gradients");
            let params = self.of_block(b);
            let with = |flags: u32| Params { flags: params.flags | flags, ..params };
            if self.blocks.len() > 1 {
                self.products(&mut work, b, s)?;
            }
            let of_x = with(if caffe { flag::CAFFE_X } else { 0 });
            let written = [&s.products, &batch.xs, &b.ws, &s.stats, &s.between, &transposed, &sums];
            work.launch(&rows::launch(Pass::Gradient, &of_x), &[&s.products, &batch.xs, &b.ws, &s.stats, &s.partial])?;
            work.launch(&columns::gradient(caps, &of_x), &written)?;
            // dx += between * w
            let between = match &textures {
                Some([texture, _]) => {
                    work.copy(&s.between, texture, (stride * b.width * 4) as u64)?;
                    texture
                }
                None => &s.between,
            };
            work.launch(&matmul::launch(caps, stride, b.width, depth * 4), &[between, &b.w, &part])?;
            let plain = with(flag::PLAIN);
            work.launch(&combine::launch_from_buffer(caps, &plain), &[&part, &row_sums, &dx])?;
            // dw = betweenᵀ * x + what each row itself weighs
            if caffe {
                work.launch(&columns::gradient(caps, &with(flag::CAFFE_W)), &written)?;
            }
            let other = match &textures {
                Some([_, texture]) => {
                    work.copy(&transposed, texture, (stride * b.width * 4) as u64)?;
                    texture
                }
                None => &transposed,
            };
            work.launch(&matmul::launch(caps, b.width, stride, depth * 4), &[other, &batch.x, &dw_block])?;
            let own = Params { rows: b.width as u32, ..params };
            work.launch(&combine::launch(caps, &own), &[&b.w, &sums, &dw_block])?;
            let done = work.run(&[(&dw_block, (b.count * depth * 16) as u64), (&sums, b.count as u64 * 16)])?;
            out.add(ground, "backward", &done);
            unpadded(numbers(done.part(0))?, w.columns, b.count, &mut dw);
            of_classes.extend_from_slice(vec4s(done.part(1))?);
        }
        let mut work = Work::new(ground.gpu, "the gradients");
        let params = Params { chunks: s.chunks as u32, ..self.params };
        work.launch(&merge::launch(caps, Pass::Gradient, &params), &[&s.partial, &row_sums])?;
        work.launch(&combine::launch(caps, &params), &[&batch.x, &row_sums, &dx])?;
        let done = work.run(&[(&dx, (stride * depth * 16) as u64), (&row_sums, stride as u64 * 16)])?;
        out.add(ground, "backward", &done);
        out.gradients.push(("x", gradient(done.part(0), x)?));
        out.gradients.push(("alpha", scalar(vec4s(done.part(1))?.iter().map(|s| f64::from(s[1])).sum())?));
        out.gradients.push(("w", tensor(&[w.rows, w.columns], dw)?));
        Ok(of_classes)
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
