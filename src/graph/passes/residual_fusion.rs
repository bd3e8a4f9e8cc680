//! Moves the addition of a shortcut into the epilogue of the convolution or linear layer that produces the other operand.

use super::rewriter::{Rewriter, epilogue, epilogue_mut};
use super::sizes::Sizes;
use crate::error::Result;
use crate::graph::{Binary, Graph, Op, ValueId};
use crate::tensor::Shape;

/// Rewrites the graph; tells whether anything changed. `shapes` are those of all values for the nominal input shapes.
///
/// # Errors
/// None at present; the signature is that of all passes.
pub fn run(graph: &mut Graph, shapes: &[Shape]) -> Result<bool> {
    let sizes = Sizes::new(graph, shapes);
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let node = &rewriter.graph.nodes[i];
        let (Op::Binary(Binary::Add), [a, b]) = (&node.op, &node.inputs[..]) else { continue };
        let (a, b) = (*a, *b);
        // A constant never is a shortcut: it would have to be as large as the batch.
        if !sizes.same(a, b) || rewriter.graph.constant(a).is_some() || rewriter.graph.constant(b).is_some() {
            continue;
        }
        // The later of the two layers can stay where it is, so it comes first.
        let order = if rewriter.producer(a) >= rewriter.producer(b) { [(a, b), (b, a)] } else { [(b, a), (a, b)] };
        if let Some((layer, shortcut)) = order.into_iter().find_map(|(sum, shortcut)| Some((candidate(&rewriter, sum)?, shortcut))) {
            fuse(&mut rewriter, i, layer, shortcut);
        }
    }
    Ok(rewriter.finish())
}

/// The layer that produces `sum` for this addition alone and has room for a residual.
fn candidate(rewriter: &Rewriter<'_>, sum: ValueId) -> Option<usize> {
    let layer = rewriter.private_producer(sum)?;
    let op = &rewriter.graph.nodes[layer].op;
    let e = epilogue(op).filter(|_| matches!(op, Op::Conv(_) | Op::Linear(_)))?;
    (!e.residual && e.post_lo.is_none() && e.post_hi.is_none()).then_some(layer)
}

fn fuse(rewriter: &mut Rewriter<'_>, add: usize, layer: usize, shortcut: ValueId) {
    let in_place = rewriter.producer(shortcut).is_none_or(|p| p < layer);
    let node = &mut rewriter.graph.nodes[layer];
    let Some(e) = epilogue_mut(&mut node.op) else { return };
    e.residual = true;
    // The residual is the last operand of every fused op.
    node.inputs.push(shortcut);
    if in_place {
        rewriter.absorb(layer, add);
    } else {
        // Nothing between the layer and the addition reads the layer's result, so it may be computed as late as the addition was.
        rewriter.absorb_at_consumer(layer, add);
    }
}
