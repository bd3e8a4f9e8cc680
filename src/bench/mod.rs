//! Throughput of single kernels on the shapes of real layers, against the peak this device shows: what `lookalike bench kernels` prints.
//!
//! Time is wall time of many launches in one pass, divided by their number: it includes what a launch costs, and no upload or readback.

mod layers;

use std::time::Instant as Clock;

use crate::error::Result;
use crate::gpu::{Gpu, Instance, Uploaded};
use crate::graph::infer_shapes;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::probe::peak;
use crate::model::Precision;
use crate::plan::{self, PlanOptions};
use crate::recording::{Feed, Force, Plan, Port, Recorder};
use crate::tensor::{DType, Shape};

/// One kernel on one shape.
#[derive(Clone, Debug)]
pub struct BenchRow {
    /// What is computed; a row that ends in ` (naive)` is the yardstick of the row without.
    pub name: String,
    /// Permutations that ran.
    pub shader: String,
    /// Launches.
    pub shape: String,
    /// Median time.
    pub micros: f64,
    /// Billions of floating point operations a second; Winograd counts as the direct convolution it replaces.
    pub gflops: f64,
    /// Billions of bytes a second, of everything bound.
    pub gbps: f64,
    /// The larger of both as a share of the measured peak.
    pub share: f64,
}

/// All rows and the peaks they are compared with.
#[derive(Clone, Debug)]
pub struct BenchReport {
    /// The rows.
    pub rows: Vec<BenchRow>,
    /// Billions of floating point operations a second in a kernel that does nothing else.
    pub peak_gflops: f64,
    /// Billions of bytes a second, read and written, of a large copy.
    pub peak_gbps: f64,
}

/// Measures every layer in `rounds` interleaved rounds.
///
/// # Errors
/// What makes the device unusable.
pub fn kernels(gpu: &Gpu, rounds: usize) -> Result<BenchReport> {
    let mut instances = vec![peak_instance(gpu, |rec| peak::record(rec, 256, 64).map(|_| Vec::new()))?, peak_instance(gpu, record_copy)?];
    let cases = layers::all();
    for case in &cases {
        let (graph, inputs) = case.graph();
        let shapes: Vec<_> = inputs.iter().map(|t| t.shape().clone()).collect();
        let shapes = infer_shapes(&graph, &shapes)?;
        let options = PlanOptions { precision: Precision::F32, feed: Feed::Plain, force: case.force.clone() };
        let mut plan = plan::build(&graph, &shapes, gpu.caps(), &options)?;
        // Conversions at the edges are not the kernel's.
        plan.dispatches.retain(|d| !d.shader.name.starts_with("movement/") || case.name.starts_with("transpose"));
        instances.push(Instance::new(gpu, plan, &Uploaded::default())?);
    }
    // The first launch compiles; then as many launches as fill some milliseconds.
    let repeats: Vec<usize> = instances
        .iter()
        .map(|i| {
            time(gpu, i, 1)?;
            let once = time(gpu, i, 1)?;
            Ok(((5e-3 / once) as usize).clamp(1, 50))
        })
        .collect::<Result<_>>()?;
    let mut times = vec![Vec::with_capacity(rounds); instances.len()];
    for _ in 0..rounds.max(1) {
        for ((instance, &n), times) in instances.iter().zip(&repeats).zip(&mut times) {
            times.push(time(gpu, instance, n)?);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|t| median(t)).collect();
    let rate = |i: usize, amount: fn(&Plan) -> u64| amount(&instances[i].plan) as f64 / medians[i] / 1e9;
    let flops = |p: &Plan| p.dispatches.iter().map(|d| d.flops).sum();
    let bytes = |p: &Plan| p.dispatches.iter().map(|d| d.bytes).sum();
    let (peak_gflops, peak_gbps) = (rate(0, flops), rate(1, bytes));
    let rows = cases
        .iter()
        .enumerate()
        .map(|(k, case)| {
            let i = k + 2;
            let (gflops, gbps) = (rate(i, flops), rate(i, bytes));
            let mut shaders: Vec<_> = instances[i].plan.dispatches.iter().map(|d| d.shader.name).collect();
            shaders.dedup();
            let groups: Vec<_> = instances[i].plan.dispatches.iter().map(|d| d.groups.map(|g| g.to_string()).join("x")).collect();
            BenchRow {
                name: case.name.clone(),
                shader: shaders.join(" "),
                shape: groups.join(" "),
                micros: medians[i] * 1e6,
                gflops,
                gbps,
                share: (gflops / peak_gflops).max(gbps / peak_gbps),
            }
        })
        .collect();
    Ok(BenchReport { rows, peak_gflops, peak_gbps })
}

/// Seconds of one of `n` launches in a pass.
fn time(gpu: &Gpu, instance: &Instance, n: usize) -> Result<f64> {
    let start = Clock::now();
    instance.run_repeatedly(gpu, n)?;
    Ok(start.elapsed().as_secs_f64() / n as f64)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A plan of launches that no graph asks for.
fn peak_instance(gpu: &Gpu, record: impl FnOnce(&mut Recorder<'_>) -> Result<Vec<Port>>) -> Result<Instance> {
    let mut rec = Recorder::new(gpu.caps(), Precision::F32, Force::default());
    let inputs = record(&mut rec)?;
    Instance::new(gpu, rec.finish(Feed::Plain, inputs, Vec::new())?, &Uploaded::default())
}

/// 64 MiB, whole vec4s.
fn record_copy(rec: &mut Recorder<'_>) -> Result<Vec<Port>> {
    const FLOATS: usize = 16 << 20;
    let (x, y) = (rec.tensor(FLOATS as u64 * 4), rec.tensor(FLOATS as u64 * 4));
    let copy = Copy::new(vec![Axis::all(FLOATS, 1, 1)]);
    copy::record(rec, "copy", &copy, x, y)?;
    Ok(vec![Port { name: "x".to_owned(), source: x, shape: Shape::from([FLOATS]), dtype: DType::F32, constant: None }])
}
