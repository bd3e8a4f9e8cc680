//! Numbers that are learned, with their gradient and what the optimiser keeps beside them. All of it stays on the device.

use super::optimizer::{Optimizer, Update};
use crate::error::Result;
use crate::gpu::{Memory, Work, numbers};
use crate::heads::{Ground, Matrix, padded, unpadded};
use crate::kernels::train::squares;

/// A matrix that is learned, or a block of one.
pub(super) struct Learned {
    pub(super) matrix: Matrix,
    pub(super) gradient: Memory,
    states: Vec<Memory>,
    sums: Memory,
    /// Rows and columns without those that pad.
    pub(super) rows: usize,
    columns: usize,
    /// vec4s that decay: the first ones.
    decayed: usize,
}

impl Learned {
    /// `states`: what the optimiser begins with, `rows` x `columns` each. The first `decayed` rows decay.
    pub(super) fn new(
        ground: &Ground<'_>,
        matrix: Matrix,
        gradient: Memory,
        [rows, columns]: [usize; 2],
        decayed: usize,
        states: &[&[f32]],
    ) -> Result<Self> {
        let depth = columns.div_ceil(4);
        let state = |data: &&[f32]| ground.gpu.filled_rows("optimiser", &padded(data, columns, matrix.vec4s / depth).data);
        let states = states.iter().map(state).collect::<Result<_>>()?;
        let sums = ground.numbers("sums", squares::sums(matrix.vec4s))?;
        Ok(Self { gradient, states, sums, rows, columns, decayed: decayed * depth, matrix })
    }

    /// Launches the sums of squares of the gradient.
    pub(super) fn squares(&self, ground: &Ground<'_>, work: &mut Work<'_>) -> Result<()> {
        work.launch(&squares::launch(&ground.caps, self.matrix.vec4s), &[&self.gradient, &self.sums])
    }

    /// Where they lie, and their bytes.
    pub(super) fn sums(&self) -> (&Memory, u64) {
        (&self.sums, squares::sums(self.matrix.vec4s) as u64 * 4)
    }

    /// Launches a step of the optimiser.
    pub(super) fn update(&self, ground: &Ground<'_>, work: &mut Work<'_>, optimizer: &Optimizer, update: &Update) -> Result<()> {
        let launch = optimizer.launch(&ground.caps, update, self.matrix.vec4s, self.decayed);
        let bindings: Vec<&Memory> = [&self.gradient, &self.matrix.buffer].into_iter().chain(&self.states).collect();
        work.launch(&launch, &bindings)?;
        self.matrix.refresh(work)
    }

    /// The first number of the matrix.
    pub(super) fn first(&self, ground: &Ground<'_>) -> Result<f32> {
        let done = Work::new(ground.gpu, "a weight").run(&[(&self.matrix.buffer, 4)])?;
        Ok(numbers(done.part(0))?.first().copied().unwrap_or(f32::NAN))
    }

    /// The matrix and the states, without what pads them.
    pub(super) fn read(&self, ground: &Ground<'_>) -> Result<Vec<Vec<f32>>> {
        let bytes = self.matrix.vec4s as u64 * 16;
        let reads: Vec<_> = std::iter::once(&self.matrix.buffer).chain(&self.states).map(|m| (m, bytes)).collect();
        let done = Work::new(ground.gpu, "the weights").run(&reads)?;
        let part = |i: usize| {
            let mut out = Vec::with_capacity(self.rows * self.columns);
            unpadded(numbers(done.part(i))?, self.columns, self.rows, &mut out);
            Ok(out)
        };
        (0..reads.len()).map(part).collect()
    }
}
