//! What a training step needs of heads: operands that stay on the device.

use super::blocks::{self, Batch, Block, Gradients, Run, Scratch};
use super::ground::{Ground, Matrix, vec4s};
use super::{ClassLoss, Step};
use crate::error::Result;
use crate::gpu::Memory;

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
    blocks: Vec<Block>,
    scratch: Scratch,
    gradients: Gradients,
}

impl Classes {
    /// `w`: a row of `columns` for every class. `stride`: rows of a batch, padded.
    pub(crate) fn new(ground: &Ground<'_>, w: &[f32], columns: usize, stride: usize) -> Result<Self> {
        let mut matrices = Vec::new();
        let blocks = blocks::upload(ground, w, columns, &[], stride, |rows| {
            let matrix = ground.learned("classes", rows)?;
            matrices.push(matrix.clone());
            Ok(matrix.operand)
        })?;
        let scratch = Scratch::new(ground, &blocks, stride)?;
        let gradients = Gradients::new(ground, &blocks, stride, columns.div_ceil(4), true)?;
        Ok(Self { rows: w.len() / columns, matrices, blocks, scratch, gradients })
    }

    /// The classes of each block.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.blocks.iter().map(|b| b.first..b.first + b.count)
    }

    /// The gradients by the blocks, in their order, of the last step.
    pub(crate) fn gradients(&self) -> &[Memory] {
        &self.gradients.dw
    }

    /// A step: the loss goes to `out`, the gradient by the embeddings comes back.
    pub(crate) fn step(
        &self,
        ground: &Ground<'_>,
        loss: &ClassLoss,
        smoothing: f64,
        embedded: &Embedded,
        labels: &[i64],
        out: &mut Step,
    ) -> Result<Option<Memory>> {
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
        let caffe = matches!(loss, ClassLoss::ASoftmax { caffe: true, .. });
        let last = run.backward(&self.scratch, &self.gradients, caffe, out, |_, work, _, _| work.run(&[]))?;
        let done = last.work.run(&[])?;
        out.add(ground, "backward", &done);
        Ok(Some(last.dx))
    }
}
