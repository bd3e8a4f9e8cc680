//! Dispatches as plain data: what kernels record, what plans are made of, and what the executor runs.
//!
//! Nothing here touches a device; [`Caps`] is all it knows about one. Kernels record dispatches over abstract tensors with a [`Recorder`];
//! at the end the tensors are assigned to memory slots by their lifetimes.

mod caps;
mod choice;
mod force;
mod form;
mod layout;
mod memory;
mod recorder;
mod speed;
mod words;

pub use caps::{Caps, Cooperative, GemmFamily};
pub use choice::{ConvChoice, Origin};
pub(crate) use choice::{Price, RecordLayer, Trial, Tuning};
pub use force::{ConvAlgorithm, Force};
pub use form::{Form, Tile};
pub(crate) use form::{Kernel, Method};
pub(crate) use layout::{Packed, Part, plain_bytes};
pub use memory::{Lifetime, assign_slots};
pub(crate) use recorder::{Recorder, Weight};
pub use speed::Speed;
pub(crate) use words::{from_words, words};

use std::collections::HashSet;
use std::sync::Arc;

use crate::shader::Shader;
use crate::tensor::{DType, Shape, Tensor};

/// What a binding of a dispatch refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An activation; index into [`Plan::tensors`].
    Tensor(u32),
    /// A packed constant; index into the weights of the plan.
    Weight(u32),
}

/// An activation in device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Bytes, a multiple of 16.
    pub bytes: u64,
    /// The memory it lives in; index into [`Plan::slots`].
    pub slot: usize,
}

/// One kernel launch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The permutation.
    pub shader: &'static Shader,
    /// Layer and shape, for tables: `layer2.conv1 3x3 64->64 @56`.
    pub label: String,
    /// Workgroups.
    pub groups: [u32; 3],
    /// The bytes of the `Params` struct.
    pub params: Vec<u8>,
    /// Storage bindings in the shader's order (the uniform is not listed).
    pub bindings: Vec<Source>,
    /// Floating point operations of the mathematics (a multiply-add is two), padding lanes not counted.
    pub flops: u64,
    /// Bytes of everything bound: the least that has to move.
    pub bytes: u64,
}

/// A kernel launch without its bindings, for work outside of plans.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The permutation.
    pub(crate) shader: &'static Shader,
    /// Workgroups.
    pub(crate) groups: [u32; 3],
    /// The bytes of the `Params` struct.
    pub(crate) params: Vec<u8>,
    /// Floating point operations of the mathematics.
    pub(crate) flops: u64,
}

/// How an input arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Row-major f32, as the model declares it: in buffers of the caller.
    Plain,
    /// Packed already: by the picture kernel before the plan, or by the host.
    Packed,
}

/// An input or output of a plan.
#[derive(Clone, Debug)]
pub struct Port {
    /// Name of the value.
    pub name: String,
    /// Where it lives.
    pub source: Source,
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// Its content, for an output that is known before anything runs.
    pub(crate) constant: Option<Constant>,
}

/// A graph for one set of input shapes, ready to be executed.
#[derive(Debug)]
pub struct Plan {
    /// Activations.
    pub tensors: Vec<Activation>,
    /// Bytes of each memory slot.
    pub slots: Vec<u64>,
    /// Packed constants, uploaded once per network.
    pub(crate) weights: Vec<Weight>,
    /// Launches in order.
    pub dispatches: Vec<Dispatch>,
    /// How inputs arrive.
    pub feed: Feed,
    /// Inputs, in the graph's order.
    pub inputs: Vec<Port>,
    /// Outputs, in the graph's order; row-major.
    pub outputs: Vec<Port>,
    /// How every convolution and every dense layer that is a matrix product is computed, in order.
    pub convolutions: Vec<ConvChoice>,
    /// What the cost model expects of layers that have a choice of kernels, in order.
    pub(crate) prices: Vec<Price>,
}

impl Plan {
    /// Bytes of all packed constants.
    pub fn weight_bytes(&self) -> u64 {
        self.weights.iter().map(|w| w.bytes).sum()
    }

    /// How many different kernels, each of which takes a pipeline.
    pub fn kernels(&self) -> usize {
        self.dispatches.iter().map(|d| d.shader.name).collect::<HashSet<_>>().len()
    }

    /// Bytes of a source.
    pub fn bytes(&self, source: Source) -> u64 {
        match source {
            Source::Tensor(i) => self.tensors[i as usize].bytes,
            Source::Weight(i) => self.weights[i as usize].bytes,
        }
    }
}

/// A constant of the graph, for kernels.
pub(crate) type Constant = Arc<Tensor>;
