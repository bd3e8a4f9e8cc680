//! Dispatches as plain data: what kernels record, what plans are made of, and what the executor runs.
//!
//! Nothing here touches a device; [`Caps`] is all it knows about one. Kernels record dispatches over abstract tensors with a [`Recorder`];
//! at the end the tensors are assigned to memory slots by their lifetimes.

mod caps;
mod force;
mod layout;
mod memory;
mod recorder;

pub use caps::{Caps, GemmFamily};
pub use force::{ConvAlgorithm, Force};
pub(crate) use layout::{Packed, plain_bytes};
pub use memory::{Lifetime, assign_slots};
pub(crate) use recorder::{Recorder, Weight};

use std::sync::Arc;

use crate::shader::Shader;
use crate::tensor::{Shape, Tensor};

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

/// How an input arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Row-major f32, as the model declares it: in buffers of the caller.
    Plain,
    /// Packed already: by the picture kernel before the plan, or by the host.
    Packed,
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
    /// Name, activation and shape of each input.
    pub inputs: Vec<(String, Source, Shape)>,
    /// Name, source and shape of each output, row-major f32.
    pub outputs: Vec<(String, Source, Shape)>,
}

impl Plan {
    /// Bytes of all packed constants.
    pub fn weight_bytes(&self) -> u64 {
        self.weights.iter().map(|w| w.bytes).sum()
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
