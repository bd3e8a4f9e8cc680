//! Lowering of what picks by index.

use super::{Lower, resolve};
use crate::error::Result;
use crate::graph::{Node, ValueId};
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::movement::gather::{self, Pick};
use crate::kernels::movement::gather_elements;
use crate::recording::plain_bytes;
use crate::tensor::strides;

/// So many slices are copied one by one, from whichever layout there is; more are picked by one launch.
const FEW: usize = 2;

impl Lower<'_, '_, '_> {
    /// An operand of whole numbers, which has to be constant; absent or empty gives an empty list.
    pub(super) fn indices(&self, node: &Node, operand: usize) -> Result<Vec<i64>> {
        let Some(&id) = node.inputs.get(operand) else { return Ok(Vec::new()) };
        if self.shape(id).contains(&0) {
            return Ok(Vec::new());
        }
        let constant = self.constant(node, id, "indices")?;
        Ok(constant.as_i64().unwrap_or_default().to_vec())
    }

    pub(super) fn gather(&mut self, node: &Node, axis: usize, x: ValueId, y: ValueId) -> Result<()> {
        let picked = node.inputs[1];
        let count = self.shape(picked).len();
        if self.graph.constant(picked).is_some() && count <= FEW {
            return self.gather_few(node, axis, x, y);
        }
        let pick = Pick { batch: axis, depth: 1, tuples: count, shared: true };
        self.pick(node, pick, x, y)
    }

    pub(super) fn gather_nd(&mut self, node: &Node, batch_dims: usize, x: ValueId, y: ValueId) -> Result<()> {
        let picked = self.shape(node.inputs[1]).clone();
        let depth = picked.last().copied().unwrap_or(1);
        let tuples = picked[batch_dims..picked.rank() - 1].iter().product();
        self.pick(node, Pick { batch: batch_dims, depth, tuples, shared: false }, x, y)
    }

    fn pick(&mut self, node: &Node, pick: Pick, x: ValueId, y: ValueId) -> Result<()> {
        let (source, indices) = (self.plain(x)?, self.plain(node.inputs[1])?);
        let from = self.shape(x).clone();
        let out = gather::record(self.rec, &node.name, pick, (source, &from), indices)?;
        self.put_plain(y, out);
        Ok(())
    }

    pub(super) fn gather_elements(&mut self, node: &Node, axis: usize, x: ValueId, y: ValueId) -> Result<()> {
        let (source, indices) = (self.plain(x)?, self.plain(node.inputs[1])?);
        let (from, to) = (self.shape(x).clone(), self.shape(y).clone());
        let out = gather_elements::record(self.rec, &node.name, axis, (source, &from), (indices, &to))?;
        self.put_plain(y, out);
        Ok(())
    }

    fn gather_few(&mut self, node: &Node, axis: usize, x: ValueId, y: ValueId) -> Result<()> {
        let indices = self.indices(node, 1)?;
        let (source, from) = self.view(x)?;
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let out = self.rec.tensor(plain_bytes(&shape));
        let inner: usize = whole[axis + 1..].iter().product();
        // In y the axis holds as many places as there are indices.
        let mut sizes = whole.to_vec();
        sizes[axis] = indices.len();
        let to = strides(&sizes);
        for (i, &index) in indices.iter().enumerate() {
            let axes = (0..whole.rank()).filter(|&d| d != axis).map(|d| Axis::all(whole[d], from[d], to[d])).collect();
            let copy = Copy { x_offset: resolve(index, whole[axis]) * from[axis], y_offset: i * inner, ..Copy::new(axes) };
            copy::record(self.rec, &format!("{}.{i}", node.name), &copy, source, out)?;
        }
        self.put_plain(y, out);
        Ok(())
    }
}
