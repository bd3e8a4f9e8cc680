//! Activations that files spell as a product with a gate: `x * Sigmoid(x)`, `x * HardSigmoid(x)`, `x * Tanh(Softplus(x))`.

use super::rewriter::Rewriter;
use crate::error::Result;
use crate::graph::{Binary, Graph, Op, Unary, ValueId};
use crate::tensor::Shape;

/// Rewrites the graph; tells whether anything changed.
///
/// # Errors
/// None at present; the signature is that of all passes.
pub fn run(graph: &mut Graph, _shapes: &[Shape]) -> Result<bool> {
    let mut rewriter = Rewriter::new(graph);
    for i in 0..rewriter.graph.nodes.len() {
        let node = &rewriter.graph.nodes[i];
        let (Op::Binary(Binary::Mul), [a, b]) = (&node.op, &node.inputs[..]) else { continue };
        let pairs = [(*a, *b), (*b, *a)];
        let Some((x, gate)) = pairs.into_iter().find_map(|(x, y)| Some((x, gate(&rewriter, x, y)?))) else { continue };
        gate.nodes.into_iter().flatten().for_each(|n| rewriter.remove(n));
        let node = &mut rewriter.graph.nodes[i];
        node.op = Op::Unary(gate.function);
        node.inputs = vec![x];
        rewriter.read_once_less(x);
    }
    Ok(rewriter.finish())
}

/// What a product with a gate is, and the nodes of the gate.
struct Gate {
    function: Unary,
    nodes: [Option<usize>; 2],
}

/// The gate that makes `y` of `x`, for this product alone.
fn gate(rewriter: &Rewriter<'_>, x: ValueId, y: ValueId) -> Option<Gate> {
    let (last, operand, function) = unary(rewriter, y)?;
    let one = |function| (operand == x).then_some(Gate { function, nodes: [Some(last), None] });
    match function {
        Unary::Sigmoid => one(Unary::Swish { alpha: 1.0 }),
        // Files round 1/6 in several ways.
        Unary::HardSigmoid { alpha, beta: 0.5 } if (alpha * 6.0 - 1.0).abs() < 1e-6 => one(Unary::HardSwish),
        Unary::Tanh => match unary(rewriter, operand)? {
            (first, operand, Unary::Softplus) if operand == x => Some(Gate { function: Unary::Mish, nodes: [Some(first), Some(last)] }),
            _ => None,
        },
        _ => None,
    }
}

/// The function of one operand that produces `id`, and nothing else reads.
fn unary(rewriter: &Rewriter<'_>, id: ValueId) -> Option<(usize, ValueId, Unary)> {
    let producer = rewriter.private_producer(id)?;
    let node = &rewriter.graph.nodes[producer];
    match (&node.op, &node.inputs[..]) {
        (Op::Unary(function), [operand]) => Some((producer, *operand, *function)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::graph::Dim;

    fn kinds(build: impl Fn(&mut Graph, ValueId) -> ValueId) -> Vec<&'static str> {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(2)]);
        let x = graph.add_node("before", Op::Unary(Unary::Exp), &[x]);
        let y = build(&mut graph, x);
        graph.outputs = vec![y];
        run(&mut graph, &[]).unwrap();
        graph.nodes.iter().map(|n| n.op.kind()).collect()
    }

    #[test]
    fn gates_become_one_function() {
        let product = Op::Binary(Binary::Mul);
        let silu = kinds(|g, x| {
            let gate = g.add_node("gate", Op::Unary(Unary::Sigmoid), &[x]);
            g.add_node("y", product.clone(), &[gate, x])
        });
        assert_eq!(silu, ["Exp", "Swish"]);
        let mish = kinds(|g, x| {
            let soft = g.add_node("soft", Op::Unary(Unary::Softplus), &[x]);
            let gate = g.add_node("gate", Op::Unary(Unary::Tanh), &[soft]);
            g.add_node("y", product.clone(), &[x, gate])
        });
        assert_eq!(mish, ["Exp", "Mish"]);
        let hard = kinds(|g, x| {
            let gate = g.add_node("gate", Op::Unary(Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }), &[x]);
            g.add_node("y", product.clone(), &[x, gate])
        });
        assert_eq!(hard, ["Exp", "HardSwish"]);
    }

    #[test]
    fn a_gate_of_something_else_or_for_others_stays() {
        let product = Op::Binary(Binary::Mul);
        let other = kinds(|g, x| {
            let negative = g.add_node("negative", Op::Unary(Unary::Neg), &[x]);
            let gate = g.add_node("gate", Op::Unary(Unary::Sigmoid), &[negative]);
            g.add_node("y", product.clone(), &[gate, x])
        });
        assert_eq!(other, ["Exp", "Neg", "Sigmoid", "Mul"]);
        let shared = kinds(|g, x| {
            let gate = g.add_node("gate", Op::Unary(Unary::Sigmoid), &[x]);
            let y = g.add_node("y", product.clone(), &[gate, x]);
            g.add_node("z", Op::Binary(Binary::Add), &[y, gate])
        });
        assert_eq!(shared, ["Exp", "Sigmoid", "Mul", "Add"]);
    }
}
