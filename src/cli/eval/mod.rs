//! `lookalike eval`

mod clusters;
mod embeddings;
mod identification;
mod judge;
mod lists;
mod megaface;
mod plots;
mod report;
mod verification;
mod video;

use std::path::{Path, PathBuf};

use lookalike::eval::Separation;
use lookalike::model::Similarity;
use lookalike::{Error, Result};
use serde_json::Value;

use super::args::GlobalArgs;
use super::recogniser::RecogniserArgs;
use super::ui::{Done, Outcome, Ui};
use report::Report;

/// What is judged, and the list that goes with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Protocol {
    /// Pairs of pictures: file_a, file_b, same (and group, fold), or a pairs.txt as LFW has it.
    Verification,
    /// People searched in a gallery: file, label, role (gallery or probe). Probes of people who are not in the gallery are strangers.
    Identification,
    /// Pairs of folders of frames: video_a, video_b, same (and group, fold), or the splits.txt of YouTube Faces.
    Video,
    /// Probes among distractors: file, label, role (probe or distractor).
    Megaface,
    /// Groups that were found: label, cluster.
    Clustering,
}

/// Judges embeddings by the protocols of public test sets.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The list: a CSV with columns as the protocol wants them, or what a public test set has.
    #[arg(value_name = "LIST")]
    list: PathBuf,
    /// How to judge.
    #[arg(long, value_enum, default_value_t = Protocol::Verification)]
    protocol: Protocol,
    /// The folder that the files of the list are in. Default: the list's own.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Embeddings that `embed -o` wrote, with the .csv beside them, instead of looking at the pictures.
    #[arg(long, value_name = "FILE.npy")]
    embeddings: Option<PathBuf>,
    #[command(flatten)]
    recogniser: RecogniserArgs,
    /// Folds, where the list does not say them.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000))]
    folds: u32,
    /// False accept rates to report the true accept rate at.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001], value_name = "FAR,…", value_parser = rate)]
    far: Vec<f64>,
    /// Parts of the strangers let in to report identification at.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.01, 0.001], value_name = "FPIR,…", value_parser = rate)]
    fpir: Vec<f64>,
    /// The largest rank that counts.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1023))]
    ranks: u32,
    /// Numbers of distractors to search among.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1000, 10_000, 100_000, 1_000_000], value_name = "N,…")]
    distractors: Vec<usize>,
    /// Files of a MegaFace list that are known to be wrong, one a line: probes are replaced by the mean of their person, distractors left out.
    #[arg(long, value_name = "FILE")]
    noisy: Option<PathBuf>,
    /// Writes a report with curves and histograms: one HTML file, nothing beside it.
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
    /// Writes the curves as SVG files into a folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Sets the model's threshold to that of this false accept rate, and writes the model to --calibrated.
    #[arg(long, value_name = "FAR", requires = "calibrated", value_parser = rate)]
    calibrate: Option<f64>,
    /// Where the model with the new threshold goes.
    #[arg(long, value_name = "OUT.safetensors", requires = "calibrate")]
    calibrated: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(|| format!("`{text}` is not a rate from 0 to 1"))
}

/// What a protocol has to say.
struct Verdict {
    report: Report,
    json: Value,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    if args.calibrate.is_some() && args.protocol != Protocol::Verification {
        return Err(
            Error::Caller("A threshold is calibrated on pairs of pictures. Leave out --calibrate, or the protocol.".to_owned()).into()
        );
    }
    if args.noisy.is_some() && args.protocol != Protocol::Megaface {
        return Err(Error::Caller("A list of noisy files belongs to the protocol megaface. Leave out --noisy.".to_owned()).into());
    }
    let root = args.root.clone().unwrap_or_else(|| args.list.parent().map(PathBuf::from).unwrap_or_default());
    let run: fn(&GlobalArgs, &Ui, &Args, &Path) -> Outcome<Verdict> = match args.protocol {
        Protocol::Verification => verification::run,
        Protocol::Identification => identification::run,
        Protocol::Video => video::run,
        Protocol::Megaface => megaface::run,
        Protocol::Clustering => clusters::run,
    };
    let Verdict { report, json } = run(global, ui, args, &root)?;
    if let Some(folder) = &args.plots {
        report.write_plots(folder)?;
    }
    if let Some(path) = &args.html {
        report.write(path)?;
    }
    if ui.json {
        ui.json(&json)?;
    } else {
        for section in &report.sections {
            if !section.heading.is_empty() {
                ui.line(&section.heading)?;
            }
            section.lines.iter().try_for_each(|line| ui.line(line))?;
        }
    }
    Ok(Done::Yes)
}

/// 1 where more is more alike, -1 where scores are distances.
fn sign(similarity: Similarity) -> f64 {
    if similarity.is_distance() { -1.0 } else { 1.0 }
}

/// The threshold of a model that accepts at most the part `far` of these pairs of two people.
///
/// # Errors
/// [`Error::Caller`] where there are too few pairs to tell.
pub(crate) fn threshold_at(separation: &Separation, far: f64, similarity: Similarity) -> Result<f32> {
    let point = separation.tar_at_far(far);
    if !point.measurable {
        let pairs = separation.impostor().len();
        return Err(Error::Caller(format!(
            "A false accept rate of {far} cannot be measured on {pairs} pairs of different people. Give more pairs, or at least 1/{pairs}."
        )));
    }
    // Scores above the order statistic count; a model accepts its threshold itself, so it is the next larger number.
    let score = (point.threshold as f32).next_up();
    Ok(if similarity.is_distance() { -score } else { score })
}
