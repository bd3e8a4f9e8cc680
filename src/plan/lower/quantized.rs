//! Lowering of Quantize and Dequantize. A value that is only quantised to be dequantised again is never stored as whole numbers.

use std::collections::HashMap;

use super::{Lower, resolve};
use crate::error::Result;
use crate::graph::infer::geometry::ScaleIndex;
use crate::graph::{Graph, Node, Op, ValueId};
use crate::kernels::quantize::linear::{self, Kind, Operands, View};
use crate::recording::Source;

/// Quantised values of which every reader dequantises with the same parameters, and the nodes that make them.
pub(super) fn round_trips(graph: &Graph) -> HashMap<ValueId, usize> {
    let quantizes = |node: &Node| matches!(node.op, Op::Quantize { .. });
    let made = graph.nodes.iter().enumerate().filter(|(_, node)| quantizes(node));
    let mut out: HashMap<ValueId, usize> = made.map(|(i, node)| (node.outputs[0], i)).collect();
    if out.is_empty() {
        return out;
    }
    out.retain(|id, _| !graph.outputs.contains(id));
    for node in &graph.nodes {
        for (i, id) in node.inputs.iter().enumerate() {
            let undone = |&maker: &usize| i == 0 && undoes(graph, node, &graph.nodes[maker]);
            if out.get(id).is_some_and(|maker| !undone(maker)) {
                out.remove(id);
            }
        }
    }
    out
}

/// Whether `node` dequantises what `maker` quantises, with the same scales and zero points.
fn undoes(graph: &Graph, node: &Node, maker: &Node) -> bool {
    let (Op::Dequantize { axis, block }, Op::Quantize { axis: made_axis, block: made_block, .. }) = (&node.op, &maker.op) else {
        return false;
    };
    let same = |a: &ValueId, b: &ValueId| a == b || graph.constant(*a).is_some_and(|t| Some(t) == graph.constant(*b));
    let (a, b) = (&node.inputs[1..], &maker.inputs[1..]);
    axis == made_axis && block == made_block && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

impl Lower<'_, '_, '_> {
    pub(super) fn quantize(&mut self, node: &Node) -> Result<()> {
        let (Op::Quantize { axis, block, to }, y) = (&node.op, node.outputs[0]) else { return Ok(()) };
        if self.round_trips.contains_key(&y) {
            return Ok(());
        }
        self.quantization(node, Kind::Quantize(*to), *axis, *block, y)
    }

    pub(super) fn dequantize(&mut self, node: &Node) -> Result<()> {
        let (Op::Dequantize { axis, block }, x, y) = (&node.op, node.inputs[0], node.outputs[0]) else { return Ok(()) };
        let graph = self.graph;
        let maker = self.round_trips.get(&x).map(|&i| &graph.nodes[i]);
        match maker.map(|maker| (maker, &maker.op)) {
            Some((maker, Op::Quantize { to, .. })) => self.quantization(maker, Kind::Both(*to), *axis, *block, y),
            _ => self.quantization(node, Kind::Dequantize, *axis, *block, y),
        }
    }

    /// Records `kind` with the operands of `node` and stores the result as `y`, packed where the operand is.
    fn quantization(&mut self, node: &Node, kind: Kind, axis: i64, block: usize, y: ValueId) -> Result<()> {
        let x = node.inputs[0];
        let shape = self.shape(x).clone();
        let index = ScaleIndex::new(&shape, self.shape(node.inputs[1]), axis, block);
        let per_channel = block == 0 && shape.rank() > 1 && resolve(axis, shape.rank()) == 1;
        let packed = self.stored[x.0 as usize].packed.filter(|_| index.is_flat() || per_channel);
        let (scale, zero) = (self.plain(node.inputs[1])?, node.inputs.get(2).map(|&id| self.plain(id)).transpose()?);
        let run = |l: &mut Self, view: View, x: Source| linear::record(l.rec, &node.name, kind, &view, Operands { x, scale, zero });
        if let (Some(packed), Ok(dims)) = (packed, self.dims(x)) {
            let out = run(self, View::packed(dims, index), packed)?;
            self.put_packed(y, out);
            return Ok(());
        }
        let plain = self.plain(x)?;
        let out = run(self, View::plain(shape.len(), index), plain)?;
        self.put_plain(y, out);
        Ok(())
    }
}
