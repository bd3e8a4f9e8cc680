//! Works per-channel affines (batch normalisation, input normalisation) into the weights and bias of a neighbouring layer.
//!
//! After a layer this is always exact. Before one it is exact only where every tap of the kernel sees a real pixel: the zeros of a
//! padded convolution are inserted after the affine, so a shift pushed through as a plain bias would be wrong at every border pixel.
//! There the affine becomes [`Conv::pre_affine`], applied to real pixels while they are loaded.

use super::filters::{Filters, Folded};
use super::rewriter::{Rewriter, add_constant, affine_constants, epilogue, label, rounded};
use super::sizes::Sizes;
use crate::error::Result;
use crate::graph::{AutoPad, Conv, Epilogue, Graph, Op, ValueId, Window};
use crate::tensor::Shape;

/// Rewrites the graph; tells whether anything changed. `shapes` are those of all values for the nominal input shapes.
///
/// # Errors
/// A constant that does not fit its shape.
pub fn run(graph: &mut Graph, shapes: &[Shape]) -> Result<bool> {
    let sizes = Sizes::new(graph, shapes);
    // Backwards first: it is exact for every layer and leaves fewer affines to look at.
    let into_previous = fold_into_previous(graph)?;
    Ok(fold_into_next(graph, &sizes)? || into_previous)
}

fn fold_into_previous(graph: &mut Graph) -> Result<bool> {
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let graph = &*rewriter.graph;
        let Some((scale, shift)) = affine_constants(graph, &graph.nodes[i]) else { continue };
        let Some(layer) = rewriter.private_producer(graph.nodes[i].inputs[0]) else { continue };
        if !epilogue(&graph.nodes[layer].op).is_some_and(Epilogue::is_none) {
            continue;
        }
        let Some(filters) = Filters::of(graph, &graph.nodes[layer]) else { continue };
        let Some(folded) = filters.then_affine(&scale, &shift) else { continue };
        let tag = label(graph, i);
        filters.store(rewriter.graph, layer, folded, &tag)?;
        rewriter.absorb(layer, i);
    }
    Ok(rewriter.finish())
}

/// How one reader of an affine's result takes the affine over.
struct Taker {
    /// The node that reads the result.
    reader: usize,
    /// The layer that changes: the reader itself, or the one behind a reader that only reshapes.
    layer: usize,
    how: How,
}

enum How {
    /// New filters that give exactly the same.
    Filters(Filters, Folded),
    /// Scale and shift applied on load.
    PreAffine { scale: Vec<f32>, shift: Vec<f32> },
}

fn fold_into_next(graph: &mut Graph, sizes: &Sizes<'_>) -> Result<bool> {
    let mut readers = readers(graph);
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let graph = &*rewriter.graph;
        let node = &graph.nodes[i];
        let Some((scale, shift)) = affine_constants(graph, node) else { continue };
        let (Some(&x), Some(&y)) = (node.inputs.first(), node.outputs.first()) else { continue };
        let by = &readers[y.0 as usize];
        if by.is_empty() || graph.outputs.contains(&y) {
            continue;
        }
        let taker = |&reader: &usize| taker(graph, sizes, &readers, y, reader, &scale, &shift);
        let Some(takers) = by.iter().map(taker).collect::<Option<Vec<_>>>() else { continue };
        // Reading through a pre-affine costs every reader; it pays when it replaces the one pass over the data that the affine is.
        if takers.len() > 1 && takers.iter().any(|t| matches!(t.how, How::PreAffine { .. })) {
            continue;
        }
        let tag = label(graph, i);
        let by = std::mem::take(&mut readers[y.0 as usize]);
        readers[x.0 as usize].retain(|&r| r != i);
        readers[x.0 as usize].extend(by);
        for taker in takers {
            take(rewriter.graph, taker, x, &tag)?;
        }
        rewriter.remove(i);
    }
    Ok(rewriter.finish())
}

/// The nodes that read each value, one entry per operand.
fn readers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); graph.values.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            out[id.0 as usize].push(i);
        }
    }
    out
}

fn taker(
    graph: &Graph,
    sizes: &Sizes<'_>,
    readers: &[Vec<usize>],
    y: ValueId,
    reader: usize,
    scale: &[f64],
    shift: &[f64],
) -> Option<Taker> {
    let node = &graph.nodes[reader];
    // As x, and as nothing else: a residual is not transformed.
    if node.inputs.first() != Some(&y) || node.inputs[1..].contains(&y) {
        return None;
    }
    let into_filters = |layer: usize| {
        let filters = Filters::of(graph, &graph.nodes[layer])?;
        let folded = filters.after_affine(scale, shift)?;
        Some(Taker { reader, layer, how: How::Filters(filters, folded) })
    };
    let no_shift = shift.iter().all(|&t| t == 0.0);
    match &node.op {
        Op::Conv(conv) if conv.pre_affine => pre_affine(graph, reader, conv, scale, shift).map(|how| Taker { reader, layer: reader, how }),
        Op::Conv(conv) if no_shift || is_unpadded(&conv.window) => into_filters(reader),
        Op::Conv(conv) => pre_affine(graph, reader, conv, scale, shift).map(|how| Taker { reader, layer: reader, how }),
        Op::LocallyConnected(local) if no_shift || is_unpadded(&local.window) => into_filters(reader),
        Op::Linear(_) => into_filters(reader),
        Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze => {
            let &[flat] = &node.outputs[..] else { return None };
            let &[layer] = &readers[flat.0 as usize][..] else { return None };
            // Same batch in front means that the rest keeps its order, channels outermost: what a linear layer flattens to anyway.
            let keeps_order = sizes.same_batch(y, flat) && !graph.outputs.contains(&flat);
            let behind = &graph.nodes[layer];
            (keeps_order && matches!(behind.op, Op::Linear(_)) && behind.inputs.first() == Some(&flat)).then(|| into_filters(layer))?
        }
        _ => None,
    }
}

/// Whether every tap always lies inside the picture.
fn is_unpadded(window: &Window) -> bool {
    match window.auto {
        AutoPad::Valid => true,
        AutoPad::Explicit => window.pads == [0; 4],
        AutoPad::SameUpper | AutoPad::SameLower => window.kernel == [1, 1],
    }
}

/// The affine, and the one the convolution may already have, as one on load.
fn pre_affine(graph: &Graph, i: usize, conv: &Conv, scale: &[f64], shift: &[f64]) -> Option<How> {
    let node = &graph.nodes[i];
    let weight = graph.constant(*node.inputs.get(1)?)?;
    let channels = weight.shape().get(1)?.checked_mul(conv.groups)?;
    if channels != scale.len() {
        return None;
    }
    let places = conv.operands();
    let (own_scale, own_shift) = match (places.pre_scale, places.pre_shift) {
        (Some(s), Some(t)) => (graph.constant(*node.inputs.get(s)?)?.to_f64(), graph.constant(*node.inputs.get(t)?)?.to_f64()),
        _ => (vec![1.0; channels], vec![0.0; channels]),
    };
    if own_scale.len() != channels || own_shift.len() != channels {
        return None;
    }
    let both_scale: Vec<f64> = (0..channels).map(|c| scale[c] * own_scale[c]).collect();
    let both_shift: Vec<f64> = (0..channels).map(|c| shift[c] * own_scale[c] + own_shift[c]).collect();
    Some(How::PreAffine { scale: rounded(&both_scale)?, shift: rounded(&both_shift)? })
}

fn take(graph: &mut Graph, taker: Taker, x: ValueId, tag: &str) -> Result<()> {
    graph.nodes[taker.reader].inputs[0] = x;
    let i = taker.layer;
    match taker.how {
        How::Filters(filters, folded) => filters.store(graph, i, folded, tag),
        How::PreAffine { scale, shift } => {
            let name = label(graph, i);
            let scale = add_constant(graph, &format!("{name}.pre_scale+{tag}"), [scale.len()], scale)?;
            let shift = add_constant(graph, &format!("{name}.pre_shift+{tag}"), [shift.len()], shift)?;
            set_pre_affine(graph, i, scale, shift);
            Ok(())
        }
    }
}

fn set_pre_affine(graph: &mut Graph, i: usize, scale: ValueId, shift: ValueId) {
    let node = &mut graph.nodes[i];
    let Op::Conv(conv) = &mut node.op else { return };
    let added = !std::mem::replace(&mut conv.pre_affine, true);
    let places = conv.operands();
    let (Some(s), Some(t)) = (places.pre_scale, places.pre_shift) else { return };
    if added {
        node.inputs.splice(s..s, [scale, shift]);
    } else {
        node.inputs[s] = scale;
        node.inputs[t] = shift;
    }
}
