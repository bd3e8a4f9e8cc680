//! Functions whose results are scaled and shifted alike in all channels, in one launch: gates of `1 + tanh(x)` and the like.

use std::collections::HashMap;

use crate::graph::{Graph, Op, ValueId};
use crate::kernels::elementwise::affine::Flat;
use crate::kernels::elementwise::unary;
use crate::tensor::DType;

/// By the result of a function: what is made of it, and how.
pub(super) fn scaled(graph: &Graph, types: &[DType]) -> HashMap<ValueId, (ValueId, Flat)> {
    let (uses, producers) = (graph.uses(), graph.producers());
    let of = |node: &crate::graph::Node| {
        let (Op::Affine, &[x, scale, shift]) = (&node.op, node.inputs.as_slice()) else { return None };
        let function = &graph.nodes[producers[x.0 as usize]?];
        let fits = matches!(function.op, Op::Unary(u) if unary::scales(u, types[x.0 as usize])) && uses[x.0 as usize] == 1;
        Some((x, (node.outputs[0], flat(graph, scale, shift)?))).filter(|_| fits)
    };
    graph.nodes.iter().filter_map(of).collect()
}

/// Constant vectors of which each holds one number again and again.
pub(super) fn flat(graph: &Graph, scale: ValueId, shift: ValueId) -> Option<Flat> {
    let number = |id: ValueId| {
        let values = graph.constant(id)?.to_f32();
        let &first = values.first()?;
        values.iter().all(|v| v.to_bits() == first.to_bits()).then_some(first)
    };
    Some(Flat { scale: number(scale)?, shift: number(shift)?, ..Flat::default() })
}
