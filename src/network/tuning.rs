//! Plans whose convolutions were timed on the device.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Instance, TunedLayer, Uploaded, medians};
use crate::graph::Graph;
use crate::model::Precision;
use crate::plan::{self, ConvAlgorithm, Force, Plan, PlanOptions};
use crate::recording::{Speed, Trial, Tuning};
use crate::tensor::{Shape, Tensor};

/// Rounds in which the algorithms of a layer take turns; their medians are compared.
const ROUNDS: usize = 7;

/// A plan by what is known of this device's times; layers without any are timed first. What `options` force is not timed.
pub(super) fn plan(gpu: &Gpu, graph: &Graph, shapes: &[Shape], options: &PlanOptions) -> Result<Plan> {
    if options.force != Force::default() {
        return plan::build(graph, shapes, gpu.caps(), options);
    }
    let speed = match gpu.speed() {
        // Room for the network need not be room for the probes.
        Err(Error::Limits(_) | Error::OutOfMemory { .. }) => Speed::typical(gpu.caps()),
        other => other?,
    };
    let mut tuning = Tuning { known: gpu.tuned(), speed };
    let plan = plan::build_tuned(graph, shapes, gpu.caps(), options, Some(&tuning))?;
    let mut unknown: Vec<&Trial> = plan.convolutions.iter().filter_map(|c| c.trial.as_ref()).collect();
    unknown.sort_by(|a, b| a.key.cmp(&b.key));
    unknown.dedup_by(|a, b| a.key == b.key);
    if unknown.is_empty() {
        return Ok(plan);
    }
    let found = unknown.into_iter().map(|trial| fastest(gpu, trial, options.precision)).collect::<Result<Vec<_>>>()?;
    tuning.known = gpu.keep_tuned(found.into_iter().flatten().collect());
    plan::build_tuned(graph, shapes, gpu.caps(), options, Some(&tuning))
}

/// Times the algorithms of a layer. `None` where fewer than two of them fit the device.
fn fastest(gpu: &Gpu, trial: &Trial, precision: Precision) -> Result<Option<TunedLayer>> {
    let mut ready = Vec::with_capacity(trial.rivals.len());
    for &algorithm in &trial.rivals {
        match prepare(gpu, trial, algorithm, precision) {
            Ok(instance) => ready.push((algorithm, instance)),
            // The network may need none of this: an algorithm that does not fit is not chosen.
            Err(Error::Limits(_) | Error::OutOfMemory { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    if ready.len() < 2 {
        return Ok(None);
    }
    let seconds = medians(gpu, &ready.iter().map(|(_, instance)| instance).collect::<Vec<_>>(), ROUNDS)?;
    let micros = ready.iter().zip(seconds).map(|((algorithm, _), seconds)| (*algorithm, 1e6 * seconds));
    Ok(TunedLayer::fastest(trial.key.clone(), micros.collect()))
}

fn prepare(gpu: &Gpu, trial: &Trial, algorithm: ConvAlgorithm, precision: Precision) -> Result<Instance> {
    let plan = plan::build_trial(trial, algorithm, gpu.caps(), precision)?;
    let instance = Instance::new(gpu, plan, &Uploaded::default())?;
    let inputs: Vec<Tensor> = instance.plan.inputs.iter().map(|port| ramp(&port.shape)).collect();
    instance.upload(gpu, &inputs.iter().collect::<Vec<_>>())?;
    Ok(instance)
}

/// Numbers that are not all the same: devices save power on zeros.
fn ramp(shape: &Shape) -> Tensor {
    let data = (0..shape.len()).map(|i| (i % 251) as f32 / 125.0 - 1.0).collect();
    Tensor::from_f32(shape.clone(), data).unwrap_or_else(|| Tensor::zeros(shape.clone()))
}
