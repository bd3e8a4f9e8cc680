//! From a graph with known shapes to a list of dispatches that any executor could run.
//!
//! [`build`] walks the nodes, converts layouts where a kernel needs another one, and asks the kernels to record their dispatches.

mod economy;
mod lower;

pub use crate::recording::{
    Activation, Caps, ConvAlgorithm, ConvChoice, Cooperative, Dispatch, Feed, Force, Form, GemmFamily, Lifetime, Origin, Plan, Port,
    Source, Speed, Tile, assign_slots,
};

use crate::error::Result;
use crate::graph::Graph;
use crate::kernels::conv;
use crate::model::Precision;
use crate::random::Random;
use crate::recording::{Method, Recorder, Trial, Tuning};
use crate::shader::Shader;
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

/// Plans `graph` (already specialised: `shapes` holds the shape of every value). Where an adapter compiles kernels slowly (those that load through
/// textures), layers do without some if there are more than [`Force::kernels`].
///
/// # Errors
/// An operation no kernel does, or a tensor that no binding of this device can hold.
pub fn build(graph: &Graph, shapes: &[Shape], caps: &Caps, options: &PlanOptions) -> Result<Plan> {
    build_tuned(graph, shapes, caps, options, None)
}

/// As [`build`], with the methods that timing has found, if any, of however many kernels; the plan names the layers of which it has found none yet.
pub(crate) fn build_tuned(graph: &Graph, shapes: &[Shape], caps: &Caps, options: &PlanOptions, tuning: Option<&Tuning>) -> Result<Plan> {
    let caps =
        Caps { gemm: options.force.gemm.unwrap_or(caps.gemm), textures: options.force.textures.unwrap_or(caps.textures), ..caps.clone() };
    let among = |kernels: Option<&[&'static Shader]>| {
        let mut recorder = Recorder::new(&caps, options.precision, options.force.clone());
        (recorder.tuning, recorder.among) = (tuning, kernels);
        let (inputs, outputs) = lower::lower(graph, shapes, &mut recorder, options.feed)?;
        conv::fuse(&mut recorder, &outputs)?;
        recorder.finish(options.feed, inputs, outputs)
    };
    let plan = among(None)?;
    if !caps.textures || tuning.is_some() || !options.force.is_free() {
        return Ok(plan);
    }
    Ok(economy::of(plan, options.force.kernels.unwrap_or(economy::ENOUGH), |kernels| among(Some(kernels))))
}

/// A layer alone, computed by `method`, on weights that mean nothing: its time does not depend on them, and they need no transform.
pub(crate) fn build_trial(trial: &Trial, method: Method, caps: &Caps, precision: Precision) -> Result<Plan> {
    let mut recorder = Recorder::new(caps, precision, Force::default());
    let inputs = (trial.record)(&mut recorder, method)?;
    let mut plan = recorder.finish(Feed::Packed, inputs, Vec::new())?;
    for weight in &mut plan.weights {
        weight.pack = std::sync::Arc::new(noise);
    }
    Ok(plan)
}

/// Normal numbers whichever way they are read, and far from those that processors compute slowly: two halves from 1 to 2 are an f32 from 2^-7 to 2. Maps
/// without noise become small in Winograd's transforms, and smaller with every slope that is applied.
fn noise(bytes: &mut [u8]) {
    let mut random = Random(1);
    for half in bytes.chunks_exact_mut(2) {
        half.copy_from_slice(&(random.next() as u16 & 0x83FF | 0x3C00).to_le_bytes());
    }
}
