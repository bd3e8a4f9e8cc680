//! Lowering of products of matrices that are no layers.

use super::Lower;
use crate::error::Result;
use crate::graph::infer::geometry;
use crate::graph::{Node, ValueId};
use crate::kernels::conv::{Filter, Finish};
use crate::kernels::linear::{self, matmul};
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::recording::{Constant, Packed, plain_bytes};
use crate::tensor::{Shape, strides};

impl Lower<'_, '_, '_> {
    /// A constant matrix on the right is a layer's weights; everything else is multiplied as it is computed.
    pub(super) fn matmul(&mut self, node: &Node) -> Result<()> {
        let (a, b, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
        match self.graph.constant(b).cloned() {
            Some(weight) if weight.shape().rank() == 2 && weight.dtype().is_float() => self.rows(node, a, &weight, y),
            _ => self.product(node, a, b, y),
        }
    }

    /// All rows of `a` times a constant matrix `[k, n]`.
    fn rows(&mut self, node: &Node, a: ValueId, weight: &Constant, y: ValueId) -> Result<()> {
        let (k, n) = (weight.shape()[0], weight.shape()[1]);
        let rows = self.shape(y).len() / n;
        let filter = Filter { constant: weight.clone(), outputs: n, kernel: [1, 1], channels: k, stride: [1, 0, 0, n], periods: None };
        let x = self.packed_as(a, &Shape::from([rows, k]))?;
        let out = linear::record(self.rec, &node.name, rows, x, &filter, &Finish::default())?;
        let dims = Packed { n: rows, c: n, h: 1, w: 1 };
        if Packed::of(self.shape(y)) == Some(dims) {
            self.put_packed(y, out);
            return Ok(());
        }
        let plain = if dims.is_plain() {
            out
        } else {
            let plain = self.rec.tensor(plain_bytes(self.shape(y)));
            let axes = vec![Axis::all(rows, dims.c4() * 4, n), Axis::all(n, 1, 1)];
            copy::record(self.rec, &format!("{} to rows", self.graph.name(y)), &Copy::new(axes), out, plain)?;
            plain
        };
        self.put_plain(y, plain);
        Ok(())
    }

    fn product(&mut self, node: &Node, a: ValueId, b: ValueId, y: ValueId) -> Result<()> {
        let (a_shape, b_shape) = (self.shape(a).clone(), self.shape(b).clone());
        let Some(geometry::Product { batch, m, k, n }) = geometry::Product::of(&a_shape, &b_shape) else { return Ok(()) };
        let step = |shape: &[usize]| {
            let lead = geometry::Product::leading(shape);
            let own = strides(shape);
            let missing = batch.rank() - lead.len();
            (0..batch.rank()).map(|i| if i < missing || lead[i - missing] == 1 { 0 } else { own[i - missing] }).collect::<Vec<_>>()
        };
        let (a_steps, b_steps) = (step(&a_shape), step(&b_shape));
        let mut product = matmul::Product { batch: Vec::new(), m, k, n };
        if b_steps.iter().all(|&s| s == 0) && a_shape.len() == batch.len() * m * k {
            // One matrix for the whole stack: the stack is one matrix of many rows.
            product.m = batch.len() * m;
        } else {
            let axes = batch.iter().zip(a_steps.iter().zip(&b_steps));
            product.batch = axes.map(|(&size, (&a, &b))| matmul::Batch::new(size, a, b)).collect();
        }
        let (a, b) = (self.plain(a)?, self.plain(b)?);
        let out = matmul::record(self.rec, &node.name, &product, a, b)?;
        self.put_plain(y, out);
        Ok(())
    }
}
