//! What commands start with: an adapter and a model.

use std::path::Path;

use lookalike::embed::builtin_model;
use lookalike::gpu::{AdapterReport, Gpu, GpuOptions, KernelTime, adapters};
use lookalike::model::{Description, Model};
use lookalike::{Error, Result};

use super::args::{DescribeArg, GlobalArgs, PrecisionArg};
use super::table::micros;
use super::ui::Ui;

/// The adapter the user asked for, with a word of warning when it is a CPU in disguise.
pub(crate) fn open_gpu(global: &GlobalArgs, ui: &Ui) -> Result<Gpu> {
    open(global, global.device.clone(), ui)
}

/// The adapters that searches use: those of `--devices`, or the one of `--device`.
pub(crate) fn open_gpus(global: &GlobalArgs, ui: &Ui) -> Result<Vec<Gpu>> {
    let Some(wanted) = &global.devices else { return Ok(vec![open_gpu(global, ui)?]) };
    if global.device.is_some() {
        return Err(Error::Caller("Both --device and --devices are given. Use one of them.".to_owned()));
    }
    let names: Vec<String> = match wanted.as_str() {
        "all" => worth_searching(&adapters()?).iter().map(|a| a.index.to_string()).collect(),
        list => list.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    if names.iter().any(String::is_empty) {
        return Err(Error::Caller(format!(
            "The list `--devices {wanted}` has an empty place. Write for example --devices 0,1 or --devices all."
        )));
    }
    // None found: the error of the best one says why.
    let names = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    names.into_iter().map(|name| open(global, name, ui)).collect()
}

/// Every adapter that computes, once: one may be there through several backends. A software adapter only where it is the best.
fn worth_searching(found: &[AdapterReport]) -> Vec<&AdapterReport> {
    let Some(best) = found.first() else { return Vec::new() };
    if best.is_software() {
        return vec![best];
    }
    found.iter().filter(|a| a.backend == best.backend && !a.is_software()).collect()
}

fn open(global: &GlobalArgs, device: Option<String>, ui: &Ui) -> Result<Gpu> {
    let defaults = GpuOptions::default();
    let experimental_coop = global.experimental_coop || defaults.experimental_coop;
    let autotune = global.autotune;
    let gpu = Gpu::new(&GpuOptions { device: device.or(defaults.device.clone()), experimental_coop, autotune, ..defaults })?;
    if let Some(told) = gpu.cooperative() {
        ui.note(told);
        if gpu.caps().cooperative.is_some() && global.precision == PrecisionArg::F32 {
            ui.note("They multiply halves: without --precision f16 they change nothing.");
        }
    }
    let adapter = gpu.adapter();
    if adapter.is_software() {
        ui.warn(&format!("The adapter `{}` is a software renderer: results are the same, but it computes on the CPU.", adapter.name));
    }
    if ui.verbosity > 0 {
        ui.say_plain(&format!("adapter: {}", adapter_line(&gpu)));
    }
    Ok(gpu)
}

/// What an adapter was measured to reach, from its JSON.
pub(crate) fn speed_line(speed: &serde_json::Value) -> Option<String> {
    let number = |field: &str| speed.get(field)?.as_f64();
    let (gflops, gbps, launch) = (number("gflops")?, number("gbps")?, number("launch_us")?);
    Some(format!("{gflops:.1} GFLOP/s, {gbps:.1} GB/s, {launch:.1} µs a launch"))
}

/// Name, kind, backend and driver in one line.
pub(crate) fn adapter_line(gpu: &Gpu) -> String {
    let a = gpu.adapter();
    let driver = format!("{} {}", a.driver, a.driver_info);
    let kind = serde_json::to_value(a.kind).ok().and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
    format!("{} ({kind}, {}{}{})", a.name, a.backend, if driver.trim().is_empty() { "" } else { ", " }, driver.trim())
}

/// A model file or an ONNX file, with the description that was given.
pub(crate) fn load_model(path: &Path, how: &DescribeArg) -> Result<Model> {
    let mut model = Model::load(path, &how.limits()?)?;
    if let Some(describe) = &how.describe {
        model.describe(load_description(describe)?)?;
    }
    Ok(model)
}

/// The model the user named, or the built-in embedder.
pub(crate) fn model_or_builtin(path: Option<&Path>, how: &DescribeArg) -> Result<Model> {
    match (path, &how.describe) {
        (Some(path), _) => load_model(path, how),
        (None, Some(_)) => {
            Err(Error::Caller("The built-in embedder has its own description. Name a model with --model to describe it.".to_owned()))
        }
        (None, None) => builtin_model(),
    }
}

/// Reads a `--describe` file.
pub(crate) fn load_description(path: &Path) -> Result<Description> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("Reading", path, e))?;
    toml::from_str(&text).map_err(|e| {
        let line = e.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        let reason = e.message().trim_end_matches('.').replace('\n', " ");
        Error::Model(format!("The description {} is not valid (line {line}: {reason}). Correct that line.", path.display()))
    })
}

/// A line per kernel, as -vv prints them.
pub(crate) fn print_profile(ui: &Ui, times: &[KernelTime]) {
    let label = times.iter().map(|t| t.label.len()).max().unwrap_or(0);
    let shader = times.iter().map(|t| t.shader.len()).max().unwrap_or(0);
    for t in times {
        // flops/µs = MFLOP/s.
        let (gflops, gbps) = if t.micros > 0.0 { (t.flops as f64 / t.micros / 1e3, t.bytes as f64 / t.micros / 1e3) } else { (0.0, 0.0) };
        ui.say_plain(&format!(
            "{:<label$}  {:<shader$}  {:>14}  {:>10}  {gflops:>8.1} GFLOP/s  {gbps:>7.1} GB/s",
            t.label,
            t.shader,
            t.groups.map(|g| g.to_string()).join("x"),
            micros(t.micros)
        ));
    }
    let total: f64 = times.iter().map(|t| t.micros).sum();
    ui.say_plain(&format!("{} dispatches, {} on the device", times.len(), micros(total)));
}
