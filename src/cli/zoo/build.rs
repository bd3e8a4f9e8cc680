//! `lookalike zoo build`

use std::path::PathBuf;

use lookalike::zoo::{self, Fingerprint, Seeded, find};

use crate::cli::args::{DescribeArg, GlobalArgs};
use crate::cli::context::load_description;
use crate::cli::convert::{check_output, write};
use crate::cli::ui::{Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The network, as `zoo list` calls it, or another name of it.
    name: String,
    /// The model file to write.
    #[arg(short, long, value_name = "OUT.safetensors")]
    output: PathBuf,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    describe: DescribeArg,
}

/// Where the weights come from: one of these.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Weights {
    /// A checkpoint of this network: a state dict (safetensors, .pth, .pt), .caffemodel, dlib .dat, .t7, or the network as ONNX or model file.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The weights that a fixed rule gives to every name, to compare programs.
    #[arg(long)]
    fingerprint: bool,
    /// Random weights, to measure speed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let entry = find(&args.name)?;
    check_output(&args.output)?;
    let limits = args.describe.limits()?;
    let mut model = match (&args.weights.weights, args.weights.seed) {
        (Some(file), _) => zoo::load(entry, file, &limits)?,
        (None, Some(seed)) => entry.model(&mut Seeded(seed))?,
        (None, None) => entry.model(&mut Fingerprint)?,
    };
    if let Some(describe) = &args.describe.describe {
        model.describe(load_description(describe)?)?;
    }
    if model.import.is_some() && args.describe.describe.is_none() {
        ui.note(
            "How pixels are fed is taken from the registry (`info` shows it). If the exporter put mean and scale into the first layer, say so with --describe.",
        );
    }
    if let (true, Some(e)) = (args.weights.fingerprint, &entry.fingerprint) {
        let of = if e.values.is_empty() { String::new() } else { format!(" of {}", e.values.join(", ")) };
        ui.note(&format!("On the fingerprint input, other programs compute a norm of {}{of}.", e.norm));
    }
    write(global, ui, &model, &args.output, &limits)
}
