//! What embeddings go through: a projection, or a weight for every number.

use super::learned::Learned;
use super::trainer::TrainOptions;
use crate::error::Result;
use crate::gpu::{Memory, Work};
use crate::heads::{Embedded, Ground, padded};
use crate::kernels::linear::matmul;
use crate::kernels::train::{scale, scale_gradient};

/// What a layer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Numbers of an embedding.
    pub(super) inputs: usize,
    /// Numbers behind the layer.
    pub(super) outputs: usize,
    /// Whether something is added to them.
    pub(super) bias: bool,
    /// Whether every number has one weight, and only that.
    pub(super) diagonal: bool,
}

impl Form {
    pub(super) fn new(options: &TrainOptions, inputs: usize) -> Self {
        let outputs = options.dimension.unwrap_or(inputs);
        Self { inputs, outputs, bias: options.bias, diagonal: options.objective.is_siamese() }
    }

    /// Rows and columns of what is learned. A projection is `[input][output]`, the bias its last row; weights are one row.
    pub(super) fn shape(&self) -> [usize; 2] {
        if self.diagonal { [1, self.inputs] } else { [self.inputs + usize::from(self.bias), self.outputs] }
    }

    /// vec4s of an embedding, with the 1 that the bias is multiplied by.
    fn input_depth(&self) -> usize {
        (self.inputs + usize::from(self.bias)).div_ceil(4)
    }
}

/// A layer on the device.
pub(super) struct Layer {
    pub(super) form: Form,
    pub(super) learned: Learned,
    /// The gradient by the batch behind it, where products load through textures.
    dy: Option<Memory>,
}

/// Embeddings on the device, rows and columns padded with zeros.
pub(super) struct Batch {
    x: Memory,
    /// Columns first; a layer of weights needs none.
    columns: Option<Memory>,
}

impl Layer {
    /// `state`: the weights, then what the optimiser keeps. `behind`: vec4s of a batch behind the layer.
    pub(super) fn new(ground: &Ground<'_>, form: Form, state: &[Vec<f32>], behind: usize) -> Result<Self> {
        let [rows, columns] = form.shape();
        let rows_with_padding = if form.diagonal { 1 } else { form.input_depth() * 4 };
        let weights = padded(&state[0], columns, rows_with_padding);
        let states: Vec<&[f32]> = state[1..].iter().map(Vec::as_slice).collect();
        let gradient = ground.vec4s("gradients", rows_with_padding * weights.depth)?;
        let matrix = ground.learned("projection", &weights.data)?;
        let decayed = rows - usize::from(form.bias);
        let learned = Learned::new(ground, matrix, gradient, [rows, columns], decayed, &states)?;
        let through_texture = ground.caps.textures && !form.diagonal;
        let dy = if through_texture { Some(ground.gpu.blank_texture("gradients", behind as u64 * 16)?) } else { None };
        Ok(Self { form, learned, dy })
    }

    /// Embeddings for [`Layer::forward`], padded to `stride` rows.
    pub(super) fn upload<'r>(&self, ground: &Ground<'_>, rows: impl Iterator<Item = &'r [f32]>, stride: usize) -> Result<Batch> {
        let Form { inputs, bias, diagonal, .. } = self.form;
        let width = self.form.input_depth() * 4;
        let mut data = vec![0.0; stride * width];
        for (row, place) in rows.zip(data.chunks_exact_mut(width)) {
            place[..inputs].copy_from_slice(row);
            if bias {
                place[inputs] = 1.0;
            }
        }
        if diagonal {
            return Ok(Batch { x: ground.gpu.filled_rows("embeddings", &data)?, columns: None });
        }
        let columns: Vec<f32> = (0..width).flat_map(|k| data.iter().skip(k).step_by(width).copied()).collect();
        Ok(Batch { x: ground.matrix("embeddings", &data)?, columns: Some(ground.matrix("embeddings", &columns)?) })
    }

    /// Launches what the layer does to a batch.
    pub(super) fn forward(&self, ground: &Ground<'_>, work: &mut Work<'_>, batch: &Batch, embedded: &Embedded) -> Result<()> {
        let Embedded { stride, depth, y, .. } = embedded;
        if self.form.diagonal {
            return work.launch(&scale::launch(&ground.caps, *stride, *depth), &[&batch.x, &self.learned.matrix.buffer, &y.buffer]);
        }
        let product = matmul::launch(&ground.caps, *stride, self.form.input_depth() * 4, depth * 4);
        work.launch(&product, &[&batch.x, &self.learned.matrix.operand, &y.buffer])
    }

    /// Launches the gradient by what is learned, from that by the batch behind it.
    pub(super) fn backward(&self, ground: &Ground<'_>, work: &mut Work<'_>, batch: &Batch, dy: &Memory, embedded: &Embedded) -> Result<()> {
        let Embedded { stride, depth, .. } = *embedded;
        let Some(columns) = &batch.columns else {
            return work.launch(&scale_gradient::launch(&ground.caps, stride, depth), &[&batch.x, dy, &self.learned.gradient]);
        };
        let operand = match &self.dy {
            Some(texture) => {
                work.copy(dy, texture, (stride * depth) as u64 * 16)?;
                texture
            }
            None => dy,
        };
        let product = matmul::launch(&ground.caps, self.form.input_depth() * 4, stride, depth * 4);
        work.launch(&product, &[columns, operand, &self.learned.gradient])
    }
}
