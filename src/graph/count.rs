//! Parameters and multiply-adds of a graph.
//!
//! Parameters are trainable numbers: weights and biases, scale and shift of a normalisation (not its running statistics), slopes.
//! Multiply-adds are those of convolutions, locally connected and linear layers; everything else counts as none.

use std::collections::HashSet;

use super::{Graph, Node, Op, ValueId};
use crate::tensor::Shape;

/// Sums over the layers of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-adds for one picture.
    pub macs: u64,
}

impl Counts {
    /// The sums; `None` where the shapes of a layer are not known.
    pub fn of(layers: &[Layer]) -> Option<Self> {
        let parameters = layers.iter().map(|l| l.parameters).sum();
        layers.iter().map(|l| l.macs).sum::<Option<u64>>().map(|macs| Self { parameters, macs })
    }
}

/// What one layer is and costs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Layer {
    /// Name of the node.
    pub name: String,
    /// What it computes.
    pub op: &'static str,
    /// Names of its results, by which `run --output` asks for them.
    pub values: Vec<String>,
    /// Shape of its first output, when the input shapes are known.
    pub output: Option<Shape>,
    /// Trainable numbers it is the first to use.
    pub parameters: u64,
    /// Multiply-adds, when the shapes are known.
    pub macs: Option<u64>,
}

/// All layers in order. `shapes` holds every value's shape, indexed by value.
pub fn layers(graph: &Graph, shapes: Option<&[Shape]>) -> Vec<Layer> {
    let mut seen = HashSet::new();
    let constant = constant_values(graph);
    let filled = filled(graph);
    let shape = |id: ValueId| shapes.and_then(|s| s.get(id.0 as usize));
    let computes = |n: &&Node| !n.outputs.iter().all(|o| constant[o.0 as usize]);
    graph
        .nodes
        .iter()
        .filter(computes)
        .map(|node| Layer {
            name: node.name.clone(),
            op: node.op.kind(),
            values: node.outputs.iter().map(|&o| graph.name(o).to_owned()).collect(),
            output: node.outputs.first().and_then(|&o| shape(o)).cloned(),
            parameters: trainable(node, &constant)
                .filter(|&id| !filled.contains(&id) && seen.insert(id))
                .map(|id| (id, graph.constant(id).map(|t| t.len()).or_else(|| shape(id).map(Shape::len)).unwrap_or(0) as u64))
                .filter(|&(id, n)| n > 1 || !matches!(node.op, Op::Binary(_)) || is_learned(graph.name(id)))
                .map(|(_, n)| n)
                .sum(),
            macs: shapes.map(|_| macs(node, &shape)),
        })
        .collect()
}

/// Which values are known before anything runs: constants and what is computed from constants alone.
fn constant_values(graph: &Graph) -> Vec<bool> {
    let mut constant: Vec<bool> = graph.values.iter().map(|v| v.constant.is_some()).collect();
    for node in &graph.nodes {
        if !node.inputs.is_empty() && node.inputs.iter().all(|i| constant[i.0 as usize]) {
            node.outputs.iter().for_each(|o| constant[o.0 as usize] = true);
        }
    }
    constant
}

/// What nodes fill with one number by rule: a factor that stays 1 is no parameter.
fn filled(graph: &Graph) -> HashSet<ValueId> {
    let fills = |n: &&Node| matches!(n.op, Op::ConstantOfShape { .. });
    graph.nodes.iter().filter(fills).flat_map(|n| n.outputs.iter().copied()).collect()
}

/// The operands of a node that training would change.
fn trainable<'a>(node: &'a Node, constant: &'a [bool]) -> impl Iterator<Item = ValueId> + 'a {
    let operands = match node.op {
        Op::Conv(_) | Op::LocallyConnected(_) | Op::Linear(_) | Op::Affine | Op::PRelu => 1..node.inputs.len(),
        Op::BatchNorm { .. } => 1..3,
        // A bias or scale that an exporter wrote as an addition or multiplication. Single numbers are arithmetic (pixel scaling), unless a
        // state dict named them.
        Op::Binary(_) => 0..node.inputs.len(),
        _ => 0..0,
    };
    operands.filter_map(|i| node.inputs.get(i).copied()).filter(|id| constant.get(id.0 as usize) == Some(&true))
}

/// Whether a single number was learned, like the scale of a detector's boxes: state dicts name what they hold after its layer.
fn is_learned(name: &str) -> bool {
    name.ends_with(".weight") || name.ends_with(".bias") || name.ends_with(".scale")
}

fn macs<'a>(node: &Node, shape: &impl Fn(ValueId) -> Option<&'a Shape>) -> u64 {
    let per_output = |weights: &Shape| -> Option<usize> {
        match node.op {
            // [O, I/groups, kh, kw] and [ty, tx, O, I, kh, kw]
            Op::Conv(_) => weights.get(1..).map(|d| d.iter().product()),
            Op::LocallyConnected(_) => weights.get(3..).map(|d| d.iter().product()),
            Op::Linear(_) => weights.get(1).copied(),
            _ => None,
        }
    };
    let count = || {
        let weights = shape(*node.inputs.get(1)?)?;
        let output = shape(*node.outputs.first()?)?;
        Some(output.len() as u64 * per_output(weights)? as u64)
    };
    count().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Conv, Dim, Epilogue, Linear, Window};
    use crate::tensor::Tensor;

    #[test]
    fn counts_follow_the_conventions() {
        let mut g = Graph::default();
        let x = g.add_input("x", vec![Dim::Free("n".to_owned()), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(8)]);
        let w = g.add_constant("w", Tensor::zeros([4, 3, 3, 3]));
        let conv = Conv { window: Window::square(3, 1, 1), groups: 1, bias: false, pre_affine: false, epilogue: Epilogue::default() };
        let c = g.add_node("conv", Op::Conv(conv), &[x, w]);
        let stats: Vec<_> = (0..4).map(|i| g.add_constant(format!("bn{i}"), Tensor::zeros([4]))).collect();
        let bn = g.add_node("bn", Op::BatchNorm { epsilon: 1e-5 }, &[c, stats[0], stats[1], stats[2], stats[3]]);
        let half = g.add_constant("half", Tensor::vector(vec![0.5]));
        let scaled = g.add_node("scale", Op::Binary(Binary::Mul), &[bn, half]);
        let fw = g.add_constant("fw", Tensor::zeros([10, 256]));
        let fb = g.add_constant("fb", Tensor::zeros([10]));
        let y = g.add_node(
            "fc",
            Op::Linear(Linear { bias: true, flatten_order: Vec::new(), epilogue: Epilogue::default() }),
            &[scaled, fw, fb],
        );
        g.outputs.push(y);
        let mut shapes: Vec<Shape> = g.values.iter().map(|v| v.constant.as_ref().map(|t| t.shape().clone()).unwrap_or_default()).collect();
        for id in [c, bn, scaled] {
            shapes[id.0 as usize] = Shape::from([1, 4, 8, 8]);
        }
        shapes[y.0 as usize] = Shape::from([1, 10]);
        let layers = layers(&g, Some(&shapes));
        let parameters: Vec<_> = layers.iter().map(|l| l.parameters).collect();
        assert_eq!(parameters, [108, 8, 0, 2570]);
        let macs: Vec<_> = layers.iter().map(|l| l.macs).collect();
        assert_eq!(macs, [Some(4 * 64 * 27), Some(0), Some(0), Some(2560)]);
    }
}
