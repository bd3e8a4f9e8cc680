//! Finds everything that is `x * scale + shift` per channel and writes it as one [`Op::Affine`]; brings PReLU slopes to one per channel.
//!
//! Frameworks export input normalisation as Sub and Mul, batch normalisation as BatchNormalization or as Mul and Add, dlib layers as
//! plain affine layers. After this pass they are all one thing, and [`super::affine_folding`] has one thing to fold.

use super::rewriter::{Rewriter, add_constant, affine_constants, label, per_channel, rounded};
use super::sizes::Sizes;
use crate::error::Result;
use crate::graph::{Binary, Graph, Node, Op, ValueId};
use crate::tensor::Shape;

/// Rewrites the graph; tells whether anything changed. `shapes` are those of all values for the nominal input shapes.
///
/// # Errors
/// A constant that does not fit its shape.
pub fn run(graph: &mut Graph, shapes: &[Shape]) -> Result<bool> {
    let sizes = Sizes::new(graph, shapes);
    let mut changed = false;
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let found = match node.op {
            Op::BatchNorm { epsilon } => batch_norm(graph, node, f64::from(epsilon), &sizes),
            Op::Binary(op) => binary(graph, node, op, &sizes),
            Op::PRelu => {
                changed |= spread_slope(graph, i, &sizes)?;
                None
            }
            _ => None,
        };
        if let Some((x, scale, shift)) = found {
            set_affine(graph, i, x, scale, shift)?;
            changed = true;
        }
    }
    Ok(merge(graph)? || changed)
}

type Found = (ValueId, Vec<f32>, Vec<f32>);

fn batch_norm(graph: &Graph, node: &Node, epsilon: f64, sizes: &Sizes<'_>) -> Option<Found> {
    let [x, gamma, beta, mean, variance] = node.inputs[..] else { return None };
    let channels = sizes.channels(x)?;
    let read = |id| graph.constant(id).map(|t| t.to_f64()).filter(|v| v.len() == channels);
    let (gamma, beta, mean, variance) = (read(gamma)?, read(beta)?, read(mean)?, read(variance)?);
    let scale: Vec<f64> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let scale = rounded(&scale)?;
    // The shift is made with the rounded scale, so that x = mean still gives beta when the mean is large.
    let shift: Vec<f64> = (0..channels).map(|c| beta[c] - mean[c] * f64::from(scale[c])).collect();
    Some((x, scale, rounded(&shift)?))
}

fn binary(graph: &Graph, node: &Node, op: Binary, sizes: &Sizes<'_>) -> Option<Found> {
    let [a, b] = node.inputs[..] else { return None };
    let (x, constant, constant_first) = match (graph.constant(a), graph.constant(b)) {
        (None, Some(constant)) => (a, constant, false),
        (Some(constant), None) => (b, constant, true),
        _ => return None,
    };
    if !constant.dtype().is_float() {
        return None;
    }
    let channels = sizes.channels(x)?;
    let c = per_channel(constant, sizes.rank(x)?, channels)?;
    let same = |value: f64| vec![value; channels];
    let (scale, shift) = match (op, constant_first) {
        (Binary::Add, _) => (same(1.0), c),
        (Binary::Sub, false) => (same(1.0), c.iter().map(|v| -v).collect()),
        (Binary::Sub, true) => (same(-1.0), c),
        (Binary::Mul, _) => (c, same(0.0)),
        (Binary::Div, false) => (c.iter().map(|v| 1.0 / v).collect(), same(0.0)),
        _ => return None,
    };
    Some((x, rounded(&scale)?, rounded(&shift)?))
}

fn set_affine(graph: &mut Graph, i: usize, x: ValueId, scale: Vec<f32>, shift: Vec<f32>) -> Result<()> {
    let name = label(graph, i);
    let scale = add_constant(graph, &format!("{name}.scale"), [scale.len()], scale)?;
    let shift = add_constant(graph, &format!("{name}.shift"), [shift.len()], shift)?;
    graph.nodes[i].op = Op::Affine;
    graph.nodes[i].inputs = vec![x, scale, shift];
    Ok(())
}

/// Makes a constant PReLU slope that is the same for all channels, or broadcast over axis 1, a vector of one number per channel.
fn spread_slope(graph: &mut Graph, i: usize, sizes: &Sizes<'_>) -> Result<bool> {
    let [x, slope] = graph.nodes[i].inputs[..] else { return Ok(false) };
    let (Some(tensor), Some(channels), Some(rank)) = (graph.constant(slope), sizes.channels(x), sizes.rank(x)) else { return Ok(false) };
    if tensor.shape().dims() == [channels] {
        return Ok(false);
    }
    let Some(values) = per_channel(tensor, rank, channels).as_deref().and_then(rounded) else { return Ok(false) };
    let name = format!("{}.per_channel", graph.name(slope));
    graph.nodes[i].inputs[1] = add_constant(graph, &name, [channels], values)?;
    Ok(true)
}

/// Two affines in a row become one: `(x * s + t) * S + T = x * (s * S) + (t * S + T)`.
fn merge(graph: &mut Graph) -> Result<bool> {
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let graph = &*rewriter.graph;
        let node = &graph.nodes[i];
        let Some((scale, shift)) = affine_constants(graph, node) else { continue };
        let Some(before) = rewriter.private_producer(node.inputs[0]) else { continue };
        let Some((first_scale, first_shift)) = affine_constants(graph, &graph.nodes[before]) else { continue };
        if first_scale.len() != scale.len() {
            continue;
        }
        let both: Vec<f64> = first_scale.iter().zip(&scale).map(|(a, b)| a * b).collect();
        let shifts: Vec<f64> = (0..scale.len()).map(|c| first_shift[c] * scale[c] + shift[c]).collect();
        let (Some(both), Some(shifts)) = (rounded(&both), rounded(&shifts)) else { continue };
        let x = graph.nodes[before].inputs[0];
        set_affine(rewriter.graph, i, x, both, shifts)?;
        rewriter.remove(before);
    }
    Ok(rewriter.finish())
}
