//! Model-local functions: calls are replaced by the nodes of the function's body, so that nobody downstream has to know of them.

use std::collections::{BTreeSet, HashMap};

use prost::bytes::Bytes;

use super::source::label;
use super::wire::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto};
use super::{is_standard, scan};
use crate::error::{Error, Result};
use crate::import::limits::Budget;

/// Calls within calls; exporters nest a handful (a module per level).
const MAX_DEPTH: usize = 64;

/// Domain, name and overload.
type Key<'m> = (&'m str, &'m str, &'m str);

fn key<'m>(domain: &'m str, name: &'m str, overload: &'m str) -> Key<'m> {
    (if is_standard(domain) { "" } else { domain }, name, overload)
}

/// Replaces every call of a function of the model, and returns the version of the standard operator set for each node (functions name their
/// own), or an empty list when the model has no function.
///
/// # Errors
/// [`Error::Model`] for a function that is there twice, calls itself, or is called with too many operands; [`Error::Limits`] when the bodies
/// make too many nodes.
pub(super) fn inline(model: &mut ModelProto, opset: i64, name: &str, budget: &mut Budget) -> Result<Vec<i64>> {
    let functions = std::mem::take(&mut model.functions);
    let Some(graph) = model.graph.as_mut().filter(|_| !functions.is_empty()) else { return Ok(Vec::new()) };
    let mut by_key = HashMap::new();
    for f in &functions {
        if by_key.insert(key(&f.domain, &f.name, &f.overload), f).is_some() {
            return Err(Error::Model(format!("The model `{name}` defines the function `{}` twice. Export it again.", f.name)));
        }
    }
    let taken = names(graph);
    let nodes = std::mem::take(&mut graph.node);
    let numbers = HashMap::new();
    let mut inliner =
        Inliner { file: name, budget, by_key, taken, numbers, calls: 0, nodes: Vec::new(), opsets: Vec::new(), open: Vec::new() };
    for node in nodes {
        inliner.visit(node, opset)?;
    }
    graph.node = inliner.nodes;
    Ok(inliner.opsets)
}

fn names(graph: &GraphProto) -> BTreeSet<String> {
    let values = graph.node.iter().flat_map(|n| n.input.iter().chain(&n.output));
    let inputs = graph.input.iter().chain(&graph.output).map(|v| &v.name);
    values.chain(inputs).chain(graph.initializer.iter().map(|t| &t.name)).cloned().collect()
}

/// What copying an attribute takes in memory. Raw data and text are shared with the file.
fn copied_bytes(a: &AttributeProto) -> u64 {
    let tensor = |t: &TensorProto| {
        let entries = t.external_data.iter().map(|e| size_of_val(e) + e.key.len() + e.value.len()).sum::<usize>();
        let wide = t.dims.len() + t.int64_data.len() + t.double_data.len() + t.uint64_data.len();
        8 * wide + 4 * (t.float_data.len() + t.int32_data.len()) + t.name.len() + entries
    };
    let lists = 8 * a.ints.len() + 4 * a.floats.len() + size_of::<Bytes>() * a.graphs.len();
    (size_of_val(a) + a.name.len() + a.ref_attr_name.len() + lists + a.t.as_ref().map_or(0, tensor)) as u64
}

struct Inliner<'m> {
    file: &'m str,
    budget: &'m mut Budget,
    by_key: HashMap<Key<'m>, &'m FunctionProto>,
    taken: BTreeSet<String>,
    /// How many bodies were written for calls of each name.
    numbers: HashMap<String, usize>,
    calls: usize,
    nodes: Vec<NodeProto>,
    opsets: Vec<i64>,
    /// The functions whose bodies are being written.
    open: Vec<&'m str>,
}

impl<'m> Inliner<'m> {
    fn visit(&mut self, node: NodeProto, opset: i64) -> Result<()> {
        let Some(&function) = self.by_key.get(&key(&node.domain, &node.op_type, &node.overload)) else {
            self.budget.limits().check_nodes(self.file, self.nodes.len() + 1)?;
            self.nodes.push(node);
            self.opsets.push(opset);
            return Ok(());
        };
        if self.open.contains(&function.name.as_str()) || self.open.len() >= MAX_DEPTH {
            let path: Vec<_> = self.open.iter().take(20).map(|f| format!("`{f}`")).collect();
            return Err(Error::Model(format!(
                "The functions of the model `{}` call each other without end: {} -> `{}`. Export the model with its functions inlined.",
                self.file,
                path.join(" -> "),
                function.name
            )));
        }
        // Empty bodies make no nodes, but calling them takes time all the same.
        self.calls += 1;
        self.budget.limits().check_nodes(self.file, self.calls)?;
        self.open.push(&function.name);
        self.body(&node, function, opset)?;
        self.open.pop();
        Ok(())
    }

    fn body(&mut self, call: &NodeProto, function: &'m FunctionProto, opset: i64) -> Result<()> {
        if call.input.len() > function.input.len() || call.output.len() > function.output.len() {
            return Err(Error::Model(format!(
                "The node `{}` of the model `{}` gives the function `{}` {} operands for {} and takes {} results of {}. Export the model again.",
                label(call),
                self.file,
                function.name,
                call.input.len(),
                function.input.len(),
                call.output.len(),
                function.output.len()
            )));
        }
        let opset = function.opset_import.iter().find(|o| is_standard(&o.domain)).map_or(opset, |o| o.version);
        let prefix = self.prefix(label(call));
        let mut renamed: HashMap<&str, String> = HashMap::new();
        for (i, formal) in function.input.iter().enumerate() {
            renamed.insert(formal, call.input.get(i).cloned().unwrap_or_default());
        }
        for (i, formal) in function.output.iter().enumerate() {
            let actual = call.output.get(i).filter(|o| !o.is_empty()).cloned();
            // A function may return an operand as it came: the caller's name then needs a node that makes it.
            match (renamed.contains_key(formal.as_str()), actual) {
                (true, Some(actual)) => self.pass(call, renamed[formal.as_str()].clone(), actual, opset)?,
                (false, Some(actual)) => {
                    renamed.insert(formal, actual);
                }
                (_, None) => {}
            }
        }
        let rename = |name: &str| match (name, renamed.get(name)) {
            ("", _) => String::new(),
            (_, Some(outer)) => outer.clone(),
            _ => format!("{prefix}{name}"),
        };
        for inner in &function.node {
            let names =
                inner.input.iter().chain(&inner.output).map(|n| renamed.get(n.as_str()).map_or(prefix.len() + n.len(), String::len));
            let attributes = inner.attribute.iter().filter_map(|a| given(a, call, function)).map(copied_bytes).sum::<u64>();
            self.reserve(&function.name, names.sum::<usize>() + prefix.len() + label(inner).len(), attributes)?;
            let node = NodeProto {
                input: inner.input.iter().map(|n| rename(n)).collect(),
                output: inner.output.iter().map(|n| rename(n)).collect(),
                name: format!("{prefix}{}", label(inner)),
                attribute: inner.attribute.iter().filter_map(|a| attribute(a, call, function)).collect(),
                ..inner.clone()
            };
            self.visit(node, opset)?;
        }
        Ok(())
    }

    /// Books a node with names of so many bytes in all: the names and attributes of the caller come into every node of a body.
    fn reserve(&mut self, function: &str, names: usize, attributes: u64) -> Result<()> {
        self.budget.reserve(function, scan::node_bytes(names).saturating_add(attributes))
    }

    fn pass(&mut self, call: &NodeProto, from: String, to: String, opset: i64) -> Result<()> {
        self.reserve(&call.op_type, from.len() + to.len() + call.name.len(), 0)?;
        let identity = NodeProto {
            input: vec![from],
            output: vec![to],
            name: call.name.clone(),
            op_type: "Identity".to_owned(),
            ..NodeProto::default()
        };
        self.visit(identity, opset)
    }

    /// What names of a body begin with: no name of the file and no other body does.
    fn prefix(&mut self, call: &str) -> String {
        let number = self.numbers.entry(call.to_owned()).or_insert(0);
        loop {
            *number += 1;
            let prefix = if *number == 1 { format!("{call}/") } else { format!("{call}/{number}/") };
            if !self.taken.range(prefix.clone()..).next().is_some_and(|n| n.starts_with(&prefix)) {
                self.taken.insert(prefix.clone());
                return prefix;
            }
        }
    }
}

/// What an attribute of a body's node holds: its own value, the caller's where it refers to one, or the function's default; nothing where
/// nobody gives it.
fn given<'a>(inner: &'a AttributeProto, call: &'a NodeProto, function: &'a FunctionProto) -> Option<&'a AttributeProto> {
    if inner.ref_attr_name.is_empty() {
        return Some(inner);
    }
    call.attribute.iter().chain(&function.attribute_proto).find(|a| a.name == inner.ref_attr_name)
}

/// A copy of [`given`] under the attribute's own name.
fn attribute(inner: &AttributeProto, call: &NodeProto, function: &FunctionProto) -> Option<AttributeProto> {
    given(inner, call, function).map(|a| AttributeProto { name: inner.name.clone(), ..a.clone() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::import::limits::Limits;
    use crate::import::onnx::wire::{OperatorSetIdProto, attribute_type};

    fn node(op: &str, domain: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let own = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        NodeProto { op_type: op.into(), domain: domain.into(), input: own(inputs), output: own(outputs), ..NodeProto::default() }
    }

    fn function(name: &str, inputs: &[&str], outputs: &[&str], body: Vec<NodeProto>) -> FunctionProto {
        let own = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 15 }];
        FunctionProto {
            name: name.into(),
            domain: "f".into(),
            input: own(inputs),
            output: own(outputs),
            node: body,
            opset_import,
            ..FunctionProto::default()
        }
    }

    fn model(nodes: Vec<NodeProto>, functions: Vec<FunctionProto>) -> ModelProto {
        ModelProto { graph: Some(GraphProto { node: nodes, ..GraphProto::default() }), functions, ..ModelProto::default() }
    }

    #[test]
    fn calls_become_their_bodies_with_names_of_their_own() {
        let mut leaky = node("LeakyRelu", "", &["t"], &["b"]);
        let alpha = AttributeProto { name: "alpha".into(), ref_attr_name: "slope".into(), ..AttributeProto::default() };
        leaky.attribute = vec![alpha];
        let inner = function("inner", &["a"], &["b"], vec![node("Neg", "", &["a"], &["t"]), leaky]);
        let outer = function("outer", &["x"], &["y"], vec![node("inner", "f", &["x"], &["m"]), node("inner", "f", &["m"], &["y"])]);
        let mut call = node("outer", "f", &["in"], &["out"]);
        call.name = "call".into();
        let mut m = model(vec![call], vec![inner, outer]);
        let opsets = inline(&mut m, 20, "m", &mut Budget::new(&Limits::default())).unwrap();
        let nodes = m.graph.unwrap().node;
        assert_eq!(opsets, [15; 4]);
        let kinds: Vec<_> = nodes.iter().map(|n| n.op_type.as_str()).collect();
        assert_eq!(kinds, ["Neg", "LeakyRelu", "Neg", "LeakyRelu"]);
        assert_eq!((nodes[0].input[0].as_str(), nodes[3].output[0].as_str()), ("in", "out"));
        assert_ne!(nodes[0].output[0], nodes[2].output[0]);
        // Nobody gives the slope, so the operator's own default holds.
        assert!(nodes[1].attribute.is_empty());
    }

    #[test]
    fn attributes_come_from_the_call_or_the_default() {
        let mut leaky = node("LeakyRelu", "", &["a"], &["b"]);
        leaky.attribute = vec![AttributeProto { name: "alpha".into(), ref_attr_name: "slope".into(), ..AttributeProto::default() }];
        let mut f = function("f", &["a"], &["b"], vec![leaky]);
        let slope = |v| AttributeProto { name: "slope".into(), f: v, r#type: attribute_type::FLOAT, ..AttributeProto::default() };
        f.attribute_proto = vec![slope(0.25)];
        let mut call = node("f", "f", &["x"], &["y"]);
        call.attribute = vec![slope(0.5)];
        let mut m = model(vec![call, node("f", "f", &["y"], &["z"])], vec![f]);
        inline(&mut m, 20, "m", &mut Budget::new(&Limits::default())).unwrap();
        let given: Vec<_> = m.graph.unwrap().node.iter().map(|n| (n.attribute[0].name.clone(), n.attribute[0].f)).collect();
        assert_eq!(given, [("alpha".to_owned(), 0.5), ("alpha".to_owned(), 0.25)]);
    }

    #[test]
    fn endless_and_exploding_calls_are_refused() {
        let mut m = model(vec![node("f", "f", &["x"], &["y"])], vec![function("f", &["a"], &["b"], vec![node("f", "f", &["a"], &["b"])])]);
        assert!(inline(&mut m, 20, "m", &mut Budget::new(&Limits::default())).unwrap_err().to_string().contains("`f` -> `f`"));
        // Each level calls the next ten times: a million nodes from a few bytes.
        let level = |i: usize| {
            let next = format!("f{}", i + 1);
            let body = (0..10).map(|k| node(&next, "f", &["a"], &[&format!("b{k}")])).collect();
            function(&format!("f{i}"), &["a"], &["b0"], body)
        };
        let mut functions: Vec<_> = (0..6).map(level).collect();
        functions.push(function("f6", &["a"], &["b"], vec![node("Neg", "", &["a"], &["b"])]));
        let mut m = model(vec![node("f0", "f", &["x"], &["y"])], functions);
        assert!(matches!(inline(&mut m, 20, "m", &mut Budget::new(&Limits::default())), Err(Error::Limits(_))));
    }

    #[test]
    fn a_function_may_return_its_operand() {
        let mut m = model(vec![node("f", "f", &["x"], &["y"])], vec![function("f", &["a"], &["a"], vec![])]);
        inline(&mut m, 20, "m", &mut Budget::new(&Limits::default())).unwrap();
        let nodes = m.graph.unwrap().node;
        assert_eq!((nodes[0].op_type.as_str(), nodes[0].input[0].as_str(), nodes[0].output[0].as_str()), ("Identity", "x", "y"));
    }
}
