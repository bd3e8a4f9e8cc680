//! Evaluates what is known before anything runs.

use crate::error::Result;
use crate::graph::infer::{Budget, Inference, resolved_op};
use crate::graph::{Graph, Op};
use crate::tensor::{Shape, Tensor};

use super::Bounds;

/// Elements of one folded tensor, unless an operand is larger already or it is the weight of a layer: no layer runs faster on a weight
/// that is computed anew each time, and those that are cut to fit a binding have to be constants.
const TENSOR_ELEMENTS: usize = 4 << 20;

/// Inner loop rounds of one folded node: well below a second.
const WORK: u64 = 1 << 30;

/// Turns every node whose operands are constants, and every [`Op::Shape`], into constants, for one set of input shapes.
/// Nodes whose results would be too large stay nodes. Tells whether anything changed.
///
/// # Errors
/// As [`crate::graph::infer_shapes`], and integer divisions by zero.
pub fn run(graph: &mut Graph, input_shapes: &[Shape]) -> Result<bool> {
    let before = graph.nodes.len();
    fold_all(graph, input_shapes, &Bounds::default())?;
    Ok(graph.nodes.len() != before)
}

/// As [`run`], without anything that depends on the inputs' shapes: folds only nodes whose operands are all constants.
///
/// # Errors
/// What a folded node's own shape inference objects to.
pub fn fold_weights(graph: &mut Graph) -> Result<bool> {
    fold_weights_within(graph, &Bounds::default())
}

/// As [`fold_weights`], within these bounds.
///
/// # Errors
/// As [`fold_weights`]; [`crate::Error::Limits`] for a tensor that is larger.
pub(crate) fn fold_weights_within(graph: &mut Graph, bounds: &Bounds) -> Result<bool> {
    let mut folding = Folding::new(graph, Inference::of_constants(graph)?, bounds);
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let known = !node.inputs.is_empty() && node.inputs.iter().all(|id| folding.state.constants[id.0 as usize].is_some());
        if known {
            folding.visit(graph, i)?;
        }
    }
    let before = graph.nodes.len();
    folding.remove_folded(graph);
    Ok(graph.nodes.len() != before)
}

/// As [`run`], within these bounds; also fills in the sizes of equal parts and returns the shapes of all values.
///
/// # Errors
/// As [`run`]; [`crate::Error::Limits`] for a tensor that is larger.
pub(super) fn fold_all(graph: &mut Graph, input_shapes: &[Shape], bounds: &Bounds) -> Result<Vec<Shape>> {
    let mut folding = Folding::new(graph, Inference::new(graph, input_shapes)?, bounds);
    for i in 0..graph.nodes.len() {
        folding.visit(graph, i)?;
    }
    folding.remove_folded(graph);
    Ok(folding.state.shapes)
}

struct Folding<'b> {
    state: Inference,
    /// Readers of each value that are still nodes.
    uses: Vec<usize>,
    folded: Vec<bool>,
    bounds: &'b Bounds,
    /// Bytes that may still be taken.
    left: u64,
    /// Which values were made here: only their memory comes back.
    made: Vec<bool>,
    /// Which values layers take as weights.
    weights: Vec<bool>,
}

impl<'b> Folding<'b> {
    fn new(graph: &Graph, state: Inference, bounds: &'b Bounds) -> Self {
        let (folded, made) = (vec![false; graph.nodes.len()], vec![false; graph.values.len()]);
        Self { state, uses: graph.uses(), folded, bounds, left: bounds.folding_bytes, made, weights: weights(graph) }
    }

    fn visit(&mut self, graph: &mut Graph, i: usize) -> Result<()> {
        let operands: Vec<_> = graph.nodes[i].inputs.iter().map(|id| self.state.shapes[id.0 as usize].clone()).collect();
        let largest = operands.iter().map(Shape::len).max().unwrap_or(0);
        let weight = graph.nodes[i].outputs.iter().any(|id| self.weights[id.0 as usize]);
        let elements = if weight { usize::MAX } else { largest.max(TENSOR_ELEMENTS) };
        let budget = Budget { elements, bytes: self.left, work: WORK };
        if matches!(&graph.nodes[i].op, Op::Split { sizes, .. } if sizes.is_empty()) {
            let op = resolved_op(&graph.nodes[i], &operands)?.into_owned();
            graph.nodes[i].op = op;
        }
        let folded = self.state.visit(&graph.nodes[i], &budget)?;
        let node = &graph.nodes[i];
        node.outputs.iter().try_for_each(|&id| self.bounds.check(node, graph.name(id), &self.state.shapes[id.0 as usize]))?;
        if !folded {
            // One part of a split may be empty, and so known, while the others are not.
            for id in graph.nodes[i].outputs.clone() {
                if self.state.shapes[id.0 as usize].contains(&0) {
                    graph.value_mut(id).constant = self.state.constants[id.0 as usize].clone();
                }
            }
            return Ok(());
        }
        self.folded[i] = true;
        let (inputs, outputs) = (node.inputs.clone(), node.outputs.clone());
        for id in outputs {
            let constant = self.state.constants[id.0 as usize].clone();
            self.left = self.left.saturating_sub(constant.as_deref().map_or(0, bytes));
            self.made[id.0 as usize] = true;
            graph.value_mut(id).constant = constant;
        }
        for id in inputs {
            let uses = &mut self.uses[id.0 as usize];
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                // Nobody reads it any more: a long chain must not keep all its links in memory.
                let constant = self.state.constants[id.0 as usize].take().filter(|_| self.made[id.0 as usize]);
                self.left = self.left.saturating_add(constant.as_deref().map_or(0, bytes));
                graph.value_mut(id).constant = None;
            }
        }
        Ok(())
    }

    fn remove_folded(&mut self, graph: &mut Graph) {
        let mut folded = self.folded.iter();
        graph.nodes.retain(|_| folded.next() != Some(&true));
    }
}

/// The values that layers take as weights, and those they are moved or cast from.
fn weights(graph: &Graph) -> Vec<bool> {
    let mut weights = vec![false; graph.values.len()];
    for node in graph.nodes.iter().rev() {
        let operands = match node.op {
            Op::Conv(_) | Op::ConvTranspose(_) | Op::LocallyConnected(_) | Op::Linear(_) | Op::MatMul => 1..2,
            Op::Transpose { .. }
            | Op::Reshape { .. }
            | Op::Squeeze
            | Op::Unsqueeze
            | Op::Cast { .. }
            | Op::Identity
            | Op::Dequantize { .. }
                if node.outputs.iter().any(|id| weights[id.0 as usize]) =>
            {
                0..1
            }
            _ => continue,
        };
        node.inputs.get(operands).into_iter().flatten().for_each(|id| weights[id.0 as usize] = true);
    }
    weights
}

/// Bytes of a folded tensor, whatever its type.
fn bytes(tensor: &Tensor) -> u64 {
    (tensor.len() as u64).saturating_mul(8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::graph::{Binary, Dim, Unary, ValueId};
    use crate::tensor::{DType, Tensor};

    /// `y = x + (a + b) reshaped to the shape of x`.
    fn graph() -> (Graph, ValueId, ValueId) {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(2)]);
        let a = graph.add_constant("a", Tensor::vector(vec![1.0, 2.0]));
        let b = graph.add_constant("b", Tensor::vector(vec![10.0, 20.0]));
        let sum = graph.add_node("sum", Op::Binary(Binary::Add), &[a, b]);
        let shape = graph.add_node("shape", Op::Shape { start: 0, end: None }, &[x]);
        let expanded = graph.add_node("expanded", Op::Expand, &[sum, shape]);
        let y = graph.add_node("y", Op::Binary(Binary::Add), &[x, expanded]);
        graph.outputs = vec![y];
        (graph, sum, expanded)
    }

    #[test]
    fn weights_fold_without_looking_at_input_shapes() {
        let (mut graph, sum, expanded) = graph();
        assert!(fold_weights(&mut graph).unwrap());
        assert_eq!(graph.nodes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["shape", "expanded", "y"]);
        assert_eq!(graph.constant(sum).unwrap().to_f32()[..], [11.0, 22.0]);
        assert!(graph.constant(expanded).is_none());
        assert!(!fold_weights(&mut graph).unwrap());
    }

    #[test]
    fn shapes_fold_for_given_inputs() {
        let (mut graph, sum, expanded) = graph();
        assert!(run(&mut graph, &[Shape::from([3, 2])]).unwrap());
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.constant(expanded).unwrap().to_f32()[..], [11.0, 22.0, 11.0, 22.0, 11.0, 22.0]);
        // A link of the chain that nobody reads any more is not kept.
        assert!(graph.constant(sum).is_none());
    }

    #[test]
    fn results_above_the_budget_stay_nodes() {
        let mut graph = Graph::default();
        let one = graph.add_constant("one", Tensor::vector(vec![1.0]));
        let large = graph.add_constant("large", Tensor::indices(vec![1 << 14, 1 << 14]));
        let expanded = graph.add_node("expanded", Op::Expand, &[one, large]);
        let y = graph.add_node("y", Op::Unary(Unary::Relu), &[expanded]);
        graph.outputs = vec![y];
        assert!(!fold_weights(&mut graph).unwrap());
        assert!(!run(&mut graph, &[]).unwrap());
        assert_eq!(graph.nodes.len(), 2);
    }

    /// `y = x * transpose(a matrix of 0.5)`, larger than what is folded otherwise.
    #[test]
    fn weights_above_the_budget_become_constants_within_the_bounds() {
        let weighted = || {
            let mut graph = Graph::default();
            let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(1 << 12)]);
            let dims = graph.add_constant("dims", Tensor::indices(vec![(1 << 10) + 1, 1 << 12]));
            let filled = graph.add_node("filled", Op::ConstantOfShape { value: 0.5, dtype: DType::F32 }, &[dims]);
            let turned = graph.add_node("turned", Op::Transpose { perm: vec![1, 0] }, &[filled]);
            let y = graph.add_node("y", Op::MatMul, &[x, turned]);
            graph.outputs = vec![y];
            (graph, turned)
        };
        let (mut graph, turned) = weighted();
        assert!(fold_weights(&mut graph).unwrap());
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.constant(turned).unwrap().shape().dims(), [1 << 12, (1 << 10) + 1]);
        let (mut graph, _) = weighted();
        fold_weights_within(&mut graph, &Bounds { folding_bytes: 1 << 20, ..Bounds::default() }).unwrap();
        assert_eq!(graph.nodes.len(), 3);
    }
}
