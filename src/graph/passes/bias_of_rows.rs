//! Moves a bias into the linear layer before it when a reshape stands between the two.
//!
//! A matrix product over the last of several axes is a linear layer over rows, reshaped; its bias is added along the last axis behind the
//! reshape. Transformers consist of little else.

use super::rewriter::{Rewriter, add_constant, epilogue, label};
use super::sizes::Sizes;
use crate::error::Result;
use crate::graph::{Binary, Epilogue, Graph, Op, ValueId};
use crate::tensor::{Shape, Tensor};

/// Rewrites the graph; tells whether anything changed. `shapes` are those of all values for the nominal input shapes.
///
/// # Errors
/// A constant that does not fit its shape.
pub fn run(graph: &mut Graph, shapes: &[Shape]) -> Result<bool> {
    let sizes = Sizes::new(graph, shapes);
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let Some((x, bias)) = addition(rewriter.graph, i) else { continue };
        let Some(reshape) = rewriter.private_producer(x) else { continue };
        let Some(layer) = layer_before(&rewriter, reshape) else { continue };
        let graph = &*rewriter.graph;
        let outputs = graph.nodes[layer].inputs.get(1).and_then(|&w| graph.constant(w)).and_then(|w| w.shape().first().copied());
        let Some(outputs) = outputs.filter(|_| sizes.last(x) == outputs) else { continue };
        let Some(bias) = along_last(graph.constant(bias).map(|t| t.as_ref()), sizes.rank(x), outputs) else { continue };
        let name = format!("{}.bias", label(graph, i));
        let bias = add_constant(rewriter.graph, &name, [outputs], bias)?;
        let node = &mut rewriter.graph.nodes[layer];
        if let Op::Linear(linear) = &mut node.op {
            linear.bias = true;
            node.inputs.push(bias);
        }
        rewriter.absorb(reshape, i);
    }
    Ok(rewriter.finish())
}

/// The operands of node `i`, computed and constant, when it adds the two.
fn addition(graph: &Graph, i: usize) -> Option<(ValueId, ValueId)> {
    let node = &graph.nodes[i];
    let (Op::Binary(Binary::Add), &[a, b]) = (&node.op, &node.inputs[..]) else { return None };
    match (graph.constant(a), graph.constant(b)) {
        (None, Some(_)) => Some((a, b)),
        (Some(_), None) => Some((b, a)),
        _ => None,
    }
}

/// The bare linear layer whose result the node `reshape` reshapes, and nobody else reads.
fn layer_before(rewriter: &Rewriter<'_>, reshape: usize) -> Option<usize> {
    let node = &rewriter.graph.nodes[reshape];
    let layer = matches!(node.op, Op::Reshape { .. }).then(|| rewriter.private_producer(*node.inputs.first()?))??;
    let op = &rewriter.graph.nodes[layer].op;
    let bare = matches!(op, Op::Linear(linear) if !linear.bias) && epilogue(op).is_some_and(Epilogue::is_none);
    bare.then_some(layer)
}

/// A constant as `outputs` numbers, if it is broadcast to a tensor of `rank` axes along all but the last.
fn along_last(constant: Option<&Tensor>, rank: Option<usize>, outputs: usize) -> Option<Vec<f32>> {
    let constant = constant.filter(|t| t.as_i64().is_none() && Some(t.shape().rank()) <= rank)?;
    match constant.len() {
        1 => Some(vec![constant.to_f32()[0]; outputs]),
        n if n == outputs && constant.shape().last() == Some(&outputs) => Some(constant.to_f32().into_owned()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::graph::{Dim, Linear, infer_shapes};
    use crate::reference::{Array, run_graph};

    /// `x [batch, 3, 4]` times `[4, 5]` plus a constant of this shape.
    fn graph(bias: &[usize]) -> Graph {
        let mut g = Graph::default();
        let x = g.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(3), Dim::Fixed(4)]);
        let w = g.add_constant("w", Tensor::from_f32([5, 4], (0..20).map(|i| i as f32 - 9.0).collect()).unwrap());
        let len: usize = bias.iter().product();
        let c = g.add_constant("c", Tensor::from_f32(bias.to_vec(), (0..len).map(|i| i as f32 * 0.5).collect()).unwrap());
        let rows = g.add_constant("rows", Tensor::indices(vec![-1, 4]));
        let back = g.add_constant("back", Tensor::indices(vec![-1, 3, 5]));
        let flat = g.add_node("flat", Op::Reshape { allow_zero: false }, &[x, rows]);
        let layer = Op::Linear(Linear { bias: false, flatten_order: vec![], epilogue: Epilogue::default() });
        let product = g.add_node("product", layer, &[flat, w]);
        let restored = g.add_node("restored", Op::Reshape { allow_zero: false }, &[product, back]);
        let y = g.add_node("y", Op::Binary(Binary::Add), &[c, restored]);
        g.outputs = vec![y];
        g
    }

    #[test]
    fn a_bias_of_the_last_axis_moves_into_the_layer_and_others_stay() {
        for (bias, moves) in
            [(&[5][..], true), (&[1, 1, 5], true), (&[1], true), (&[3, 1], false), (&[3, 5], false), (&[1, 1, 1, 5], false)]
        {
            let before = graph(bias);
            let mut after = before.clone();
            let shape = Shape::from([2, 3, 4]);
            let shapes = infer_shapes(&after, std::slice::from_ref(&shape)).unwrap();
            assert_eq!(run(&mut after, &shapes).unwrap(), moves, "{bias:?}");
            assert_eq!(after.nodes.len(), if moves { 3 } else { 4 });
            let x = Array::new(shape, (0..24).map(|i| f64::from(i) - 11.0).collect()).unwrap();
            let run = |g: &Graph| run_graph(g, std::slice::from_ref(&x), &g.outputs).unwrap();
            assert_eq!(run(&before), run(&after), "{bias:?}");
        }
    }
}
