//! Whether pictures of a batch stay apart, so that a batch may be run in parts.

use crate::error::Result;
use crate::graph::{Graph, Node, Op, ValueId, infer_shapes};
use crate::tensor::Shape;

/// Whether every row of every output depends on the same row of the inputs alone. In doubt it does not.
///
/// # Errors
/// As [`infer_shapes`].
pub(super) fn rows_stay_apart(graph: &Graph, inputs: &[Shape], batch: usize) -> Result<bool> {
    let shapes = infer_shapes(graph, inputs)?;
    let rows = Rows { graph, shapes: &shapes, batch };
    Ok(graph.nodes.iter().all(|node| rows.keeps(node)))
}

struct Rows<'a> {
    graph: &'a Graph,
    shapes: &'a [Shape],
    batch: usize,
}

impl Rows<'_> {
    fn shape(&self, id: ValueId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    /// Whether a value has the batch in front.
    fn leads(&self, id: ValueId) -> bool {
        self.graph.constant(id).is_none() && self.shape(id).first() == Some(&self.batch)
    }

    /// Whether an operand of an operation with broadcasting is the same for all rows.
    fn is_shared(&self, id: ValueId, rank: usize) -> bool {
        let shape = self.shape(id);
        self.graph.constant(id).is_some() && (shape.rank() < rank || shape.first() == Some(&1))
    }

    fn keeps(&self, node: &Node) -> bool {
        let (Some(&x), Some(&y)) = (node.inputs.first(), node.outputs.first()) else { return false };
        // What computes shapes from shapes does not touch pictures.
        if matches!(node.op, Op::Shape { .. }) || node.inputs.iter().all(|&id| self.graph.constant(id).is_some()) {
            return true;
        }
        let rank = self.shape(x).rank();
        let off = |axis: i64| axis != 0 && axis != -(rank as i64);
        let in_front = self.leads(x) && node.outputs.iter().all(|&id| self.leads(id));
        in_front
            && match &node.op {
                Op::Binary(_) | Op::Where => {
                    let rank = self.shape(y).rank();
                    node.inputs.iter().all(|&id| self.is_shared(id, rank) || (self.leads(id) && self.shape(id).rank() == rank))
                }
                Op::MatMul => rank > 1 && self.graph.constant(node.inputs[1]).is_some_and(|b| b.shape().rank() <= 2),
                Op::Softmax { axis, .. }
                | Op::LogSoftmax { axis, .. }
                | Op::Hardmax { axis, .. }
                | Op::L2Normalize { axis, .. }
                | Op::LayerNorm { axis, .. }
                | Op::ArgReduce { axis, .. }
                | Op::TopK { axis, .. }
                | Op::Split { axis, .. } => off(*axis),
                Op::Concat { axis } => off(*axis) && node.inputs.iter().all(|&id| self.leads(id)),
                Op::Gather { axis } => off(*axis) && self.graph.constant(node.inputs[1]).is_some(),
                Op::Reduce { axes, .. } => !axes.is_empty() && axes.iter().all(|&a| off(a)),
                Op::Transpose { perm } => perm.first() == Some(&0),
                // Rows keep their length, so what was in a row stays in it.
                Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze | Op::Unsqueeze => true,
                Op::Conv(_)
                | Op::ConvTranspose(_)
                | Op::LocallyConnected(_)
                | Op::Linear(_)
                | Op::BatchNorm { .. }
                | Op::Affine
                | Op::Unary(_)
                | Op::PRelu
                | Op::Pool(_)
                | Op::GlobalPool(_)
                | Op::Lrn { .. }
                | Op::GroupNorm { .. }
                | Op::DepthToSpace { .. }
                | Op::SpaceToDepth { .. }
                | Op::Cast { .. }
                | Op::Identity => true,
                Op::Resize(_) => rank > 2,
                _ => false,
            }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::graph::{Binary, Dim, Reduction, Unary};
    use crate::tensor::Tensor;

    fn apart(build: impl FnOnce(&mut Graph, ValueId) -> ValueId) -> bool {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(6)]);
        let y = build(&mut graph, x);
        graph.outputs = vec![y];
        rows_stay_apart(&graph, &[Shape::from([4, 6])], 4).unwrap()
    }

    #[test]
    fn what_works_in_rows_may_be_cut_and_what_mixes_them_may_not() {
        assert!(apart(|g, x| g.add_node("y", Op::Unary(Unary::Relu), &[x])));
        assert!(apart(|g, x| g.add_node("y", Op::Binary(Binary::Add), &[x, x])));
        assert!(apart(|g, x| g.add_node("y", Op::Softmax { axis: -1, flatten: false }, &[x])));
        assert!(!apart(|g, x| g.add_node("y", Op::Softmax { axis: 0, flatten: false }, &[x])));
        assert!(!apart(|g, x| g.add_node("y", Op::Transpose { perm: vec![1, 0] }, &[x])));
        let over = |axes: Vec<i64>| Op::Reduce { kind: Reduction::Sum, axes, keep_dims: true, none_if_empty: false };
        assert!(apart(|g, x| g.add_node("y", over(vec![1]), &[x])));
        assert!(!apart(|g, x| g.add_node("y", over(vec![0]), &[x])));
        assert!(!apart(|g, x| {
            let axis = g.add_constant("axis", Tensor::indices(vec![0]));
            g.add_node("y", Op::CumSum { exclusive: false, reverse: false }, &[x, axis])
        }));
        // A constant with a row for each picture belongs to this batch alone.
        assert!(!apart(|g, x| {
            let c = g.add_constant("c", Tensor::zeros([4, 6]));
            g.add_node("y", Op::Binary(Binary::Add), &[x, c])
        }));
    }
}
