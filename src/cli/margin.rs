//! `lookalike margin`

use std::path::{Path, PathBuf};

use lookalike::heads::{Head, Want};
use lookalike::tensor::Tensor;
use lookalike::{Error, Result};
use serde_json::json;

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::npy;
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The head or loss: arcface, cosface, triplet_semi_hard, …; a wrong name lists all.
    #[arg(long, value_name = "NAME")]
    head: String,
    /// Embeddings, one a row. The same as --input x=FILE.npy.
    #[arg(long, value_name = "FILE.npy")]
    x: Option<PathBuf>,
    /// Class weights, one class a row.
    #[arg(long, value_name = "FILE.npy")]
    w: Option<PathBuf>,
    /// Labels: whole numbers, -1 for rows that do not count.
    #[arg(long, value_name = "FILE.npy")]
    y: Option<PathBuf>,
    /// A further array: bias, margin, alpha, centers, teacher, x1, x2, same, a, p, n.
    #[arg(long, value_name = "SLOT=FILE.npy")]
    input: Vec<String>,
    /// A parameter of the head: s=64, m=0.5, boundary=linear.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Compute with the slow, exact CPU reference instead of the GPU.
    #[arg(long)]
    reference: bool,
    /// The folder for loss.npy, logits.npy, d<input>.npy and what else the head gives; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let params = args.set.iter().map(|s| split(s, "--set NAME=VALUE")).collect::<Result<Vec<_>>>()?;
    let head = Head::from_name(&args.head, &params)?;
    let mut inputs = Vec::new();
    for (slot, path) in [("x", &args.x), ("w", &args.w), ("y", &args.y)] {
        if let Some(path) = path {
            inputs.push((slot, npy::read(path)?));
        }
    }
    for text in &args.input {
        let (slot, file) = split(text, "--input SLOT=FILE.npy")?;
        inputs.push((slot, npy::read(Path::new(file))?));
    }
    // Before the work: a place that cannot be written to.
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io("Making", &args.out, e))?;
    let given: Vec<_> = inputs.iter().map(|(slot, tensor)| (*slot, tensor)).collect();
    let step = if args.reference { head.reference(&given)? } else { head.run(&open_gpu(global, ui)?, &given, Want::all())? };
    let loss = Tensor::from_f32(Vec::new(), vec![step.loss as f32]);
    let mut results: Vec<(String, &Tensor)> = loss.iter().map(|t| ("loss".to_owned(), t)).collect();
    results.extend(step.logits.iter().map(|t| ("logits".to_owned(), t)));
    results.extend(step.gradients.iter().map(|(slot, t)| (format!("d{slot}"), t)));
    results.extend(step.results.iter().map(|(name, t)| ((*name).to_owned(), t)));
    let mut written = Vec::new();
    for (name, tensor) in results {
        let path = args.out.join(format!("{name}.npy"));
        npy::write(&path, tensor)?;
        written.push(json!({ "name": name, "file": path.display().to_string(), "shape": tensor.shape() }));
        if !ui.json {
            ui.line(&format!("{name}  {}  {}", tensor.shape(), path.display()))?;
        }
    }
    if ui.json {
        ui.json(&json!({ "loss": step.loss, "outputs": written, "stages": step.stages, "device_bytes": step.device_bytes }))?;
    } else {
        ui.line(&format!("loss = {}", step.loss))?;
    }
    if ui.verbosity > 0 {
        for s in &step.stages {
            ui.say_plain(&format!("{:<22} {:>9.3} ms  {:>7.1} GFLOP/s  {} bytes", s.name, s.seconds * 1e3, s.gflops(), s.bytes));
        }
        ui.say_plain(&format!("{} bytes on the device", step.device_bytes));
    }
    Ok(Done::Yes)
}

fn split<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('=').ok_or_else(|| Error::Caller(format!("`{text}` has no `=`. Write {form}.")))
}
