//! Removes nodes that change nothing, whatever the batch and the picture size.

use super::rewriter::{Rewriter, affine_constants};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, Unary, ValueId, infer_types};
use crate::tensor::{DType, Shape};

/// Rewrites the graph; tells whether anything changed. `shapes` are those of all values for the nominal input shapes.
///
/// # Errors
/// As [`infer_types`].
pub fn run(graph: &mut Graph, shapes: &[Shape]) -> Result<bool> {
    let types = infer_types(graph)?;
    let mut rewriter = Rewriter::new(graph);
    let mut aliases: Vec<ValueId> = (0..rewriter.graph.values.len()).map(|i| ValueId(i as u32)).collect();
    for i in 0..rewriter.graph.nodes.len() {
        for input in &mut rewriter.graph.nodes[i].inputs {
            *input = resolve(&aliases, *input);
        }
        merge_transposes(&mut rewriter, i, shapes);
        let node = &rewriter.graph.nodes[i];
        let ([x, ..], [y]) = (&node.inputs[..], &node.outputs[..]) else { continue };
        let (x, y) = (*x, *y);
        if !changes_nothing(rewriter.graph, node, shapes, &types) {
            continue;
        }
        if !rewriter.graph.outputs.contains(&y) {
            aliases[y.0 as usize] = x;
            rewriter.inherit_uses(x, y);
            rewriter.remove(i);
        } else if let Some(producer) = rewriter.producer(x).filter(|_| !rewriter.graph.outputs.contains(&x)) {
            // The name of a graph output stays: the producer of x writes it, and everyone who reads x reads it.
            rename_output(&mut rewriter, producer, i, x, y);
            aliases[x.0 as usize] = y;
            rewriter.inherit_uses(y, x);
        }
    }
    Ok(rewriter.finish())
}

/// What a value is called now. Chains are short: a value stands for another at most twice (once removed, once renamed).
fn resolve(aliases: &[ValueId], mut id: ValueId) -> ValueId {
    while aliases[id.0 as usize] != id {
        id = aliases[id.0 as usize];
    }
    id
}

fn rename_output(rewriter: &mut Rewriter<'_>, producer: usize, i: usize, x: ValueId, y: ValueId) {
    let swap = |ids: &mut Vec<ValueId>| ids.iter_mut().filter(|id| **id == x).for_each(|id| *id = y);
    rewriter.graph.nodes[i].outputs.clear();
    rewriter.graph.nodes[producer..i].iter_mut().for_each(|n| swap(&mut n.inputs));
    let mut outputs = std::mem::take(&mut rewriter.graph.nodes[producer].outputs);
    swap(&mut outputs);
    rewriter.set_outputs(producer, outputs);
    rewriter.remove(i);
}

fn changes_nothing(graph: &Graph, node: &Node, shapes: &[Shape], types: &[DType]) -> bool {
    let x = node.inputs[0];
    let rank = shapes.get(x.0 as usize).map_or(0, Shape::rank);
    match &node.op {
        Op::Identity | Op::Unary(Unary::Clip { lo: None, hi: None }) => true,
        Op::Cast { to } => to.is_float() && types[x.0 as usize].is_float() || *to == types[x.0 as usize],
        Op::Affine => {
            affine_constants(graph, node).is_some_and(|(scale, shift)| scale.iter().all(|&s| s == 1.0) && shift.iter().all(|&t| t == 0.0))
        }
        Op::Concat { .. } => node.inputs.len() == 1,
        Op::Flatten { axis } => rank == 2 && matches!(axis, 1 | -1),
        Op::Transpose { perm } => rank > 0 && permutation(perm, rank).into_iter().eq(0..rank),
        Op::Reshape { allow_zero } => !allow_zero && copies_dimensions(graph, node, rank),
        _ => false,
    }
}

/// Whether a reshape copies all dimensions but one. That one then is what it was, however it is given, or the reshape fails.
fn copies_dimensions(graph: &Graph, node: &Node, rank: usize) -> bool {
    let target = node.inputs.get(1).and_then(|&id| graph.constant(id));
    target.and_then(|t| t.as_i64()).is_some_and(|dims| dims.len() == rank && dims.iter().filter(|&&d| d != 0).count() <= 1)
}

fn permutation(perm: &[usize], rank: usize) -> Vec<usize> {
    if perm.is_empty() { (0..rank).rev().collect() } else { perm.to_vec() }
}

/// A transposition of a transposition is one transposition.
fn merge_transposes(rewriter: &mut Rewriter<'_>, i: usize, shapes: &[Shape]) {
    let graph = &*rewriter.graph;
    let Op::Transpose { perm: outer } = &graph.nodes[i].op else { return };
    let Some(before) = graph.nodes[i].inputs.first().and_then(|&x| rewriter.private_producer(x)) else { return };
    let (Op::Transpose { perm: inner }, [x]) = (&graph.nodes[before].op, &graph.nodes[before].inputs[..]) else { return };
    let (x, rank) = (*x, shapes.get(x.0 as usize).map_or(0, Shape::rank));
    let (inner, outer) = (permutation(inner, rank), permutation(outer, rank));
    let Some(perm) = outer.iter().map(|&axis| inner.get(axis).copied()).collect::<Option<Vec<_>>>() else { return };
    rewriter.graph.nodes[i].op = Op::Transpose { perm };
    rewriter.graph.nodes[i].inputs = vec![x];
    rewriter.remove(before);
}
