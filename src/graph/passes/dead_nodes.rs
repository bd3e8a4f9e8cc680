//! Removes what no output depends on.

use crate::graph::Graph;

/// Removes nodes none of whose outputs is needed, and the content of constants nobody reads. Identifiers of values stay as they are.
/// Tells whether a node was removed.
pub fn run(graph: &mut Graph) -> bool {
    let mut needed = vec![false; graph.values.len()];
    for id in &graph.outputs {
        needed[id.0 as usize] = true;
    }
    let mut alive = vec![false; graph.nodes.len()];
    for (node, alive) in graph.nodes.iter().zip(&mut alive).rev() {
        *alive = node.outputs.iter().any(|id| needed[id.0 as usize]);
        if *alive {
            node.inputs.iter().for_each(|id| needed[id.0 as usize] = true);
        }
    }
    for (value, needed) in graph.values.iter_mut().zip(needed) {
        if !needed {
            value.constant = None;
        }
    }
    let before = graph.nodes.len();
    let mut alive = alive.into_iter();
    graph.nodes.retain(|_| alive.next() == Some(true));
    graph.nodes.len() != before
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::graph::{Binary, Dim, Op, Unary};
    use crate::tensor::Tensor;

    #[test]
    fn only_what_the_outputs_need_stays() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", vec![Dim::Free("batch".into())]);
        let used = graph.add_constant("used", Tensor::vector(vec![1.0]));
        let unused = graph.add_constant("unused", Tensor::vector(vec![2.0]));
        let y = graph.add_node("y", Op::Binary(Binary::Add), &[x, used]);
        let side = graph.add_node("side", Op::Binary(Binary::Mul), &[y, unused]);
        graph.add_node("end", Op::Unary(Unary::Relu), &[side]);
        graph.outputs = vec![y];
        assert!(run(&mut graph));
        assert_eq!(graph.nodes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["y"]);
        assert!(graph.constant(used).is_some() && graph.constant(unused).is_none());
        assert!(!run(&mut graph));
    }
}
