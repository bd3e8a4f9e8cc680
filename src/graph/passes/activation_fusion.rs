//! Moves activations into the epilogue of the convolution or linear layer before them.
//!
//! An epilogue is `post(act(sum + bias) + residual)`: slope first, then bounds, then the residual, then bounds again. An activation is
//! taken only when everything that is already there comes before its place.

use super::rewriter::{Rewriter, add_constant, epilogue, epilogue_mut, label, operands};
use crate::error::Result;
use crate::graph::{Epilogue, Graph, Op, Unary, ValueId};
use crate::tensor::Shape;

/// Rewrites the graph; tells whether anything changed.
///
/// # Errors
/// A constant that does not fit its shape.
pub fn run(graph: &mut Graph, _shapes: &[Shape]) -> Result<bool> {
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let node = &rewriter.graph.nodes[i];
        let Some(&x) = node.inputs.first() else { continue };
        let Some(layer) = rewriter.private_producer(x) else { continue };
        let Some(present) = epilogue(&rewriter.graph.nodes[layer].op) else { continue };
        let fused = match node.op {
            Op::Unary(Unary::Relu) => bound(&mut rewriter, layer, Some(0.0), None),
            Op::Unary(Unary::Clip { lo, hi }) => bound(&mut rewriter, layer, lo, hi),
            Op::Unary(Unary::LeakyRelu { alpha }) if present.is_none() => leaky(&mut rewriter, i, layer, alpha)?,
            Op::PRelu if present.is_none() && node.inputs.len() == 2 => {
                let slope = node.inputs[1];
                prelu(&mut rewriter, layer, slope)
            }
            _ => false,
        };
        if fused {
            rewriter.absorb(layer, i);
        }
    }
    Ok(rewriter.finish())
}

/// Adds bounds that contain 0, after the residual if there is one. Bounds in a row intersect.
fn bound(rewriter: &mut Rewriter<'_>, layer: usize, lo: Option<f32>, hi: Option<f32>) -> bool {
    // Two intervals that both contain 0 intersect in one that contains 0, and clamping to them in turn is clamping to the intersection.
    if lo.is_some_and(|v| v > 0.0 || v.is_nan()) || hi.is_some_and(|v| v < 0.0 || v.is_nan()) {
        return false;
    }
    let Some(e) = epilogue_mut(&mut rewriter.graph.nodes[layer].op) else { return false };
    let (own_lo, own_hi) = if e.residual { (&mut e.post_lo, &mut e.post_hi) } else { (&mut e.lo, &mut e.hi) };
    let contains_zero = own_lo.is_none_or(|v| v <= 0.0) && own_hi.is_none_or(|v| v >= 0.0);
    if contains_zero {
        *own_lo = tighter(*own_lo, lo, f32::max);
        *own_hi = tighter(*own_hi, hi, f32::min);
    }
    contains_zero
}

fn tighter(a: Option<f32>, b: Option<f32>, pick: fn(f32, f32) -> f32) -> Option<f32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}

fn leaky(rewriter: &mut Rewriter<'_>, i: usize, layer: usize, alpha: f32) -> Result<bool> {
    let Some(outputs) = output_channels(rewriter.graph, layer) else { return Ok(false) };
    let name = format!("{}.slope", label(rewriter.graph, i));
    let slope = add_constant(rewriter.graph, &name, [outputs], vec![alpha; outputs])?;
    Ok(set_slope(rewriter, layer, slope))
}

fn prelu(rewriter: &mut Rewriter<'_>, layer: usize, slope: ValueId) -> bool {
    let graph = &*rewriter.graph;
    let fits = match (graph.constant(slope), output_channels(graph, layer)) {
        (Some(slope), Some(outputs)) => slope.shape().dims() == [outputs] && slope.as_i64().is_none(),
        _ => false,
    };
    fits && set_slope(rewriter, layer, slope)
}

fn set_slope(rewriter: &mut Rewriter<'_>, layer: usize, slope: ValueId) -> bool {
    let node = &mut rewriter.graph.nodes[layer];
    let Some(e) = epilogue_mut(&mut node.op) else { return false };
    *e = Epilogue { slope: true, ..Epilogue::default() };
    let Some(place) = operands(&node.op).and_then(|o| o.slope).filter(|&p| p <= node.inputs.len()) else { return false };
    node.inputs.insert(place, slope);
    true
}

/// Output channels of a convolution or linear layer with constant weights.
fn output_channels(graph: &Graph, layer: usize) -> Option<usize> {
    let node = &graph.nodes[layer];
    let axis = if matches!(node.op, Op::LocallyConnected(_)) { 2 } else { 0 };
    graph.constant(*node.inputs.get(1)?)?.shape().get(axis).copied()
}
