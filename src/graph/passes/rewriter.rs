//! Bookkeeping shared by the passes: who reads and who produces a value, which nodes are gone, and names for new constants.

use crate::error::{Error, Result};
use crate::graph::{Epilogue, Graph, Node, Op, Operands, ValueId};
use crate::tensor::{Shape, Tensor};

/// A graph being rewritten in one sweep. Nodes keep their positions until [`Rewriter::finish`].
pub(super) struct Rewriter<'g> {
    pub(super) graph: &'g mut Graph,
    uses: Vec<usize>,
    producers: Vec<Option<usize>>,
    gone: Vec<bool>,
    changed: bool,
}

impl<'g> Rewriter<'g> {
    pub(super) fn new(graph: &'g mut Graph) -> Self {
        let (uses, producers, gone) = (graph.uses(), graph.producers(), vec![false; graph.nodes.len()]);
        Self { graph, uses, producers, gone, changed: false }
    }

    /// Drops the nodes that are gone and tells whether anything changed.
    pub(super) fn finish(self) -> bool {
        let mut gone = self.gone.iter();
        self.graph.nodes.retain(|_| !gone.next().is_some_and(|&g| g));
        self.changed
    }

    /// The node that produces `id`.
    pub(super) fn producer(&self, id: ValueId) -> Option<usize> {
        self.producers.get(id.0 as usize).copied().flatten()
    }

    /// The node that produces `id` and nothing else, provided that `id` is read exactly once and is no graph output.
    pub(super) fn private_producer(&self, id: ValueId) -> Option<usize> {
        let producer = self.producer(id)?;
        (self.uses.get(id.0 as usize) == Some(&1) && self.graph.nodes[producer].outputs.len() == 1).then_some(producer)
    }

    /// Removes a node.
    pub(super) fn remove(&mut self, node: usize) {
        self.gone[node] = true;
        self.changed = true;
    }

    /// `producer` takes over the output of `consumer`, which goes: the value keeps the name of the consumer's output.
    pub(super) fn absorb(&mut self, producer: usize, consumer: usize) {
        let outputs = std::mem::take(&mut self.graph.nodes[consumer].outputs);
        self.set_outputs(producer, outputs);
        self.remove(consumer);
    }

    /// As [`Self::absorb`], but the merged node stands where the consumer stood, after everything the consumer needed.
    pub(super) fn absorb_at_consumer(&mut self, producer: usize, consumer: usize) {
        let outputs = std::mem::take(&mut self.graph.nodes[consumer].outputs);
        self.graph.nodes.swap(producer, consumer);
        self.set_outputs(consumer, outputs);
        self.remove(producer);
    }

    /// The readers of `from` read `to` from now on, except the one node between the two, which goes.
    pub(super) fn inherit_uses(&mut self, to: ValueId, from: ValueId) {
        self.uses[to.0 as usize] = (self.uses[to.0 as usize] + self.uses[from.0 as usize]).saturating_sub(1);
    }

    /// A node that read `id` is gone.
    pub(super) fn read_once_less(&mut self, id: ValueId) {
        let uses = &mut self.uses[id.0 as usize];
        *uses = uses.saturating_sub(1);
    }

    /// Gives a node other outputs.
    pub(super) fn set_outputs(&mut self, node: usize, outputs: Vec<ValueId>) {
        for id in &outputs {
            self.producers[id.0 as usize] = Some(node);
        }
        self.graph.nodes[node].outputs = outputs;
    }
}

/// Adds a constant under a name that no other value has.
pub(super) fn add_constant(graph: &mut Graph, name: &str, shape: impl Into<Shape>, data: Vec<f32>) -> Result<ValueId> {
    let (shape, count) = (shape.into(), data.len());
    let tensor = Tensor::from_f32(shape.clone(), data)
        .ok_or_else(|| Error::Model(format!("The constant `{name}` has {count} elements, which do not fit its shape {shape}.")))?;
    let name = unused_name(graph, name);
    Ok(graph.add_constant(name, tensor))
}

fn unused_name(graph: &Graph, name: &str) -> String {
    if graph.find(name).is_none() {
        return name.to_owned();
    }
    // Counting from the number of values nearly always hits a free name at once, however many nodes share one name.
    let mut count = graph.values.len();
    loop {
        let candidate = format!("{name}~{count}");
        if graph.find(&candidate).is_none() {
            return candidate;
        }
        count += 1;
    }
}

/// What to call a node in the names of its constants: its name, or that of its result when it has none.
pub(super) fn label(graph: &Graph, i: usize) -> String {
    let node = &graph.nodes[i];
    match node.outputs.first() {
        Some(&out) if node.name.is_empty() => graph.name(out).to_owned(),
        _ => node.name.clone(),
    }
}

/// A constant as one number per channel, if NumPy broadcasting to a tensor of `rank` dimensions spreads it over axis 1 alone.
pub(super) fn per_channel(tensor: &Tensor, rank: usize, channels: usize) -> Option<Vec<f64>> {
    let dims = tensor.shape();
    if rank < 2 || dims.rank() > rank || tensor.as_i64().is_some() {
        return None;
    }
    let first = rank - dims.rank();
    let fits = |(i, &d): (usize, &usize)| d == 1 || (first + i == 1 && d == channels);
    if !dims.iter().enumerate().all(fits) {
        return None;
    }
    let values = tensor.to_f64();
    Some(if values.len() == 1 { vec![values[0]; channels] } else { values })
}

/// Scale and shift of an [`Op::Affine`] in f64.
pub(super) fn affine_constants(graph: &Graph, node: &Node) -> Option<(Vec<f64>, Vec<f64>)> {
    let (Op::Affine, &[_, scale, shift]) = (&node.op, &node.inputs[..]) else { return None };
    let (scale, shift) = (graph.constant(scale)?.to_f64(), graph.constant(shift)?.to_f64());
    (scale.len() == shift.len()).then_some((scale, shift))
}

/// Rounds to f32; `None` when a number is not finite, because then the rewriting would not mean the same.
pub(super) fn rounded(values: &[f64]) -> Option<Vec<f32>> {
    values.iter().map(|&v| Some(v as f32).filter(|v| v.is_finite())).collect()
}

/// The epilogue of a fused op.
pub(super) fn epilogue(op: &Op) -> Option<&Epilogue> {
    match op {
        Op::Conv(c) => Some(&c.epilogue),
        Op::Linear(l) => Some(&l.epilogue),
        Op::LocallyConnected(l) => Some(&l.epilogue),
        _ => None,
    }
}

/// The epilogue of a fused op, to be changed.
pub(super) fn epilogue_mut(op: &mut Op) -> Option<&mut Epilogue> {
    match op {
        Op::Conv(c) => Some(&mut c.epilogue),
        Op::Linear(l) => Some(&mut l.epilogue),
        Op::LocallyConnected(l) => Some(&mut l.epilogue),
        _ => None,
    }
}

/// The operand positions of a fused op.
pub(super) fn operands(op: &Op) -> Option<Operands> {
    match op {
        Op::Conv(c) => Some(c.operands()),
        Op::Linear(l) => Some(l.operands()),
        Op::LocallyConnected(l) => Some(l.operands()),
        _ => None,
    }
}
