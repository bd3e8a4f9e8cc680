//! Lets linear layers read their input in place: `Transpose -> Reshape -> Linear` becomes a linear layer with a flattening order.

use crate::graph::infer::geometry;
use crate::graph::{Graph, Node, Op, ValueId};
use crate::tensor::Shape;

/// Rewrites the graph for the given shapes of all values; tells whether anything changed. The nodes passed over may be dead afterwards.
pub(super) fn run(graph: &mut Graph, shapes: &[Shape]) -> bool {
    let producers = graph.producers();
    let mut changed = false;
    for i in 0..graph.nodes.len() {
        let Op::Linear(linear) = &graph.nodes[i].op else { continue };
        let (mut x, mut order) = (graph.nodes[i].inputs[0], linear.flatten_order.clone());
        while let Some((source, read)) = producers[x.0 as usize].and_then(|p| before(&graph.nodes[p], x, &order, shapes)) {
            (x, order) = (source, read);
            changed = true;
        }
        graph.nodes[i].inputs[0] = x;
        if let Op::Linear(linear) = &mut graph.nodes[i].op {
            linear.flatten_order = order;
        }
    }
    changed
}

/// What to read, and in which order, instead of the output `x` of `node` in the order `order`.
fn before(node: &Node, x: ValueId, order: &[usize], shapes: &[Shape]) -> Option<(ValueId, Vec<usize>)> {
    let source = *node.inputs.first()?;
    let (from, to) = (&shapes[source.0 as usize], &shapes[x.0 as usize]);
    // The batch has to stay where it is.
    if from.rank() < 2 || to.rank() < 2 || from[0] != to[0] {
        return None;
    }
    match &node.op {
        Op::Identity => Some((source, order.to_vec())),
        Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze | Op::Unsqueeze => Some((source, regrouped(&from[1..], &to[1..], order)?)),
        Op::Transpose { perm } => {
            let perm = geometry::permutation(perm, from.rank()).filter(|p| p[0] == 0)?;
            let natural: Vec<_> = (0..to.rank() - 1).collect();
            let order = if order.is_empty() { &natural } else { order };
            Some((source, simplified(order.iter().map(|&a| perm[a + 1] - 1).collect())))
        }
        _ => None,
    }
}

/// The order over the axes `from` that means `order` over the axes `to` of the same elements, where each axis of `to` joins
/// neighbouring axes of `from`.
fn regrouped(from: &[usize], to: &[usize], order: &[usize]) -> Option<Vec<usize>> {
    // The natural order is the same whatever the axes.
    if order.is_empty() {
        return Some(Vec::new());
    }
    let mut next = 0;
    let mut groups = Vec::with_capacity(to.len());
    for &size in to {
        let first = next;
        let mut product = 1usize;
        while product < size {
            product = product.checked_mul(*from.get(next)?)?;
            next += 1;
        }
        if product != size {
            return None;
        }
        groups.push(first..next);
    }
    // Axes of one cell at the end belong anywhere.
    groups.last_mut()?.end = from.len();
    Some(simplified(order.iter().flat_map(|&a| groups[a].clone()).collect()))
}

fn simplified(order: Vec<usize>) -> Vec<usize> {
    if order.iter().copied().eq(0..order.len()) { Vec::new() } else { order }
}
