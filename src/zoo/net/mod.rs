//! The vocabulary in which networks are written down: one call a row of a paper's table.
//!
//! Layers with parameters are named as their state dict names them (`layer1.0.conv1` owns `layer1.0.conv1.weight`); everything else
//! gets a name of its own. An error is kept until the network is complete, so that a table reads like a table.

mod basic;
mod kernel;
mod parametric;
mod units;

use std::collections::HashSet;

pub(crate) use kernel::{Kernel, k, k2};

use super::parameters::{Parameters, Role};
use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Node, Op, ValueId, infer_node};
use crate::tensor::{Shape, Tensor};

/// A value of the network, with its shape for one picture of the size that the registry gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map {
    id: ValueId,
    /// Channels, or numbers of a vector.
    pub(crate) c: usize,
    /// Height; 1 for a vector.
    pub(crate) h: usize,
    /// Width; 1 for a vector.
    pub(crate) w: usize,
}

/// A network under construction.
pub(crate) struct Net<'p> {
    graph: Graph,
    /// By value.
    shapes: Vec<Shape>,
    names: HashSet<String>,
    parameters: &'p mut dyn Parameters,
    problem: Option<Error>,
    /// What batch normalisation adds to variances, for the layers that follow.
    pub(crate) epsilon: f32,
}

impl<'p> Net<'p> {
    /// An empty network whose parameters come from `parameters`.
    pub(crate) fn new(parameters: &'p mut dyn Parameters) -> Self {
        let (graph, shapes, names) = (Graph::default(), Vec::new(), HashSet::new());
        Self { graph, shapes, names, parameters, problem: None, epsilon: 1e-5 }
    }

    /// Pictures of `channels` x `height` x `width`. When `free`, the height and width are an example and others may be fed.
    pub(crate) fn input(&mut self, channels: usize, size: [usize; 2], free: bool) -> Map {
        self.input_named("input", channels, size, free)
    }

    /// The same under another name, for networks of several inputs.
    pub(crate) fn input_named(&mut self, name: &str, channels: usize, [height, width]: [usize; 2], free: bool) -> Map {
        let side = |name: &str, n: usize| if free { Dim::Free(name.to_owned()) } else { Dim::Fixed(n) };
        let dims = vec![Dim::Free("batch".to_owned()), Dim::Fixed(channels), side("height", height), side("width", width)];
        self.names.insert(name.to_owned());
        let id = self.graph.add_input(name, dims);
        self.shapes.push(Shape::from([1, channels, height, width]));
        self.map(id)
    }

    /// Makes `x` an output of this name.
    pub(crate) fn output(&mut self, name: &str, x: Map) {
        if self.problem.is_none() {
            let name = self.unique(name.to_owned());
            self.graph.value_mut(x.id).name = name;
            self.graph.outputs.push(x.id);
        }
    }

    /// The graph.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub(crate) fn finish(self) -> Result<Graph> {
        self.problem.map_or(Ok(()), Err)?;
        self.parameters.finish()?;
        Ok(self.graph)
    }

    fn map(&self, id: ValueId) -> Map {
        let dims = self.shapes.get(id.0 as usize).map(Shape::dims).unwrap_or_default();
        let at = |i: usize| dims.get(i).copied().unwrap_or(1);
        Map { id, c: at(1), h: at(2), w: at(3) }
    }

    /// `name`, or it with a number when another value has it.
    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut number = 2;
        while !self.names.insert(unique.clone()) {
            unique = format!("{name}.{number}");
            number += 1;
        }
        unique
    }

    /// A constant of the network's own: an axis, a factor.
    fn constant(&mut self, what: &str, tensor: Tensor) -> ValueId {
        let name = self.unique(what.to_owned());
        self.add_constant(name, tensor)
    }

    fn add_constant(&mut self, name: String, tensor: Tensor) -> ValueId {
        self.shapes.push(tensor.shape().clone());
        self.graph.add_constant(name, tensor)
    }

    /// A tensor of the state dict.
    fn parameter(&mut self, name: String, role: Role, shape: &[usize]) -> ValueId {
        self.parameter_as(name, role, shape, shape)
    }

    /// A tensor of the state dict that is asked for in one shape, which says more, and used in another of as many elements.
    fn parameter_as(&mut self, name: String, role: Role, shape: &[usize], used: &[usize]) -> ValueId {
        let found = match (&self.problem, self.parameters.tensor(&name, role, shape)) {
            (None, Ok(tensor)) if tensor.shape().dims() == shape => Ok(tensor),
            (None, Ok(tensor)) => {
                let want = Shape::from(shape);
                Err(Error::Model(format!("The parameter `{name}` has the shape {}, but the network needs {want}.", tensor.shape())))
            }
            (None, Err(e)) => Err(e),
            // What is built after a problem is thrown away.
            (Some(_), _) => Ok(Tensor::zeros(shape.to_vec())),
        };
        let tensor = found.unwrap_or_else(|e| {
            self.problem = Some(e);
            Tensor::zeros(shape.to_vec())
        });
        if !self.names.insert(name.clone()) {
            self.problem.get_or_insert(Error::Model(format!("The network uses the parameter `{name}` twice. Report this.")));
        }
        let tensor = tensor.reshaped(used.to_vec()).unwrap_or_else(|| Tensor::zeros(used.to_vec()));
        self.add_constant(name, tensor)
    }

    /// A node of one output.
    fn node(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> Map {
        self.nodes(name, op, inputs, 1)[0]
    }

    /// A node and its outputs.
    fn nodes(&mut self, name: &str, op: Op, inputs: &[ValueId], count: usize) -> Vec<Map> {
        let name = self.unique(name.to_owned());
        let shapes: Vec<Shape> = inputs.iter().map(|id| self.shapes[id.0 as usize].clone()).collect();
        let constants: Vec<_> = inputs.iter().map(|&id| self.graph.constant(id).cloned()).collect();
        let mut inferred = match self.problem {
            None => infer_node(&name, &op, &shapes, &constants).unwrap_or_else(|e| {
                self.problem = Some(e);
                Vec::new()
            }),
            Some(_) => Vec::new(),
        };
        // After a problem any shape will do.
        inferred.resize(count, Shape::from([1, 1, 1, 1]));
        let mut outputs = Vec::with_capacity(count);
        for (i, shape) in inferred.into_iter().enumerate() {
            let value = if i == 0 { name.clone() } else { self.unique(format!("{name}.{i}")) };
            outputs.push(self.graph.add_value(value));
            self.shapes.push(shape);
        }
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: outputs.clone() });
        outputs.into_iter().map(|id| self.map(id)).collect()
    }
}
