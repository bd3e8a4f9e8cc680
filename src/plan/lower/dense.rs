//! Lowering of layers with weights.

use super::Lower;
use crate::error::Result;
use crate::graph::{Conv, ConvTranspose, Epilogue, Linear, LocallyConnected, Node, Operands};
use crate::kernels::conv::{self, Filter, Finish, Geometry, Output, transpose};
use crate::kernels::linear;
use crate::kernels::local::locally_connected;
use crate::tensor::Shape;

impl Lower<'_, '_, '_> {
    /// The operands of an epilogue.
    pub(super) fn finish(&mut self, node: &Node, epilogue: &Epilogue, at: Operands) -> Result<Finish> {
        let operand = |i: Option<usize>| i.map(|i| node.inputs[i]);
        let constant = |l: &Self, i: Option<usize>, what: &str| operand(i).map(|id| l.constant(node, id, what)).transpose();
        Ok(Finish {
            epilogue: epilogue.clone(),
            bias: constant(self, at.bias, "bias")?,
            slope: constant(self, at.slope, "slope")?,
            residual: operand(at.residual).map(|id| self.packed(id)).transpose()?,
        })
    }

    pub(super) fn conv(&mut self, node: &Node, conv: &Conv) -> Result<()> {
        let (x, w, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
        let at = conv.operands();
        let weight = self.constant(node, w, "weights")?;
        let pre = match (at.pre_scale, at.pre_shift) {
            (Some(s), Some(t)) => Some((self.constant(node, node.inputs[s], "scale")?, self.constant(node, node.inputs[t], "shift")?)),
            _ => None,
        };
        let call = conv::Call {
            label: &node.name,
            geometry: Geometry::new(self.dims(x)?, self.dims(y)?, &conv.window),
            groups: conv.groups,
            x: self.packed(x)?,
            weight: &weight,
            pre,
            finish: self.finish(node, &conv.epilogue, at)?,
        };
        let part = self.place(y);
        match conv::record(self.rec, call, part)? {
            Output::Own(out) => self.put_packed(y, out),
            Output::Part => self.put_part(y),
        }
        Ok(())
    }

    pub(super) fn conv_transpose(&mut self, node: &Node, conv: &ConvTranspose) -> Result<()> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let weight = self.constant(node, node.inputs[1], "weights")?;
        let bias = node.inputs.get(2).map(|&id| self.constant(node, id, "bias")).transpose()?;
        let (from, to) = (self.dims(x)?, self.dims(y)?);
        let call = transpose::Call { label: &node.name, conv, from, to, x: self.packed(x)?, weight: &weight, bias };
        let out = transpose::record(self.rec, &call)?;
        self.put_packed(y, out);
        Ok(())
    }

    pub(super) fn local(&mut self, node: &Node, local: &LocallyConnected) -> Result<()> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let weight = self.constant(node, node.inputs[1], "weights")?;
        let call = locally_connected::Call {
            label: &node.name,
            geometry: Geometry::new(self.dims(x)?, self.dims(y)?, &local.window),
            tile: local.tile,
            x: self.packed(x)?,
            weight: &weight,
            finish: self.finish(node, &local.epilogue, local.operands())?,
        };
        let out = locally_connected::record(self.rec, &call)?;
        self.put_packed(y, out);
        Ok(())
    }

    pub(super) fn linear(&mut self, node: &Node, linear: &Linear) -> Result<()> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let constant = self.constant(node, node.inputs[1], "weights")?;
        let shape = self.shape(x).clone();
        let (outputs, k) = (constant.shape()[0], constant.shape()[1]);
        let rows = shape.first().copied().unwrap_or(1);
        let (source, filter) = match *shape {
            [_, c, h, w] => {
                // Weight column of (c, h, w) under the flattening order.
                let order = if linear.flatten_order.is_empty() { vec![0, 1, 2] } else { linear.flatten_order.clone() };
                let sizes = [c, h, w];
                let mut stride = [0; 3];
                let mut step = 1;
                for &axis in order.iter().rev() {
                    stride[axis] = step;
                    step *= sizes[axis];
                }
                let [sc, sh, sw] = stride;
                (self.packed(x)?, Filter { constant, outputs, kernel: [h, w], channels: c, stride: [k, sh, sw, sc], periods: None })
            }
            _ => {
                let flat = Shape::from([rows, k]);
                (self.packed_as(x, &flat)?, Filter { constant, outputs, kernel: [1, 1], channels: k, stride: [k, 0, 0, 1], periods: None })
            }
        };
        let finish = self.finish(node, &linear.epilogue, linear.operands())?;
        let out = linear::record(self.rec, &node.name, rows, source, &filter, &finish)?;
        self.put_packed(y, out);
        Ok(())
    }
}
