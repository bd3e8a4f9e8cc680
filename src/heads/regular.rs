//! RegularFace's exclusive regulariser: for each class the nearest other one, over blocks of queries and of classes.

use super::ground::{Ground, Padded, Sums, padded, tensor, unpadded, vec4s};
use super::inputs::{Inputs, Rows};
use super::{Step, Want};
use crate::error::{Error, Result};
use crate::gpu::{Memory, Work, numbers};
use crate::kernels::linear::matmul;
use crate::kernels::margin::rows::{CHUNK, Pass};
use crate::kernels::margin::{Params, merge, rows};
use crate::tensor::Tensor;

/// Classes that are compared with all others at a time.
const QUERIES: usize = 256;
/// Rows of a block.
const BLOCK_ROWS: usize = 32_768;
const BLOCK_BYTES: usize = 64 << 20;

struct Block {
    first: usize,
    count: usize,
    width: usize,
    chunk: usize,
    w: Memory,
    ws: Memory,
}

/// See [`super::Head::Regular`].
pub(super) fn step(ground: &Ground<'_>, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let w = inputs.rows("w")?;
    if w.rows > 1 << 24 {
        return Err(Error::Limits(format!("The input `w` has {} rows, but at most {} classes are possible.", w.rows, 1 << 24)));
    }
    let mut out = Step::default();
    let depth = w.columns.div_ceil(4);
    let most = BLOCK_BYTES.min(usize::try_from(ground.caps.max_binding).unwrap_or(usize::MAX));
    let size = ((most / (depth * 16)).min(BLOCK_ROWS) / 4 * 4).max(4);
    let mut work = Work::new(ground.gpu, "the norms");
    let (mut blocks, mut alive, mut chunk) = (Vec::new(), Vec::new(), 0);
    for first in (0..w.rows).step_by(size) {
        let count = size.min(w.rows - first);
        let width = count.next_multiple_of(4);
        let own = padded(&w.data[first * w.columns..(first + count) * w.columns], w.columns, width);
        let numbered: Vec<f32> = (first..first + width).map(|i| i as f32).collect();
        let extra = ground.gpu.filled("classes", &numbered)?;
        let block = Block { first, count, width, chunk, w: ground.matrix("classes", &own.data)?, ws: ground.vec4s("norms", width)? };
        ground.norms(&mut work, &block.w, &extra, &block.ws, width, depth)?;
        chunk += count.div_ceil(CHUNK);
        alive.push(extra);
        blocks.push(block);
    }
    let reads: Vec<_> = blocks.iter().map(|b| (&b.ws, b.count as u64 * 16)).collect();
    let done = work.run(&reads)?;
    out.add(ground, "forward", &done);
    let mut norms = Vec::with_capacity(w.rows);
    for i in 0..blocks.len() {
        norms.extend_from_slice(vec4s(done.part(i))?);
    }
    let nearest = nearest(ground, &w, &blocks, chunk, &mut out)?;
    let found = || nearest.iter().enumerate().filter(|(_, (c, _))| *c > -2.0);
    out.loss = found().map(|(_, (c, _))| f64::from(*c)).sum::<f64>() / w.rows.max(1) as f64;
    out.results.push(("nearest", Tensor::indices(nearest.iter().map(|&(c, n)| if c > -2.0 { n as i64 } else { -1 }).collect())));
    if want.gradients {
        // Both ends of every pair: (ŵ_n - c ŵ_i) / (C w_i) to i, and the same to n.
        let mut terms = Vec::with_capacity(4 * w.rows);
        let share = 1.0 / w.rows.max(1) as f64;
        for (i, &(c, n)) in found() {
            let inverse = |k: usize| f64::from(norms[k][1]);
            for (to, from) in [(i, n), (n, i)] {
                terms.push((to, from, (share * inverse(to) * inverse(from)) as f32));
                terms.push((to, to, (-share * f64::from(c) * inverse(to) * inverse(to)) as f32));
            }
        }
        let dw = gradient(ground, &w, &blocks, &terms, &mut out)?;
        out.gradients.push(("w", dw));
    }
    Ok(out)
}

/// The greatest cosine to another class and that class, for each; -3 where there is no other.
fn nearest(ground: &Ground<'_>, w: &Rows<'_>, blocks: &[Block], chunks: usize, out: &mut Step) -> Result<Vec<(f32, usize)>> {
    let widest = blocks.iter().map(|b| b.width).max().unwrap_or(4);
    let products = ground.numbers("products", widest * QUERIES)?;
    let partial = ground.vec4s("partial sums", chunks.max(1) * QUERIES)?;
    let (xs, best) = (ground.vec4s("norms", QUERIES)?, ground.vec4s("sums", QUERIES)?);
    let mut found = Vec::with_capacity(w.rows);
    for first in (0..w.rows).step_by(QUERIES) {
        let count = QUERIES.min(w.rows - first);
        let stride = count.next_multiple_of(4);
        let Padded { data, depth } = padded(&w.data[first * w.columns..(first + count) * w.columns], w.columns, stride);
        let mut columns = vec![0.0; data.len()];
        for (i, row) in data.chunks_exact(depth * 4).enumerate() {
            row.iter().enumerate().for_each(|(k, v)| columns[k * stride + i] = *v);
        }
        let numbered: Vec<f32> = (first..first + stride).map(|i| i as f32).collect();
        let (x, transposed) = (ground.matrix("classes", &data)?, ground.matrix("classes", &columns)?);
        let extra = ground.gpu.filled("classes", &numbered)?;
        let params = Params { rows: stride as u32, stride: stride as u32, chunks: chunks as u32, depth: depth as u32, ..Params::default() };
        let mut work = Work::new(ground.gpu, "the nearest classes");
        ground.norms(&mut work, &x, &extra, &xs, stride, depth)?;
        for b in blocks {
            work.launch(&matmul::launch(&ground.caps, b.width, depth * 4, stride), &[&b.w, &transposed, &products])?;
            let own = Params { first: b.first as u32, count: b.count as u32, width: b.width as u32, chunk: b.chunk as u32, ..params };
            work.launch(&rows::launch(Pass::Nearest, &own), &[&products, &xs, &b.ws, &partial])?;
        }
        work.launch(&merge::launch(&ground.caps, Pass::Nearest, &params), &[&partial, &best])?;
        let done = work.run(&[(&best, count as u64 * 16)])?;
        out.add(ground, "forward", &done);
        let best = vec4s(done.part(0))?;
        found.extend(best.iter().map(|b| (b[0], b[1] as usize)));
    }
    Ok(found)
}

/// Sums of class rows by block of the result and block of the sources.
fn gradient(ground: &Ground<'_>, w: &Rows<'_>, blocks: &[Block], terms: &[(usize, usize, f32)], out: &mut Step) -> Result<Tensor> {
    let depth = w.columns.div_ceil(4);
    let mut dw = Vec::with_capacity(w.rows * w.columns);
    let inside = |b: &Block, i: usize| i >= b.first && i < b.first + b.count;
    for to in blocks {
        let y = ground.vec4s("gradients", to.width * depth)?;
        let mut work = Work::new(ground.gpu, "the gradients");
        let mut alive = Vec::new();
        for from in blocks {
            let own: Vec<(u32, u32, f32)> = terms
                .iter()
                .filter(|t| inside(to, t.0) && inside(from, t.1))
                .map(|t| ((t.0 - to.first) as u32, (t.1 - from.first) as u32, t.2))
                .collect();
            if !own.is_empty() {
                alive.push(Sums::new(to.width, &own).launch(ground, &mut work, &from.w, &y, depth)?);
            }
        }
        let done = work.run(&[(&y, (to.count * depth) as u64 * 16)])?;
        out.add(ground, "backward", &done);
        unpadded(numbers(done.part(0))?, w.columns, to.count, &mut dw);
    }
    tensor(&[w.rows, w.columns], dw)
}
