//! `lookalike eval`

mod judge;
mod pairs;
mod plots;
mod report;

use std::path::PathBuf;

use lookalike::embed::Embedding;
use lookalike::face::Which;
use lookalike::model::{Precision, Similarity};
use lookalike::{Error, Result};

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::recogniser::{Recogniser, RecogniserArgs};
use super::ui::{Done, Outcome, Ui};
use judge::Judgement;
use pairs::Pairs;

/// Verification on labelled pairs: accuracy in folds, true accept rates, curves; per group where the list names groups.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A CSV with the columns file_a, file_b, same (and group, fold), or a pairs.txt as LFW has it.
    #[arg(value_name = "PAIRS")]
    pairs: PathBuf,
    /// The folder that the files of the list are in. Default: the list's own.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    recogniser: RecogniserArgs,
    /// Folds, where the list does not say them.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000))]
    folds: u32,
    /// False accept rates to report the true accept rate at.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001], value_name = "FAR,…")]
    far: Vec<f64>,
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

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let beside = args.pairs.parent().map(PathBuf::from).unwrap_or_default();
    let list = Pairs::read(&args.pairs, args.root.as_ref().unwrap_or(&beside))?;
    let mut model = args.recogniser.model()?;
    let similarity = model.description.embedding.as_ref().map(|e| e.similarity).unwrap_or_default();
    let gpu = open_gpu(global, ui)?;
    let recogniser = Recogniser::open(global, &gpu, &args.recogniser, &model, Which::Main, false)?;
    let mut embeddings: Vec<Option<Embedding>> = list.files.iter().map(|_| None).collect();
    recogniser.see_files(ui, &list.files, |index, seen| {
        match seen {
            Ok((_, answer)) => {
                let name = list.files[index].display().to_string();
                answer.reasons(&name).iter().for_each(|reason| ui.skipped(reason));
                embeddings[index] = answer.seen.into_iter().next().map(|s| s.embedding);
            }
            Err(e) => ui.skipped(&e.to_string()),
        }
        Ok(())
    })?;
    let judged = Judgement::new(&list, &embeddings, similarity, &model, args.folds as usize, &args.far)?;
    if let Some(folder) = &args.plots {
        plots::write(folder, &judged)?;
    }
    if let Some(path) = &args.html {
        report::write(path, &judged)?;
    }
    if let (Some(far), Some(path)) = (args.calibrate, &args.calibrated) {
        calibrate(&mut model, &judged, far, similarity)?;
        model.save(path, Precision::from(global.precision))?;
        ui.note(&format!("{} holds the threshold of a false accept rate of {far}.", path.display()));
    }
    if ui.json {
        ui.json(&judged.json())?;
    } else {
        judged.lines().iter().try_for_each(|line| ui.line(line))?;
    }
    Ok(Done::Yes)
}

/// The threshold of a false accept rate becomes the model's own.
fn calibrate(model: &mut lookalike::model::Model, judged: &Judgement, far: f64, similarity: Similarity) -> Result<()> {
    let point = judged.separation.tar_at_far(far);
    if !point.measurable {
        return Err(Error::Caller(format!(
            "A false accept rate of {far} cannot be measured on {} pairs of different people. Give more pairs, or at least 1/{}.",
            judged.separation.impostor().len(),
            judged.separation.impostor().len()
        )));
    }
    let mut description = model.description.clone();
    // Scores above the order statistic count; a model accepts its threshold itself, so it is the next larger number.
    let score = (point.threshold as f32).next_up();
    let threshold = if similarity.is_distance() { -score } else { score };
    description.embedding.get_or_insert_with(Default::default).threshold = Some(threshold);
    model.describe(description)
}
