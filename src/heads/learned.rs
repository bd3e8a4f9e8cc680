//! What a training step needs of heads: operands that stay on the device.

use super::blocks::{self, Batch, Block, Gradients, Run, Scratch};
use super::ground::{Ground, Matrix, vec4s};
use super::{ClassLoss, Step};
use crate::error::Result;
use crate::gpu::{Memory, Work, numbers};

/// The embeddings of a batch on the device, rows and columns padded to multiples of 4 with zeros.
pub(crate) struct Embedded {
    pub(crate) rows: usize,
    /// Rows with those that pad.
    pub(crate) stride: usize,
    /// vec4s of a row.
    pub(crate) depth: usize,
    pub(crate) y: Matrix,
    /// Columns first.
    pub(crate) transposed: Matrix,
}

impl Embedded {
    /// Labels as norms keep them: -1 for rows that pad.
    pub(super) fn numbered(&self, labels: &[i64]) -> Vec<f32> {
        let mut out: Vec<f32> = labels.iter().map(|&y| y as f32).collect();
        out.resize(self.stride, -1.0);
        out
    }
}

/// A class matrix that is learned, with what a step on it needs.
pub(crate) struct Classes {
    rows: usize,
    /// Its rows, block by block.
    pub(crate) matrices: Vec<Matrix>,
    /// Whether every class has a number that is learned too: its bias, or its margin.
    numbered: bool,
    blocks: Vec<Block>,
    scratch: Scratch,
    gradients: Gradients,
}

impl Classes {
    /// `w`: a row of `columns` for every class. `numbers`: its bias or margin; empty where none is learned. `stride`: rows of a batch,
    /// padded.
    pub(crate) fn new(ground: &Ground<'_>, w: &[f32], columns: usize, numbers: &[f32], stride: usize) -> Result<Self> {
        let mut matrices = Vec::new();
        let blocks = blocks::upload(ground, w, columns, numbers, stride, |rows| {
            let matrix = ground.learned("classes", rows)?;
            matrices.push(matrix.clone());
            Ok(matrix.operand)
        })?;
        let scratch = Scratch::new(ground, &blocks, stride)?;
        let gradients = Gradients::new(ground, &blocks, stride, columns.div_ceil(4), true)?;
        Ok(Self { rows: w.len() / columns, matrices, numbered: !numbers.is_empty(), blocks, scratch, gradients })
    }

    /// The classes of each block.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.blocks.iter().map(|b| b.first..b.first + b.count)
    }

    /// The numbers of the classes, block by block; padded to vec4s.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Matrix> + '_ {
        let blocks = self.blocks.iter().filter(|_| self.numbered);
        blocks.map(|b| Matrix { buffer: b.extra.clone(), operand: b.extra.clone(), vec4s: b.width / 4 })
    }

    /// The gradients by the blocks, in their order, of the last step.
    pub(crate) fn gradients(&self) -> &[Memory] {
        &self.gradients.dw
    }

    /// A step: the loss goes to `out`; the gradients by the embeddings and by the numbers of each block come back.
    pub(crate) fn step(
        &self,
        ground: &Ground<'_>,
        loss: &ClassLoss,
        smoothing: f64,
        embedded: &Embedded,
        labels: &[i64],
        out: &mut Step,
    ) -> Result<(Memory, Vec<Memory>)> {
        let batch = Batch {
            stride: embedded.stride,
            depth: embedded.depth,
            x: embedded.y.operand.clone(),
            transposed: embedded.transposed.operand.clone(),
            labels: ground.gpu.filled("labels", &embedded.numbered(labels))?,
            xs: ground.vec4s("norms", embedded.stride)?,
        };
        let valid = labels.iter().filter(|&&y| y >= 0).count();
        let run = Run::new(ground, loss, smoothing, valid, self.rows, &batch, &self.blocks);
        let stats = run.forward(&self.scratch, self.rows, embedded.rows, false, out)?;
        out.loss = blocks::mean_loss(vec4s(&stats)?, labels, smoothing, self.rows, valid);
        let scale = f64::from(run.params.scale);
        let shared = match *loss {
            ClassLoss::AdaptiveFace { lambda, .. } if valid > 0 => {
                let mean = self.sum_of_numbers(ground)? / self.rows as f64;
                out.loss += lambda * (1.0 - mean);
                Some(lambda / self.rows as f64)
            }
            ClassLoss::AdaptiveFace { .. } => Some(0.0),
            _ => None,
        };
        let of_number = |sums: &[f32; 4]| shared.map_or(sums[1], |shared| (-scale * f64::from(sums[2]) - shared) as f32);
        let mut by_numbers = Vec::new();
        let caffe = matches!(loss, ClassLoss::ASoftmax { caffe: true, .. });
        let last = run.backward(&self.scratch, &self.gradients, caffe, out, |b, work, _, sums| {
            if !self.numbered {
                return work.run(&[]);
            }
            let done = work.run(&[(sums, b.count as u64 * 16)])?;
            let mut gradient: Vec<f32> = vec4s(done.part(0))?.iter().map(of_number).collect();
            gradient.resize(b.width, 0.0);
            by_numbers.push(ground.gpu.filled("gradients", &gradient)?);
            Ok(done)
        })?;
        let done = last.work.run(&[])?;
        out.add(ground, "backward", &done);
        Ok((last.dx, by_numbers))
    }
    fn sum_of_numbers(&self, ground: &Ground<'_>) -> Result<f64> {
        let reads: Vec<_> = self.blocks.iter().map(|b| (&b.extra, b.count as u64 * 4)).collect();
        let done = Work::new(ground.gpu, "the margins").run(&reads)?;
        let of_block = |i: usize| Ok(numbers::<f32>(done.part(i))?.iter().map(|&v| f64::from(v)).sum::<f64>());
        (0..reads.len()).map(of_block).sum()
    }
}
