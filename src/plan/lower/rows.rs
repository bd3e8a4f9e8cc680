//! Lowering of pooling, normalisation and reductions.

use super::{Lower, resolve};
use crate::error::Result;
use crate::graph::{Node, Pool, PoolKind, Reduction, ValueId};
use crate::kernels::norm::axis::{self, Along};
use crate::kernels::norm::lrn;
use crate::kernels::pool::{global, window};

impl Lower<'_, '_, '_> {
    pub(super) fn pool(&mut self, node: &Node, pool: &Pool, x: ValueId, y: ValueId) -> Result<()> {
        let (source, from, to) = (self.packed(x)?, self.dims(x)?, self.dims(y)?);
        let out = window::record(self.rec, &node.name, pool, source, from, to)?;
        self.put_packed(y, out);
        Ok(())
    }

    pub(super) fn global_pool(&mut self, node: &Node, kind: PoolKind, x: ValueId, y: ValueId) -> Result<()> {
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let out = global::record(self.rec, &node.name, kind, source, dims)?;
        self.put_packed(y, out);
        Ok(())
    }

    pub(super) fn lrn(&mut self, node: &Node, window: (usize, f32, f32, f32), x: ValueId, y: ValueId) -> Result<()> {
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let out = lrn::record(self.rec, &node.name, window, source, dims)?;
        self.put_packed(y, out);
        Ok(())
    }

    /// Softmax and L2 normalisation.
    pub(super) fn along(&mut self, node: &Node, along: Along, axis: i64, flatten: bool, x: ValueId, y: ValueId) -> Result<()> {
        let shape = self.shape(x).clone();
        let axis = resolve(axis, shape.rank());
        let outer = shape[..axis].iter().product();
        let split = if flatten {
            [outer, shape[axis..].iter().product(), 1]
        } else {
            [outer, shape.get(axis).copied().unwrap_or(1), shape.iter().skip(axis + 1).product()]
        };
        let source = self.plain(x)?;
        let out = axis::record(self.rec, &node.name, along, source, split)?;
        self.put_plain(y, out);
        Ok(())
    }

    /// Axis by axis from the last; each step keeps the axis as 1, which changes no memory.
    pub(super) fn reduce(&mut self, node: &Node, kind: Reduction, axes: &[i64], x: ValueId, y: ValueId) -> Result<()> {
        let mut shape = self.shape(x).to_vec();
        let mut list: Vec<usize> =
            if axes.is_empty() { (0..shape.len()).collect() } else { axes.iter().map(|&a| resolve(a, shape.len())).collect() };
        list.sort_unstable();
        list.dedup();
        let mut source = self.plain(x)?;
        // Neighbouring axes are reduced in one pass.
        let mut first = true;
        while let Some(last) = list.pop() {
            let mut start = last;
            while list.last().is_some_and(|&a| a + 1 == start) {
                start -= 1;
                list.pop();
            }
            let split = [shape[..start].iter().product(), shape[start..=last].iter().product(), shape[last + 1..].iter().product()];
            // Sums of squares are squared once; L2 of L2 is L2 again.
            let step = if kind == Reduction::SumSquare && !first { Reduction::Sum } else { kind };
            source = axis::record(self.rec, &node.name, Along::Reduce(step), source, split)?;
            shape[start..=last].fill(1);
            first = false;
        }
        self.put_plain(y, source);
        Ok(())
    }
}
