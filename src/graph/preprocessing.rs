//! Preprocessing that an exporter put into the graph.

use super::{Binary, Graph, Node, Op, ValueId, infer_types};
use crate::tensor::Tensor;

/// What a graph does to its pixels before the first layer that is not per channel: `y = x * scale + shift`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Preprocessing {
    /// The nodes that do it.
    pub nodes: Vec<String>,
    /// Factor per channel, or one for all.
    pub scale: Vec<f64>,
    /// Added after it, per channel or one for all.
    pub shift: Vec<f64>,
}

impl Preprocessing {
    /// The same as `(x - mean) * scale`, with numbers that are the same for all channels given once.
    pub fn describe(&self) -> String {
        let list = |values: Vec<f64>| {
            let same = values.iter().all(|v| *v == values[0]);
            let shown: Vec<_> = values.iter().take(if same { 1 } else { 4 }).map(|v| format!("{v:.6}")).collect();
            let shown: Vec<_> = shown.iter().map(|s| s.trim_end_matches('0').trim_end_matches('.')).collect();
            if same { shown.join("") } else { format!("[{}]", shown.join(", ")) }
        };
        let at = |v: &[f64], i: usize| v[i % v.len()];
        let n = self.scale.len().max(self.shift.len());
        let mean = (0..n).map(|i| 0.0 - at(&self.shift, i) / at(&self.scale, i)).collect();
        format!("(x - {}) * {}", list(mean), list(self.scale.clone()))
    }
}

impl Graph {
    /// Finds the additions and multiplications by constants that follow the only picture input, through casts and transpositions.
    pub fn preprocessing(&self) -> Option<Preprocessing> {
        let types = infer_types(self).ok()?;
        let [input] = &self.inputs[..] else { return None };
        let mut found = Preprocessing { nodes: Vec::new(), scale: vec![1.0], shift: vec![0.0] };
        let mut at = input.value;
        let mut channels_last = false;
        while let Some(node) = self.only_reader(at) {
            match &node.op {
                Op::Identity | Op::Cast { .. } => {}
                Op::Transpose { perm } => channels_last = perm.as_slice() == [0, 2, 3, 1],
                Op::Binary(b) if types[at.0 as usize].is_float() => {
                    let (a, c) = self.step(*b, node, at, channels_last)?;
                    found.apply(&a, &c)?;
                    found.nodes.push(node.name.clone());
                }
                _ => break,
            }
            at = *node.outputs.first()?;
        }
        (!found.nodes.is_empty()).then_some(found)
    }

    fn only_reader(&self, id: ValueId) -> Option<&Node> {
        let mut readers = self.nodes.iter().filter(|n| n.inputs.contains(&id));
        let first = readers.next()?;
        (readers.next().is_none() && !self.outputs.contains(&id)).then_some(first)
    }

    /// The factor and the summand of one operation.
    fn step(&self, b: Binary, node: &Node, x: ValueId, channels_last: bool) -> Option<(Vec<f64>, Vec<f64>)> {
        let [first, second] = node.inputs[..] else { return None };
        let constant = per_channel(self.constant(if first == x { second } else { first })?, channels_last)?;
        let each = |f: fn(f64) -> f64| constant.iter().map(|&v| f(v)).collect::<Vec<_>>();
        Some(match (b, first == x) {
            (Binary::Add, _) => (vec![1.0], constant),
            (Binary::Sub, true) => (vec![1.0], each(|v| -v)),
            (Binary::Sub, false) => (vec![-1.0], constant),
            (Binary::Mul, _) => (constant, vec![0.0]),
            (Binary::Div, true) if !constant.contains(&0.0) => (each(|v| 1.0 / v), vec![0.0]),
            _ => return None,
        })
    }
}

impl Preprocessing {
    fn apply(&mut self, scale: &[f64], shift: &[f64]) -> Option<()> {
        let n = [&self.scale[..], &self.shift, scale, shift].iter().map(|v| v.len()).max()?;
        let fits = |v: &[f64]| v.len() == 1 || v.len() == n;
        if ![&self.scale[..], &self.shift, scale, shift].into_iter().all(fits) {
            return None;
        }
        let at = |v: &[f64], i: usize| v[i % v.len()];
        let shifts: Vec<_> = (0..n).map(|i| at(&self.shift, i) * at(scale, i) + at(shift, i)).collect();
        let scales: Vec<_> = (0..n).map(|i| at(&self.scale, i) * at(scale, i)).collect();
        (self.scale, self.shift) = (scales, shifts);
        Some(())
    }
}

/// A constant that is one number or one per channel of a picture.
fn per_channel(constant: &Tensor, channels_last: bool) -> Option<Vec<f64>> {
    let dims = constant.shape().dims();
    let channel = match (dims.len(), channels_last) {
        _ if constant.len() == 1 => return Some(constant.to_f64()),
        (3, false) => 0,
        (4, false) => 1,
        (n @ 1..=4, true) => n - 1,
        _ => return None,
    };
    (dims.get(channel) == Some(&constant.len())).then(|| constant.to_f64())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::graph::{Dim, Unary};

    #[test]
    fn subtract_and_multiply_are_seen_and_the_network_is_not() {
        let mut g = Graph::default();
        let x = g.add_input("x", (0..4).map(|i| Dim::Free(format!("d{i}"))).collect());
        let mean = g.add_constant("mean", Tensor::from_f32([1, 3, 1, 1], vec![104.0, 117.0, 123.0]).unwrap());
        let factor = g.add_constant("factor", Tensor::from_f32([], vec![0.5]).unwrap());
        let a = g.add_node("minus", Op::Binary(Binary::Sub), &[x, mean]);
        let b = g.add_node("times", Op::Binary(Binary::Mul), &[a, factor]);
        let y = g.add_node("relu", Op::Unary(Unary::Relu), &[b]);
        g.outputs = vec![y];
        let p = g.preprocessing().unwrap();
        assert_eq!(p.nodes, ["minus", "times"]);
        assert_eq!((p.scale.clone(), p.shift.clone()), (vec![0.5; 3], vec![-52.0, -58.5, -61.5]));
        assert_eq!(p.describe(), "(x - [104, 117, 123]) * 0.5");
        g.outputs = vec![a, y];
        assert_eq!(g.preprocessing().unwrap().nodes, ["minus"]);
    }
}
