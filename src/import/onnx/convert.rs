//! Walks the nodes of a file and builds the graph.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::facts::{self, Fact, Flow};
use super::ops;
use super::source::{Done, Refusal, Source, label, unsupported};
use super::tensor::Reader;
use super::wire::NodeProto;
use crate::error::{Error, Result};
use crate::graph::infer::result_type;
use crate::graph::{Dim, Graph, Node, Op, ValueId};
use crate::tensor::{DType, Tensor};

/// The graph under construction.
pub(super) struct Importer<'a> {
    pub(super) graph: Graph,
    /// The batch that the file froze, when it froze one.
    pub(super) frozen_batch: Option<i64>,
    reader: Reader<'a>,
    ids: HashMap<String, ValueId>,
    facts: Vec<Fact>,
    /// Names of the file and names given here: no new value may take one of them.
    taken: HashSet<String>,
    /// The last number that was given to a name, by the name without it.
    numbers: HashMap<String, usize>,
    /// Names that a node or an output of the graph reads.
    read: HashSet<&'a str>,
    outputs: HashSet<&'a str>,
    problems: Problems,
}

/// Stands in the list of problems for constants that cannot be read.
const INITIALIZER: &str = "initializer";

/// Everything of a file that is not supported: operator, then reason (empty = the operator itself), then nodes.
#[derive(Default)]
struct Problems(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl<'a> Importer<'a> {
    /// `read` and `outputs` as the fields, `taken` with all names of the file.
    pub(super) fn new(reader: Reader<'a>, taken: HashSet<String>, read: HashSet<&'a str>, outputs: HashSet<&'a str>) -> Self {
        Self {
            graph: Graph::default(),
            frozen_batch: None,
            reader,
            ids: HashMap::new(),
            facts: Vec::new(),
            taken,
            numbers: HashMap::new(),
            read,
            outputs,
            problems: Problems::default(),
        }
    }

    /// Whether a node or an output of the graph reads `name`.
    pub(super) fn is_read(&self, name: &str) -> bool {
        self.read.contains(name)
    }

    /// Whether `name` is an output of the graph.
    pub(super) fn is_output(&self, name: &str) -> bool {
        self.outputs.contains(name)
    }

    /// The value that the file calls `name`.
    pub(super) fn find(&self, name: &str) -> Option<ValueId> {
        self.ids.get(name).copied()
    }

    /// What is known of a value.
    pub(super) fn fact(&self, id: ValueId) -> Fact {
        self.facts.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The content of a constant.
    pub(super) fn constant(&self, id: ValueId) -> Option<Arc<Tensor>> {
        self.graph.constant(id).cloned()
    }

    /// Reads a tensor of the file.
    pub(super) fn read_tensor(&mut self, proto: &super::wire::TensorProto, name: &str) -> Result<Tensor> {
        self.reader.tensor(proto, name)
    }

    /// Adds an initializer of the file.
    ///
    /// # Errors
    /// What is wrong with it. A type that is not supported is noted instead.
    pub(super) fn initializer(&mut self, proto: &super::wire::TensorProto) -> Result<()> {
        match self.reader.tensor(proto, &proto.name) {
            Ok(tensor) => {
                self.add_constant(&proto.name, tensor);
            }
            Err(Error::Unsupported(reason)) => {
                self.problem(INITIALIZER, &reason, &proto.name);
                let id = self.graph.add_value(proto.name.clone());
                self.name(&proto.name, id, Fact { poisoned: true, ..Fact::default() });
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// Notes that something cannot be imported.
    pub(super) fn problem(&mut self, operator: &str, reason: &str, node: &str) {
        let nodes = self.problems.0.entry(operator.to_owned()).or_default().entry(reason.to_owned()).or_default();
        nodes.push(node.to_owned());
    }

    /// Adds an input of the graph.
    pub(super) fn add_input(&mut self, name: &str, dims: Vec<Dim>, dtype: DType) {
        let rank = dims.len();
        let flow = if rank == 0 { Flow::Mixed } else { Flow::BatchFirst };
        let id = self.graph.add_typed_input(name, dims, dtype);
        self.name(name, id, Fact { rank: Some(rank), flow, dtype, poisoned: false });
    }

    /// Adds a constant under a name of the file.
    pub(super) fn add_constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        let fact = facts::of_constant(&tensor);
        let id = self.graph.add_constant(name, tensor);
        self.name(name, id, fact);
        id
    }

    /// Adds a constant made here, for the node `source`.
    pub(super) fn new_constant(&mut self, source: &Source<'_>, suffix: &str, tensor: Tensor) -> Done<ValueId> {
        let name = self.fresh(source, suffix);
        self.book(&name, &tensor)?;
        Ok(self.add_constant(&name, tensor))
    }

    /// Adds a constant made here as the first output of `source`.
    pub(super) fn constant_result(&mut self, source: &Source<'_>, tensor: Tensor) -> Done {
        let name = source.output(0);
        if !name.is_empty() {
            self.book(name, &tensor)?;
            self.add_constant(name, tensor);
        }
        Ok(())
    }

    /// Books the memory of a tensor made here.
    pub(super) fn book(&mut self, name: &str, tensor: &Tensor) -> Done {
        self.reader.budget.reserve(name, (tensor.len() as u64).saturating_mul(8)).map_err(Refusal::from)
    }

    /// Adds a vector of integers made here.
    pub(super) fn indices(&mut self, source: &Source<'_>, suffix: &str, values: &[i64]) -> Done<ValueId> {
        self.new_constant(source, suffix, Tensor::indices(values.to_vec()))
    }

    /// Adds a node whose result is the first output of `source`.
    pub(super) fn emit(&mut self, source: &Source<'_>, op: Op, inputs: &[ValueId]) -> Done<ValueId> {
        self.emit_at(source, 0, op, inputs)
    }

    /// Adds a node whose result is the output `index` of `source`.
    pub(super) fn emit_at(&mut self, source: &Source<'_>, index: usize, op: Op, inputs: &[ValueId]) -> Done<ValueId> {
        let name = match source.output(index) {
            "" => self.fresh(source, "unused"),
            name => name.to_owned(),
        };
        self.push(source.label.to_owned(), op, inputs, &[name]).map(|ids| ids[0])
    }

    /// Adds a node whose result `source` needs on the way.
    pub(super) fn step(&mut self, source: &Source<'_>, suffix: &str, op: Op, inputs: &[ValueId]) -> Done<ValueId> {
        let name = self.fresh(source, suffix);
        self.push(format!("{}.{suffix}", source.label), op, inputs, &[name]).map(|ids| ids[0])
    }

    /// Adds a node with all outputs of `source`.
    pub(super) fn emit_all(&mut self, source: &Source<'_>, op: Op, inputs: &[ValueId]) -> Done<Vec<ValueId>> {
        let mut names = Vec::with_capacity(source.node.output.len());
        for name in &source.node.output {
            names.push(if name.is_empty() { self.fresh(source, "unused") } else { name.clone() });
        }
        if names.is_empty() {
            return source.broken("has no output");
        }
        self.push(source.label.to_owned(), op, inputs, &names)
    }

    /// Makes the first output of `source` another name of `id`, or a copy when it is an output of the graph.
    pub(super) fn alias(&mut self, source: &Source<'_>, id: ValueId) -> Done {
        let name = source.output(0);
        if self.is_output(name) || name.is_empty() {
            return self.emit(source, Op::Identity, &[id]).map(drop);
        }
        self.ids.insert(name.to_owned(), id);
        Ok(())
    }

    fn push(&mut self, name: String, op: Op, inputs: &[ValueId], outputs: &[String]) -> Done<Vec<ValueId>> {
        let limits = *self.reader.budget.limits();
        limits.check_nodes(&name, self.graph.nodes.len() + 1)?;
        let graph = &self.graph;
        let known = facts::known(inputs, &self.facts, |id| graph.constant(id).map(Arc::as_ref));
        let types: Vec<_> = known.facts.iter().map(|f| f.dtype).collect();
        let dtype = match result_type(&op, &types) {
            Ok(dtype) => dtype,
            // What stands for a value that could not be imported has no type worth a complaint.
            Err(_) if known.facts.iter().any(|f| f.poisoned) => DType::F32,
            Err(why) => {
                return Err(Refusal::Broken(Error::Model(format!(
                    "The node `{name}` ({}) {why}. The model is not valid ONNX; export it again.",
                    op.kind()
                ))));
            }
        };
        let fact = facts::infer(&op, &known, dtype);
        let ids: Vec<_> = outputs
            .iter()
            .map(|o| {
                let id = self.graph.add_value(o.clone());
                self.name(o, id, fact);
                id
            })
            .collect();
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: ids.clone() });
        Ok(ids)
    }

    fn name(&mut self, name: &str, id: ValueId, fact: Fact) {
        self.ids.insert(name.to_owned(), id);
        self.facts.resize(self.graph.values.len(), Fact::default());
        if let Some(f) = self.facts.get_mut(id.0 as usize) {
            *f = fact;
        }
    }

    /// Corrects what is known of a value.
    pub(super) fn set_fact(&mut self, id: ValueId, fact: Fact) {
        if let Some(f) = self.facts.get_mut(id.0 as usize) {
            *f = fact;
        }
    }

    /// A name that nothing in the file has, made from the first output of `source`.
    pub(super) fn fresh(&mut self, source: &Source<'_>, suffix: &str) -> String {
        let base = match source.output(0) {
            "" => source.label,
            name => name,
        };
        let stem = format!("{base}.{suffix}");
        if self.taken.insert(stem.clone()) {
            return stem;
        }
        // Counting goes on where it stopped: a node may need a name for each of a million absent results.
        let number = self.numbers.entry(stem.clone()).or_insert(1);
        loop {
            *number += 1;
            let name = format!("{stem}{number}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Imports one node, or notes why it cannot be.
    ///
    /// # Errors
    /// What is wrong with the file. That something is not supported is not an error here; see [`Self::finish`].
    pub(super) fn node(&mut self, node: &'a NodeProto, opset: i64) -> Result<()> {
        let label = label(node);
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            // Names were checked before: only "" is absent.
            inputs.push(self.find(name));
        }
        let source = Source { node, label, inputs, opset };
        let poisoned = source.inputs.iter().flatten().any(|&id| self.fact(id).poisoned);
        let before = self.graph.nodes.len();
        match ops::import(self, &source) {
            Ok(()) => return Ok(()),
            Err(Refusal::Broken(e)) => return Err(e),
            Err(Refusal::Unsupported(reason)) if reason.is_empty() || !poisoned => {
                self.problem(&operator_name(node), &reason, label);
            }
            Err(Refusal::Unsupported(_)) => {}
        }
        self.graph.nodes.truncate(before);
        for name in node.output.iter().filter(|o| !o.is_empty()) {
            let id = self.graph.add_value(name.clone());
            self.name(name, id, Fact { poisoned: true, ..Fact::default() });
        }
        Ok(())
    }

    /// The graph, when everything of the file could be imported.
    ///
    /// # Errors
    /// One [`Error::Unsupported`] with everything that could not.
    pub(super) fn finish(self, file: &str) -> Result<Graph> {
        match self.problems.describe(file) {
            Some(text) => Err(Error::Unsupported(text)),
            None => Ok(self.graph),
        }
    }

    /// The integers of a constant operand.
    pub(super) fn constant_ints(&self, id: ValueId, what: &str) -> Done<Vec<i64>> {
        match self.graph.constant(id).map(|t| t.as_i64()) {
            Some(Some(v)) => Ok(v.to_vec()),
            Some(None) => unsupported(format!("its {what} are not integers")),
            None => {
                unsupported(format!("its {what} (`{}`) are computed inside the model; only constants are supported", self.graph.name(id)))
            }
        }
    }

    /// The constant that an operand has to be.
    pub(super) fn constant_operand(&self, id: ValueId, what: &str) -> Done<Arc<Tensor>> {
        match self.constant(id) {
            Some(t) => Ok(t),
            None => unsupported(format!("its {what} (`{}`) is not a constant", self.graph.name(id))),
        }
    }

    /// The number that a constant operand of one element holds.
    pub(super) fn constant_number(&self, id: ValueId, what: &str) -> Done<f32> {
        let t = self.constant_operand(id, what)?;
        match (t.len(), t.to_f32().first()) {
            (1, Some(&v)) => Ok(v),
            (n, _) => unsupported(format!("its {what} has {n} elements instead of one")),
        }
    }
}

fn operator_name(node: &NodeProto) -> String {
    let op = if node.op_type.is_empty() { "(no operator)" } else { &node.op_type };
    if super::is_standard(&node.domain) { op.to_owned() } else { format!("{}.{op}", node.domain) }
}

impl Problems {
    /// Nodes listed by name for each reason; the count says how many there are in all.
    const LISTED: usize = 40;

    fn describe(&self, file: &str) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        for (operator, reasons) in &self.0 {
            for (reason, nodes) in reasons {
                let names: Vec<_> = nodes.iter().take(Self::LISTED).map(|n| format!("`{n}`")).collect();
                let more = nodes.len().saturating_sub(Self::LISTED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let noun = match (operator == INITIALIZER, nodes.len()) {
                    (true, 1) => "tensor",
                    (true, _) => "tensors",
                    (false, 1) => "node",
                    (false, _) => "nodes",
                };
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                parts.push(format!("{operator} ({noun} {}{more}{reason})", names.join(", ")));
            }
        }
        let count = self.0.len();
        let partly = self.0.values().flat_map(BTreeMap::keys).any(|reason| !reason.is_empty());
        let what = match (count, partly) {
            (1, false) => "1 operator that is not supported".to_owned(),
            (1, true) => "1 operator in a way that is not supported".to_owned(),
            (_, false) => format!("{count} operators that are not supported"),
            (_, true) => format!("{count} operators that are not supported, or not as they are used here"),
        };
        Some(format!(
            "The model `{file}` uses {what}: {}. Export the model without them (cut post-processing off behind the network), or with other options.",
            parts.join(if partly { "; " } else { ", " })
        ))
    }
}
