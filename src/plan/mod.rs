//! From a graph with known shapes to a list of dispatches: plain data that any executor could run.
//!
//! [`build`] walks the nodes, asks the kernels to record dispatches over abstract tensors, and assigns the tensors to memory slots by
//! their lifetimes. Nothing here touches a device; [`Caps`] is all it knows about one.

mod caps;
mod choose;
mod layout;
mod lower;
mod lower_movement;
mod memory;
mod recorder;

pub use caps::{Caps, GemmFamily};
pub(crate) use choose::choose_conv;
pub use choose::{ConvAlgorithm, Force};
pub(crate) use layout::Packed;
pub use memory::{Lifetime, assign_slots};
pub(crate) use recorder::{Recorder, Weight};

use std::sync::Arc;

use crate::error::Result;
use crate::graph::Graph;
use crate::model::Precision;
use crate::shader::Shader;
use crate::tensor::Shape;

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

/// What a plan depends on besides the graph.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Storage of weights.
    pub precision: Precision,
    /// How inputs arrive.
    pub feed: Feed,
    /// Overrides of the algorithm choice, for tests and benchmarks.
    pub force: Force,
}

/// Plans `graph` (already specialised: `shapes` holds the shape of every value).
///
/// # Errors
/// An operation no kernel does, or a tensor that no binding of this device can hold.
pub fn build(graph: &Graph, shapes: &[Shape], caps: &Caps, options: &PlanOptions) -> Result<Plan> {
    let caps =
        Caps { gemm: options.force.gemm.unwrap_or(caps.gemm), textures: options.force.textures.unwrap_or(caps.textures), ..caps.clone() };
    let mut recorder = Recorder::new(&caps, options.precision, options.force.clone());
    let (inputs, outputs) = lower::lower(graph, shapes, &mut recorder, options.feed)?;
    recorder.finish(options.feed, inputs, outputs)
}

/// A constant of the graph, for kernels.
pub(crate) type Constant = Arc<crate::tensor::Tensor>;
