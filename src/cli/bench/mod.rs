//! `lookalike bench`

mod faces;
mod ivf;
mod margin;
mod roofline;
mod search;

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use lookalike::model::Precision;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{Shape, Tensor};
use lookalike::{Error, Result};
use serde_json::json;

use crate::cli::args::{DescribeArg, GlobalArgs, ShapeArg, shapes_of};
use crate::cli::context::{adapter_line, model_or_builtin, open_gpu, print_profile};
use crate::cli::plot;
use crate::cli::table::{Table, micros};
use crate::cli::ui::{Done, Outcome, Ui};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Every kernel on the shapes of real layers, against the measured peak of this adapter.
    Kernels(KernelArgs),
    /// A whole network: latency, throughput, first run.
    Network(NetworkArgs),
    /// Photographs to embeddings: faces a second by stage.
    Faces(faces::Args),
    /// Searches in a gallery: latency, comparisons per second.
    Search(search::Args),
    /// A training step of a margin head: time of each stage, memory.
    Margin(margin::MarginArgs),
}

#[derive(clap::Args)]
pub(crate) struct KernelArgs {
    /// Interleaved rounds; the median counts.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Draws every row under this adapter's roof: arithmetic over bytes across, speed upwards. An .svg or a .png.
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct NetworkArgs {
    /// A model file or an .onnx. Default: the built-in embedder.
    model: Option<PathBuf>,
    /// Pictures in a run.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: u32,
    /// Runs that are measured.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
    /// The shape of an input whose size is free.
    #[arg(long, value_name = "NAME=1x3x320x320")]
    shape: Vec<ShapeArg>,
    #[command(flatten)]
    describe: DescribeArg,
    /// Print `ready`, then run once for every line on standard input and print its milliseconds: for alternating with other programs.
    #[arg(long, hide = true)]
    paced: bool,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, command: &Command) -> Outcome {
    match command {
        Command::Kernels(args) => kernels(global, ui, args),
        Command::Network(args) => network(global, ui, args),
        Command::Faces(args) => faces::run(global, ui, args),
        Command::Search(args) => search::run(global, ui, args),
        Command::Margin(args) => margin::run(global, ui, args),
    }
}

fn kernels(global: &GlobalArgs, ui: &Ui, args: &KernelArgs) -> Outcome {
    let kind = args.plot.as_deref().map(plot::Kind::of).transpose()?;
    let gpu = open_gpu(global, ui)?;
    let report = lookalike::bench::kernels(&gpu, args.rounds as usize, Precision::from(global.precision))?;
    let peaks = report.peaks;
    if let (Some(path), Some(kind)) = (&args.plot, kind) {
        roofline::write(path, kind, &report, &gpu.adapter().name)?;
        ui.note(&format!("roofline: {}", path.display()));
    }
    if ui.json {
        let rows: Vec<_> = report
            .rows
            .iter()
            .map(|r| {
                json!({ "name": r.name, "shader": r.shader, "shape": r.shape, "micros": r.micros, "gflops": r.gflops, "gbps": r.gbps, "share": r.share })
            })
            .collect();
        ui.json(&json!({ "adapter": gpu.adapter(), "precision": global.precision.name(), "peak_gflops": peaks.gflops, "peak_gbps": peaks.gbps, "rows": rows }))?;
        return Ok(Done::Yes);
    }
    let mut table = Table::new(&["kernel", "shader", "shape", ">time", ">GFLOP/s", ">GB/s", ">of peak"]);
    for r in &report.rows {
        table.row([
            r.name.to_string(),
            r.shader.to_string(),
            r.shape.to_string(),
            micros(r.micros),
            format!("{:.1}", r.gflops),
            format!("{:.1}", r.gbps),
            format!("{:.0} %", 100.0 * r.share),
        ]);
    }
    ui.line(&table.to_string())?;
    ui.line(&format!(
        "\n{}, {}\nmeasured peak: {:.1} GFLOP/s, {:.1} GB/s",
        adapter_line(&gpu),
        global.precision.name(),
        peaks.gflops,
        peaks.gbps
    ))?;
    Ok(Done::Yes)
}

fn network(global: &GlobalArgs, ui: &Ui, args: &NetworkArgs) -> Outcome {
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    let given = shapes_of(&model.graph, &args.shape)?;
    let batch = args.batch as usize;
    let shapes = model.graph.input_shapes(batch, &given)?;
    let names = model.graph.inputs.iter().map(|i| model.graph.name(i.value).to_owned());
    let shapes: Vec<(String, Shape)> = names.zip(shapes).collect();
    let inputs = shapes.iter().map(|(n, s)| Ok((n.as_str(), noise(s)?))).collect::<Result<Vec<_>>>()?;
    let feed: Vec<_> = inputs.iter().map(|(n, t)| (*n, t)).collect();
    let gpu = open_gpu(global, ui)?;

    let start = Instant::now();
    let options =
        CompileOptions { batch, shapes: shapes.clone(), precision: Precision::from(global.precision), ..CompileOptions::default() };
    let network = Network::compile(&gpu, &model, &options)?;
    let compile_ms = milliseconds(start);
    let start = Instant::now();
    network.run(&feed)?;
    let first_run_ms = milliseconds(start);
    if args.paced {
        return paced(ui, &network, &feed);
    }

    // Clocks and caches settle before it counts.
    for _ in 0..args.runs.min(3) {
        network.run(&feed)?;
    }
    let mut times = Vec::with_capacity(args.runs as usize);
    let mut progress = ui.progress(args.runs as usize, "runs");
    for _ in 0..args.runs {
        let start = Instant::now();
        network.run(&feed)?;
        times.push(milliseconds(start));
        progress.advance(1);
    }
    progress.finish();
    if ui.verbosity > 1 {
        print_profile(ui, &network.profile(&feed)?);
    }
    times.sort_by(f64::total_cmp);
    let (p50, p95) = (percentile(&times, 0.5), percentile(&times, 0.95));
    let rate = if p50 > 0.0 { batch as f64 * 1e3 / p50 } else { 0.0 };
    let summary = network.summary()?;
    let dispatches = summary.dispatches.len();
    let bytes: u64 = summary.dispatches.iter().map(|d| d.bytes).sum();
    let peaks = lookalike::bench::Peaks::measure(&gpu, 3)?;
    let floor_ms = 1e3 * summary.dispatches.iter().map(|d| peaks.floor(d.flops, d.bytes)).sum::<f64>();
    if ui.json {
        ui.json(&json!({
            "p50_ms": p50, "p95_ms": p95, "min_ms": times.first(), "images_per_second": rate, "dispatches": dispatches,
            "first_run_ms": first_run_ms, "compile_ms": compile_ms, "bytes": bytes, "floor_ms": floor_ms, "peak_gflops": peaks.gflops,
            "peak_gbps": peaks.gbps, "batch": batch, "runs": times.len(),
            "precision": global.precision.name(), "model": model.description.name, "digest": model.digest(), "adapter": gpu.adapter(),
        }))?;
    } else {
        ui.line(&format!("{} at batch {batch}, {}, on {}", model.description.title(), global.precision.name(), adapter_line(&gpu)))?;
        ui.line(&format!("  {rate:.1} images/s; p50 {p50:.2} ms, p95 {p95:.2} ms over {} runs", times.len()))?;
        ui.line(&format!("  compile {compile_ms:.1} ms, first run {first_run_ms:.1} ms, {dispatches} dispatches"))?;
        ui.line(&format!(
            "  {:.1} MB bound; floor {floor_ms:.2} ms at {:.1} GFLOP/s and {:.1} GB/s, direct convolutions counted: {:.1} times that",
            bytes as f64 / 1e6,
            peaks.gflops,
            peaks.gbps,
            p50 / floor_ms
        ))?;
    }
    Ok(Done::Yes)
}

fn paced(ui: &Ui, network: &Network, feed: &[(&str, &Tensor)]) -> Outcome {
    ui.line("ready")?;
    for line in std::io::stdin().lock().lines() {
        line.map_err(|e| Error::io("Reading", "standard input", e))?;
        let start = Instant::now();
        network.run(feed)?;
        ui.line(&format!("{:.4}", milliseconds(start)))?;
    }
    Ok(Done::Yes)
}

pub(crate) fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The smallest time that a share `q` of the runs did not exceed.
pub(crate) fn percentile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Uniform noise in -1..1, the same every time.
fn noise(shape: &Shape) -> Result<Tensor> {
    let len = shape.checked_len().filter(|&n| n < 1 << 31);
    let len = len.ok_or_else(|| Error::Caller(format!("The input of shape {shape} is too large. Use a smaller --batch.")))?;
    let mut state = 0x1234_5678u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    Tensor::from_f32(shape.clone(), (0..len).map(next).collect())
        .ok_or_else(|| Error::Caller(format!("The shape {shape} is impossible. Correct --shape.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times() {
        let times: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!((percentile(&times, 0.5), percentile(&times, 0.95), percentile(&times, 1.0)), (10.0, 19.0, 20.0));
        assert_eq!(percentile(&[7.0], 0.5), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn noise_stays_in_range() {
        let t = noise(&Shape::from([4, 100])).map(|t| t.to_f32().into_owned()).unwrap_or_default();
        assert!(t.len() == 400 && t.iter().all(|x| (-1.0..1.0).contains(x)) && t.iter().any(|&x| x < -0.5));
    }
}
