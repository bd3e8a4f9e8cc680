//! From a graph with known shapes to a list of dispatches that any executor could run.
//!
//! [`build`] walks the nodes, converts layouts where a kernel needs another one, and asks the kernels to record their dispatches.

mod lower;

pub use crate::recording::{
    Activation, Caps, ConvAlgorithm, Cooperative, Dispatch, Feed, Force, GemmFamily, Lifetime, Plan, Port, Source, assign_slots,
};

use crate::error::Result;
use crate::graph::Graph;
use crate::model::Precision;
use crate::recording::Recorder;
use crate::tensor::Shape;

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
