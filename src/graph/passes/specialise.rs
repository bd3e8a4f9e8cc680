//! From the graph for all sizes to the graph for one set of input shapes.

use super::{Bounds, constant_folding, dead_nodes, flatten_into_linear};
use crate::error::Result;
use crate::graph::Graph;
use crate::tensor::Shape;

/// A copy of the graph for these input shapes, and the shapes of all its values (indexed as [`Graph::values`]).
///
/// Chains that compute shapes become constants, splits get explicit sizes, linear layers read through transpositions and reshapes, and
/// what is then unused is gone. Constants that were not touched share their memory with `graph`. An output can become a constant.
///
/// # Errors
/// As [`crate::graph::infer_shapes`].
pub fn specialise(graph: &Graph, input_shapes: &[Shape]) -> Result<(Graph, Vec<Shape>)> {
    specialise_within(graph, input_shapes, &Bounds::default())
}

/// As [`specialise`], within these bounds.
///
/// # Errors
/// As [`specialise`]; [`crate::Error::Limits`] for a tensor that is larger.
pub fn specialise_within(graph: &Graph, input_shapes: &[Shape], bounds: &Bounds) -> Result<(Graph, Vec<Shape>)> {
    let mut graph = graph.clone();
    let shapes = constant_folding::fold_all(&mut graph, input_shapes, bounds)?;
    flatten_into_linear::run(&mut graph, &shapes);
    dead_nodes::run(&mut graph);
    Ok((graph, shapes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::graph::{Dim, Linear, Op, ValueId};
    use crate::reference::{Array, run_graph};
    use crate::tensor::Tensor;

    fn ramp(shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let data = (0..shape.len()).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        Tensor::from_f32(shape, data).unwrap()
    }

    fn linear(graph: &mut Graph, x: ValueId, outputs: usize, features: usize) -> ValueId {
        let w = graph.add_constant("w", ramp([outputs, features]));
        graph.add_node("y", Op::Linear(Linear { bias: false, flatten_order: vec![], epilogue: Default::default() }), &[x, w])
    }

    fn picture_input(graph: &mut Graph) -> ValueId {
        graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(2), Dim::Fixed(3), Dim::Fixed(4)])
    }

    fn indices(graph: &mut Graph, values: &[i64]) -> ValueId {
        graph.add_constant("indices", Tensor::indices(values.to_vec()))
    }

    /// Specialises, checks that the outputs stay the same, and returns the flattening order of the only node left.
    fn flattened(graph: &Graph) -> Vec<usize> {
        let x = Array::from(&ramp([2, 2, 3, 4]));
        let (special, shapes) = specialise(graph, std::slice::from_ref(&x.shape)).unwrap();
        let expected = run_graph(graph, std::slice::from_ref(&x), &graph.outputs).unwrap();
        let actual = run_graph(&special, &[x], &special.outputs).unwrap();
        assert_eq!(actual, expected);
        assert_eq!(shapes[special.outputs[0].0 as usize], actual[0].shape);
        let [node] = &special.nodes[..] else { unreachable!("{:?}", special.nodes) };
        let Op::Linear(linear) = &node.op else { unreachable!("{node:?}") };
        linear.flatten_order.clone()
    }

    #[test]
    fn a_shape_chain_before_a_linear_layer_disappears() {
        let mut graph = Graph::default();
        let x = picture_input(&mut graph);
        let shape = graph.add_node("shape", Op::Shape { start: 0, end: None }, &[x]);
        let zero = indices(&mut graph, &[0]);
        let batch = graph.add_node("batch", Op::Gather { axis: 0 }, &[shape, zero]);
        let rest = indices(&mut graph, &[-1]);
        let target = graph.add_node("target", Op::Concat { axis: 0 }, &[batch, rest]);
        let flat = graph.add_node("flat", Op::Reshape { allow_zero: false }, &[x, target]);
        let y = linear(&mut graph, flat, 5, 24);
        graph.outputs = vec![y];
        assert_eq!(flattened(&graph), [0; 0]);
    }

    #[test]
    fn transpositions_become_flattening_orders() {
        for perm in [[0, 2, 3, 1], [0, 3, 2, 1], [0, 1, 3, 2], [0, 1, 2, 3]] {
            let mut graph = Graph::default();
            let x = picture_input(&mut graph);
            let moved = graph.add_node("moved", Op::Transpose { perm: perm.to_vec() }, &[x]);
            let flat = graph.add_node("flat", Op::Flatten { axis: 1 }, &[moved]);
            let y = linear(&mut graph, flat, 5, 24);
            graph.outputs = vec![y];
            let expected: Vec<_> = perm[1..].iter().map(|a| a - 1).collect();
            assert_eq!(flattened(&graph), if expected == [0, 1, 2] { vec![] } else { expected });
        }
    }

    #[test]
    fn reshapes_before_transpositions_are_seen_through_when_they_join_axes() {
        let mut graph = Graph::default();
        let x = picture_input(&mut graph);
        let joined = indices(&mut graph, &[0, 2, 12]);
        let joined = graph.add_node("joined", Op::Reshape { allow_zero: false }, &[x, joined]);
        let moved = graph.add_node("moved", Op::Transpose { perm: vec![0, 2, 1] }, &[joined]);
        let y = linear(&mut graph, moved, 5, 24);
        graph.outputs = vec![y];
        assert_eq!(flattened(&graph), [1, 2, 0]);
    }

    #[test]
    fn a_moved_batch_axis_is_left_alone() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(2), Dim::Fixed(3)]);
        let moved = graph.add_node("moved", Op::Transpose { perm: vec![1, 0, 2] }, &[x]);
        let y = linear(&mut graph, moved, 5, 6);
        graph.outputs = vec![y];
        let (special, _) = specialise(&graph, &[Shape::from([2, 2, 3])]).unwrap();
        assert_eq!(special.nodes.len(), 2);
    }

    #[test]
    fn equal_parts_get_sizes_and_untouched_weights_keep_their_memory() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(5)]);
        let (a, b) = (graph.add_value("a"), graph.add_value("b"));
        let split = Op::Split { axis: 1, sizes: vec![] };
        graph.nodes.push(crate::graph::Node { name: "split".into(), op: split, inputs: vec![x], outputs: vec![a, b] });
        let y = linear(&mut graph, a, 4, 3);
        graph.outputs = vec![y, b];
        let (special, shapes) = specialise(&graph, &[Shape::from([7, 5])]).unwrap();
        assert_eq!(special.nodes[0].op, Op::Split { axis: 1, sizes: vec![3, 2] });
        assert_eq!(shapes[b.0 as usize], Shape::from([7, 2]));
        let w = special.nodes[1].inputs[1];
        assert!(Arc::ptr_eq(graph.constant(w).unwrap(), special.constant(w).unwrap()));
    }
}
