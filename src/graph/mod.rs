//! The graph: values, nodes and constants, with the semantics of ONNX (NCHW) and none of its history.
//!
//! A graph is what an importer makes, what the passes rewrite, and what the planner turns into dispatches. Nothing here knows a GPU.

mod content;
pub mod count;
mod dense;
pub(crate) mod infer;
mod op;
pub mod passes;
mod preprocessing;
mod window;

pub use count::Counts;
pub use dense::*;
pub use infer::{infer_node, infer_shapes, infer_types};
pub use op::*;
pub use preprocessing::Preprocessing;
pub use window::*;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, Tensor};

/// Index of a value in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ValueId(pub u32);

/// One dimension of a graph input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Known when the model was made.
    Fixed(usize),
    /// Chosen at run time; the name is the file's ("batch", "height").
    Free(String),
}

/// A tensor that flows through the graph: an input, a constant, or the output of a node.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// Unique name, as in the file it came from.
    pub name: String,
    /// The content, when it is known before anything runs.
    pub constant: Option<Arc<Tensor>>,
}

/// An input of the graph.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Input {
    /// The value.
    pub value: ValueId,
    /// Its dimensions. The first one is the batch and always free.
    pub dims: Vec<Dim>,
    /// The type of its elements.
    pub dtype: DType,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Node {
    /// Name for messages and tables; not necessarily unique.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Operands, in the order [`Op`] documents.
    pub inputs: Vec<ValueId>,
    /// Results. Only [`Op::Split`] has several.
    pub outputs: Vec<ValueId>,
}

/// A directed acyclic graph in topological order.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All values, addressed by [`ValueId`].
    pub values: Vec<Value>,
    /// Nodes; each one's inputs are produced before it.
    pub nodes: Vec<Node>,
    /// What the caller supplies.
    pub inputs: Vec<Input>,
    /// What the caller gets.
    pub outputs: Vec<ValueId>,
}

impl Graph {
    /// Adds a value that a node will produce.
    pub fn add_value(&mut self, name: impl Into<String>) -> ValueId {
        self.push(Value { name: name.into(), constant: None })
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.push(Value { name: name.into(), constant: Some(Arc::new(tensor)) })
    }

    /// Adds an input of f32 elements with these dimensions.
    pub fn add_input(&mut self, name: impl Into<String>, dims: Vec<Dim>) -> ValueId {
        self.add_typed_input(name, dims, DType::F32)
    }

    /// Adds an input with these dimensions and elements of this type.
    pub fn add_typed_input(&mut self, name: impl Into<String>, dims: Vec<Dim>, dtype: DType) -> ValueId {
        let value = self.add_value(name);
        self.inputs.push(Input { value, dims, dtype });
        value
    }

    /// Adds a node with one output of the same name and returns that output.
    pub fn add_node(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = name.into();
        let out = self.add_value(name.clone());
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![out] });
        out
    }

    fn push(&mut self, value: Value) -> ValueId {
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        id
    }

    /// The value behind `id`.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// Mutable access to the value behind `id`.
    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.0 as usize]
    }

    /// The content of `id` when it is a constant.
    pub fn constant(&self, id: ValueId) -> Option<&Arc<Tensor>> {
        self.value(id).constant.as_ref()
    }

    /// The name of `id`.
    pub fn name(&self, id: ValueId) -> &str {
        &self.value(id).name
    }

    /// The value of this name.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.values.iter().position(|v| v.name == name).map(|i| ValueId(i as u32))
    }

    /// How many nodes read each value, plus one for being a graph output.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.values.len()];
        for id in self.nodes.iter().flat_map(|n| &n.inputs).chain(&self.outputs) {
            uses[id.0 as usize] += 1;
        }
        uses
    }

    /// The node that produces each value.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut out = vec![None; self.values.len()];
        for (i, n) in self.nodes.iter().enumerate() {
            for o in &n.outputs {
                out[o.0 as usize] = Some(i);
            }
        }
        out
    }

    /// Makes `names` the outputs, so that any value of the graph can be looked at.
    ///
    /// # Errors
    /// A name that no value has, or that names a constant.
    pub fn select_outputs(&mut self, names: &[String]) -> Result<()> {
        let mut outputs = Vec::with_capacity(names.len());
        for name in names {
            let id = self.find(name).ok_or_else(|| {
                let known: Vec<_> = self.outputs.iter().map(|&o| self.name(o)).collect();
                Error::Caller(format!(
                    "The model has no value named `{name}`. Its outputs are {}; `info` lists every layer.",
                    known.join(", ")
                ))
            })?;
            outputs.push(id);
        }
        self.outputs = outputs;
        Ok(())
    }

    /// The shapes of all inputs for a batch of `batch`.
    ///
    /// `given` overrides inputs by name. Free dimensions other than the batch have to be given.
    ///
    /// # Errors
    /// A free dimension without a value, or a given shape that contradicts a fixed one.
    pub fn input_shapes(&self, batch: usize, given: &[(String, Shape)]) -> Result<Vec<Shape>> {
        self.inputs
            .iter()
            .map(|input| {
                let name = self.name(input.value);
                match given.iter().find(|(n, _)| n == name) {
                    Some((_, shape)) => self.check_input(input, shape).map(|()| shape.clone()),
                    None => input
                        .dims
                        .iter()
                        .enumerate()
                        .map(|(i, d)| match d {
                            Dim::Fixed(n) => Ok(*n),
                            Dim::Free(_) if i == 0 => Ok(batch),
                            Dim::Free(free) => Err(Error::Caller(format!(
                                "The dimension `{free}` of the input `{name}` ({}) is free. Give the whole shape, for example --shape {name}={}.",
                                describe_dims(&input.dims),
                                example_shape(&input.dims, batch),
                            ))),
                        })
                        .collect::<Result<Vec<_>>>()
                        .map(Shape::from),
                }
            })
            .collect()
    }

    /// Whether `shape` fits the declared dimensions of `input`.
    ///
    /// # Errors
    /// A sentence that names the input, both shapes and what to do.
    pub fn check_input(&self, input: &Input, shape: &Shape) -> Result<()> {
        let fits = shape.rank() == input.dims.len() && shape.iter().zip(&input.dims).all(|(&n, d)| !matches!(d, Dim::Fixed(m) if *m != n));
        if fits {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "The input `{}` has the shape {shape}, but the model takes {}. Give an array of that shape (a free dimension takes any size).",
            self.name(input.value),
            describe_dims(&input.dims)
        )))
    }
}

/// `batchx3x112x112`, for messages.
pub fn describe_dims(dims: &[Dim]) -> String {
    let text: Vec<_> = dims
        .iter()
        .map(|d| match d {
            Dim::Fixed(n) => n.to_string(),
            Dim::Free(name) => name.clone(),
        })
        .collect();
    text.join("x")
}

fn example_shape(dims: &[Dim], batch: usize) -> String {
    let text: Vec<_> = dims
        .iter()
        .enumerate()
        .map(|(i, d)| match d {
            Dim::Fixed(n) => n.to_string(),
            Dim::Free(_) if i == 0 => batch.to_string(),
            Dim::Free(_) => "320".to_owned(),
        })
        .collect();
    text.join("x")
}
