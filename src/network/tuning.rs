//! Plans whose convolutions and dense layers were timed on the device.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Instance, TunedLayer, Uploaded, least};
use crate::graph::Graph;
use crate::model::Precision;
use crate::plan::{self, Plan, PlanOptions};
use crate::recording::{Method, Speed, Trial, Tuning};
use crate::tensor::{Shape, Tensor};

/// Rounds in which the methods of a layer take turns; their least times are compared.
const ROUNDS: usize = 7;

/// A plan by what is known of this device's times; layers without any are timed first. What `options` force is not timed.
pub(super) fn plan(gpu: &Gpu, graph: &Graph, shapes: &[Shape], options: &PlanOptions) -> Result<Plan> {
    if !options.force.is_free() {
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

/// Times the best form of each algorithm of a layer, then other forms of the fastest, and of the kernel that turns out to be faster than its.
/// `None` where fewer than two methods fit the device.
fn fastest(gpu: &Gpu, trial: &Trial, precision: Precision) -> Result<Option<TunedLayer>> {
    let mut times = timed(gpu, trial, &trial.rivals(), precision)?;
    let least = |times: &[(Method, f64)]| times.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(method, _)| *method);
    let mut kernel = None;
    while let Some(best) = least(&times).filter(|best| kernel != Some(best.kernel())) {
        kernel = Some(best.kernel());
        // The fastest once more, in turn with its forms.
        let again: Vec<_> = std::iter::once(best).chain(trial.forms(best, &times)).collect();
        if again.len() > 1 {
            let latest = timed(gpu, trial, &again, precision)?;
            times.retain(|(method, _)| latest.iter().all(|(l, _)| l != method));
            times.extend(latest);
        }
    }
    times.retain(|(_, micros)| micros.is_finite());
    Ok(if times.len() < 2 { None } else { TunedLayer::fastest(trial, times) })
}

/// Least microseconds of those of `methods` that fit the device; infinite for one without another.
fn timed(gpu: &Gpu, trial: &Trial, methods: &[Method], precision: Precision) -> Result<Vec<(Method, f64)>> {
    // A time says nothing without another.
    let alone = |method: Method| Ok(vec![(method, f64::INFINITY)]);
    if let [only] = methods {
        return alone(*only);
    }
    let mut ready = Vec::with_capacity(methods.len());
    for &method in methods {
        match prepare(gpu, trial, method, precision) {
            Ok(instance) => ready.push((method, instance)),
            // The network may need none of this: a method that does not fit is not chosen.
            Err(Error::Limits(_) | Error::OutOfMemory { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    if let [(only, _)] = ready.as_slice() {
        return alone(*only);
    }
    let seconds = least(gpu, &ready.iter().map(|(_, instance)| instance).collect::<Vec<_>>(), ROUNDS)?;
    Ok(ready.iter().zip(seconds).map(|((method, _), seconds)| (*method, 1e6 * seconds)).collect())
}

fn prepare(gpu: &Gpu, trial: &Trial, method: Method, precision: Precision) -> Result<Instance> {
    let plan = plan::build_trial(trial, method, gpu.caps(), precision)?;
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
