//! Evaluating a graph.

use std::borrow::Cow;

use super::{Array, run_node};
use crate::error::{Error, Result};
use crate::graph::infer::resolved_op;
use crate::graph::{Graph, ValueId};

/// Evaluates the nodes that `outputs` depend on and frees every value after its last use.
///
/// `inputs` are in the order of [`Graph::inputs`]. Any value can be asked for, inputs and constants included.
///
/// # Errors
/// As [`run_node`]; [`Error::Caller`] for inputs that do not fit the graph or a wanted value that nothing produces.
pub fn run_graph(graph: &Graph, inputs: &[Array], outputs: &[ValueId]) -> Result<Vec<Array>> {
    if inputs.len() != graph.inputs.len() {
        let (has, given) = (graph.inputs.len(), inputs.len());
        return Err(Error::Caller(format!("The graph has {has} inputs, but {given} arrays are given. Give one for each input.")));
    }
    for (input, array) in graph.inputs.iter().zip(inputs) {
        graph.check_input(input, &array.shape)?;
    }
    let plan = Plan::new(graph, outputs);
    let mut values: Vec<Option<Cow<Array>>> = vec![None; graph.values.len()];
    for (input, array) in graph.inputs.iter().zip(inputs) {
        if let Some(slot) = values.get_mut(input.value.0 as usize) {
            *slot = Some(Cow::Borrowed(array));
        }
    }
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| plan.needed[*i]) {
        let operands = node.inputs.iter().map(|&id| fetch(graph, &values, id)).collect::<Result<Vec<_>>>()?;
        let operands: Vec<&Array> = operands.iter().map(Cow::as_ref).collect();
        let shapes: Vec<_> = operands.iter().map(|a| a.shape.clone()).collect();
        let results = run_node(&node.name, resolved_op(node, &shapes)?.as_ref(), &operands)?;
        for (id, result) in node.outputs.iter().zip(results) {
            if let Some(slot) = values.get_mut(id.0 as usize) {
                *slot = Some(Cow::Owned(result));
            }
        }
        for id in node.inputs.iter().chain(&node.outputs).map(|id| id.0 as usize) {
            if plan.last_use.get(id).is_some_and(|&last| last <= i) {
                values[id] = None;
            }
        }
    }
    outputs.iter().map(|&id| fetch(graph, &values, id).map(Cow::into_owned)).collect()
}

/// The value `id`: computed, given, or a constant.
fn fetch<'a>(graph: &Graph, values: &'a [Option<Cow<Array>>], id: ValueId) -> Result<Cow<'a, Array>> {
    if let Some(Some(array)) = values.get(id.0 as usize) {
        return Ok(Cow::Borrowed(array));
    }
    let value = graph.values.get(id.0 as usize);
    match value.and_then(|v| v.constant.as_ref()) {
        Some(tensor) => Ok(Cow::Owned(Array::from(tensor.as_ref()))),
        None => {
            let name = value.map_or("?", |v| &v.name);
            Err(Error::Caller(format!("No node of the graph produces the value `{name}`. Ask for the output of one of its nodes.")))
        }
    }
}

/// Which nodes run and how long values live.
struct Plan {
    needed: Vec<bool>,
    /// The last node that reads each value; `usize::MAX` for wanted ones, 0 for those nobody reads.
    last_use: Vec<usize>,
}

impl Plan {
    fn new(graph: &Graph, outputs: &[ValueId]) -> Self {
        let mut last_use = vec![0; graph.values.len()];
        let mut wanted = vec![false; graph.values.len()];
        for id in outputs.iter().map(|id| id.0 as usize).filter(|&id| id < graph.values.len()) {
            wanted[id] = true;
            last_use[id] = usize::MAX;
        }
        let mut needed = vec![false; graph.nodes.len()];
        for (i, node) in graph.nodes.iter().enumerate().rev() {
            needed[i] = node.outputs.iter().any(|id| wanted.get(id.0 as usize) == Some(&true));
            if !needed[i] {
                continue;
            }
            for id in node.inputs.iter().map(|id| id.0 as usize).filter(|&id| id < graph.values.len()) {
                wanted[id] = true;
                last_use[id] = last_use[id].max(i);
            }
        }
        Self { needed, last_use }
    }
}
