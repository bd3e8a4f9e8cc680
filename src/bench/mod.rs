//! Throughput of single kernels on the shapes of real layers, against the peak this device shows: what `lookalike bench kernels` prints.
//!
//! Time is wall time of many launches in one pass, divided by their number: it includes what a launch costs, and no upload or readback.

mod layers;

use crate::error::Result;
use crate::gpu::{Gpu, Instance, Uploaded, median, medians};
use crate::graph::infer_shapes;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::probe::peak;
use crate::model::Precision;
use crate::plan::{self, PlanOptions};
use crate::recording::{Feed, Force, Plan, Port, Recorder};
use crate::selftest::Case;
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

/// What an adapter reaches at best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Billions of floating point operations a second in a kernel that does nothing else.
    pub gflops: f64,
    /// Billions of bytes a second, read and written, of a large copy: a kernel's or the driver's, whichever is faster.
    pub gbps: f64,
}

impl Peaks {
    /// Seconds that so much arithmetic on so many bytes takes at least.
    pub fn floor(&self, flops: u64, bytes: u64) -> f64 {
        (flops as f64 / self.gflops).max(bytes as f64 / self.gbps) / 1e9
    }

    /// Measures them, in `rounds` rounds.
    ///
    /// # Errors
    /// What makes the device unusable.
    pub fn measure(gpu: &Gpu, rounds: usize) -> Result<Self> {
        let both = yardsticks(gpu)?;
        let times = seconds_of(gpu, &both, rounds)?;
        Self::of(gpu, &both, &times, rounds)
    }

    fn of(gpu: &Gpu, yardsticks: &[Launchable], seconds: &[f64], rounds: usize) -> Result<Self> {
        let mut driver = (0..rounds.max(1)).map(|_| gpu.copy_seconds(COPY as u64 * 4, 4)).collect::<Result<Vec<_>>>()?;
        let copy = (yardsticks[1].bytes as f64 / seconds[1]).max(2.0 * COPY as f64 * 4.0 / median(&mut driver));
        Ok(Self { gflops: yardsticks[0].flops as f64 / seconds[0] / 1e9, gbps: copy / 1e9 })
    }
}

/// All rows and the peaks they are compared with.
#[derive(Clone, Debug)]
pub struct BenchReport {
    /// The rows.
    pub rows: Vec<BenchRow>,
    /// What they are compared with.
    pub peaks: Peaks,
}

/// A layer on the device, with operands.
pub struct Launchable {
    /// What is computed.
    pub name: String,
    /// Floating point operations of a launch; Winograd counts as the direct convolution it replaces.
    pub flops: u64,
    /// Bytes bound by a launch.
    pub bytes: u64,
    gpu: Gpu,
    instance: Instance,
}

impl Launchable {
    fn new(gpu: &Gpu, name: &str, plan: Plan) -> Result<Self> {
        let sum = |amount: fn(&crate::recording::Dispatch) -> u64| plan.dispatches.iter().map(amount).sum();
        let (flops, bytes) = (sum(|d| d.flops), sum(|d| d.bytes));
        let instance = Instance::new(gpu, plan, &Uploaded::default())?;
        Ok(Self { name: name.to_owned(), flops, bytes, gpu: gpu.clone(), instance })
    }

    /// A layer as a network would run it, its operands in the layout that its kernel takes.
    fn layer(gpu: &Gpu, case: &Case) -> Result<Self> {
        let (graph, inputs) = case.graph();
        let shapes: Vec<_> = inputs.iter().map(|t| t.shape().clone()).collect();
        let shapes = infer_shapes(&graph, &shapes)?;
        let options = PlanOptions { precision: case.precision, feed: Feed::Plain, force: case.force.clone() };
        let mut plan = plan::build(&graph, &shapes, gpu.caps(), &options)?;
        // Conversions at the edges are not the kernel's.
        plan.dispatches.retain(|d| !d.shader.name.starts_with("movement/") || case.name.starts_with("transpose"));
        Self::new(gpu, &case.name, plan)
    }

    /// Launches it `n` times and waits: seconds of all of them.
    ///
    /// # Errors
    /// What makes the device unusable.
    pub fn run(&self, n: usize) -> Result<f64> {
        self.instance.time(&self.gpu, n)
    }

    fn row(&self, seconds: f64, peaks: &Peaks) -> BenchRow {
        let plan = &self.instance.plan;
        let mut shaders: Vec<_> = plan.dispatches.iter().map(|d| d.shader.name).collect();
        shaders.dedup();
        let groups: Vec<_> = plan.dispatches.iter().map(|d| d.groups.map(|g| g.to_string()).join("x")).collect();
        let (gflops, gbps) = (self.flops as f64 / seconds / 1e9, self.bytes as f64 / seconds / 1e9);
        BenchRow {
            name: self.name.clone(),
            shader: shaders.join(" "),
            shape: groups.join(" "),
            micros: seconds * 1e6,
            gflops,
            gbps,
            share: (gflops / peaks.gflops).max(gbps / peaks.gbps),
        }
    }
}

/// A layer by its name, made ready when it is asked for: not all fit the memory of small devices at once.
pub struct Bench(Case);

impl Bench {
    /// What is computed.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Uploads its operands.
    ///
    /// # Errors
    /// [`crate::Error::Limits`] for weights that this device cannot bind; otherwise what makes the device unusable.
    pub fn prepare(&self, gpu: &Gpu) -> Result<Launchable> {
        Launchable::layer(gpu, &self.0)
    }
}

/// The layers that [`kernels`] measures and some that small devices cannot bind: VGG's first dense layer, DeepFace's first locally
/// connected one.
pub fn benches() -> Vec<Bench> {
    layers::all().into_iter().chain(layers::large()).map(Bench).collect()
}

/// Measures every layer, its weights stored as `precision` says, in `rounds` interleaved rounds.
///
/// # Errors
/// What makes the device unusable.
pub fn kernels(gpu: &Gpu, rounds: usize, precision: Precision) -> Result<BenchReport> {
    let mut all = yardsticks(gpu)?;
    for case in layers::all() {
        all.push(Launchable::layer(gpu, &Case { precision, ..case })?);
    }
    let seconds = seconds_of(gpu, &all, rounds)?;
    let peaks = Peaks::of(gpu, &all, &seconds, rounds)?;
    let rows = all.iter().zip(&seconds).skip(2).map(|(layer, &s)| layer.row(s, &peaks)).collect();
    Ok(BenchReport { rows, peaks })
}

fn seconds_of(gpu: &Gpu, all: &[Launchable], rounds: usize) -> Result<Vec<f64>> {
    medians(gpu, &all.iter().map(|l| &l.instance).collect::<Vec<_>>(), rounds)
}

/// Arithmetic alone, and a copy alone.
fn yardsticks(gpu: &Gpu) -> Result<Vec<Launchable>> {
    let arithmetic = recorded(gpu, |rec| peak::record(rec, 256, 64).map(|_| Vec::new()))?;
    Ok(vec![Launchable::new(gpu, "arithmetic", arithmetic)?, Launchable::new(gpu, "copy", recorded(gpu, record_copy)?)?])
}

/// A plan of launches that no graph asks for.
fn recorded(gpu: &Gpu, record: impl FnOnce(&mut Recorder<'_>) -> Result<Vec<Port>>) -> Result<Plan> {
    let mut rec = Recorder::new(gpu.caps(), Precision::F32, Force::default());
    let inputs = record(&mut rec)?;
    rec.finish(Feed::Plain, inputs, Vec::new())
}

/// Numbers that are copied: 64 MiB, whole vec4s.
const COPY: usize = 16 << 20;

fn record_copy(rec: &mut Recorder<'_>) -> Result<Vec<Port>> {
    let (x, y) = (rec.tensor(COPY as u64 * 4), rec.tensor(COPY as u64 * 4));
    let copy = Copy::new(vec![Axis::all(COPY, 1, 1)]);
    copy::record(rec, "copy", &copy, x, y)?;
    Ok(vec![Port { name: "x".to_owned(), source: x, shape: Shape::from([COPY]), dtype: DType::F32, constant: None }])
}
