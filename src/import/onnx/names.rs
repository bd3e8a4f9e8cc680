//! Checks the names of a file before anything is imported: each value is made once, and before it is read.

use std::collections::{HashMap, HashSet};

use super::source::label;
use super::wire::GraphProto;
use crate::error::{Error, Result};

/// Checks all names and returns them.
///
/// # Errors
/// [`Error::Model`]: a name given twice, a value that nothing makes or that is made too late, a cycle (printed), missing inputs or outputs.
pub(super) fn check(graph: &GraphProto, file: &str) -> Result<HashSet<String>> {
    let mut taken = HashSet::new();
    let mut constants = HashSet::new();
    for t in &graph.initializer {
        require_name(&t.name, "an initializer", file)?;
        if !constants.insert(t.name.as_str()) {
            return Err(twice(&t.name, file));
        }
        taken.insert(t.name.clone());
    }
    let mut inputs = HashSet::new();
    for i in &graph.input {
        require_name(&i.name, "an input", file)?;
        if !inputs.insert(i.name.as_str()) {
            return Err(twice(&i.name, file));
        }
        taken.insert(i.name.clone());
    }
    order(graph, file, &mut taken)?;
    if graph.output.is_empty() {
        return Err(Error::Model(format!("The model `{file}` has no output. Export the network with its outputs.")));
    }
    let mut outputs = HashSet::new();
    for o in &graph.output {
        if !taken.contains(&o.name) {
            return Err(Error::Model(format!(
                "The model `{file}` names the output `{}`, but nothing in it makes that value. The file is damaged; export it again.",
                o.name
            )));
        }
        if !outputs.insert(o.name.as_str()) {
            return Err(twice(&o.name, file));
        }
    }
    Ok(taken)
}

fn require_name(name: &str, what: &str, file: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::Model(format!("The model `{file}` has {what} without a name. The file is damaged; export it again.")));
    }
    Ok(())
}

fn twice(name: &str, file: &str) -> Error {
    Error::Model(format!("The model `{file}` makes the value `{name}` twice. Values have to be unique; export the model again."))
}

/// Checks that each node reads only what was made before, adding what it makes to `taken`.
fn order(graph: &GraphProto, file: &str, taken: &mut HashSet<String>) -> Result<()> {
    for (index, node) in graph.node.iter().enumerate() {
        for name in node.input.iter().filter(|n| !n.is_empty()) {
            if !taken.contains(name) {
                return Err(too_early(graph, index, name, file));
            }
        }
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            if !taken.insert(name.clone()) {
                return Err(twice(name, file));
            }
        }
    }
    Ok(())
}

/// Why `name` is not there when the node at `reader` reads it.
fn too_early(graph: &GraphProto, reader: usize, name: &str, file: &str) -> Error {
    let mut makers = HashMap::new();
    for (i, n) in graph.node.iter().enumerate() {
        for o in n.output.iter().filter(|o| !o.is_empty()) {
            makers.entry(o.as_str()).or_insert(i);
        }
    }
    let at = |i: usize| graph.node.get(i).map_or("?", label);
    let Some(&maker) = makers.get(name) else {
        return Error::Model(format!(
            "The node `{}` of the model `{file}` reads `{name}`, but nothing makes that value. The file is damaged; export it again.",
            at(reader)
        ));
    };
    match cycle(graph, &makers, maker, reader) {
        Some(path) => {
            let names: Vec<_> = path.iter().take(20).map(|&i| format!("`{}`", at(i))).collect();
            Error::Model(format!(
                "The model `{file}` runs in a circle: {} -> `{}`. A network has to be free of cycles; export it again.",
                names.join(" -> "),
                at(reader)
            ))
        }
        None => Error::Model(format!(
            "The node `{}` of the model `{file}` reads `{name}`, which the later node `{}` makes. Nodes have to be in order; export or sort the model again.",
            at(reader),
            at(maker)
        )),
    }
}

/// The way from `reader` along the data to `maker`, whose result `reader` reads: with it the circle is closed.
fn cycle(graph: &GraphProto, makers: &HashMap<&str, usize>, maker: usize, reader: usize) -> Option<Vec<usize>> {
    // Backwards from the maker; `next` is the step towards it.
    let mut next: HashMap<usize, usize> = HashMap::from([(maker, maker)]);
    let mut queue = vec![maker];
    while let Some(at) = queue.pop() {
        if at == reader {
            let mut path = vec![at];
            let mut step = at;
            while step != maker {
                step = *next.get(&step)?;
                path.push(step);
            }
            return Some(path);
        }
        let inputs = graph.node.get(at).map(|n| n.input.as_slice()).unwrap_or_default();
        for &from in inputs.iter().filter_map(|i| makers.get(i.as_str())) {
            if let std::collections::hash_map::Entry::Vacant(e) = next.entry(from) {
                e.insert(at);
                queue.push(from);
            }
        }
    }
    None
}
