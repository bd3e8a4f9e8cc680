//! `lookalike embed`

mod output;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lookalike::embed::Embedder;
use lookalike::face::Which;
use lookalike::model::Model;
use lookalike::tensor::Tensor;
use lookalike::{Error, Result};
use serde_json::json;

use super::args::GlobalArgs;
use super::context::{open_gpu, print_profile};
use super::pictures;
use super::recogniser::{Answer, Recogniser, RecogniserArgs};
use super::ui::{Done, Outcome, Ui};
use output::Output;

/// Turns faces into embeddings: finds them in photographs, aligns them as the model wants, embeds them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// Where to write: .npy (with a .csv of sources beside it), .parquet, .jsonl or .csv. Default: a table, or JSON lines with --json.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    recogniser: RecogniserArgs,
    /// Judges faces: the quality of each goes into the output.
    #[arg(long)]
    quality: bool,
}

/// What became of the pictures.
#[derive(Default)]
struct Tally {
    /// Pictures that could be read.
    read: usize,
    /// Embeddings.
    embedded: usize,
    /// Pictures that could not be read.
    skipped: usize,
    /// Pictures without a face that could be embedded.
    faceless: usize,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let mut output = Output::open(ui, args.output.as_deref(), args.recogniser.looks_for_faces())?;
    let paths = pictures::list(&args.pictures)?;
    let model = args.recogniser.model()?;
    let gpu = open_gpu(global, ui)?;
    let recogniser = Recogniser::open(global, &gpu, &args.recogniser, &model, Which::All, args.quality)?;
    let start = Instant::now();
    let mut tally = Tally::default();
    recogniser.see_files(ui, &paths, |index, seen| take(ui, &paths[index], seen.map(|s| s.1), &mut output, &mut tally))?;
    if tally.embedded == 0 {
        return Err(nothing(&tally, paths.len()).into());
    }
    let place = output.finish()?;
    summarise(ui, args, &tally, place.as_deref(), start.elapsed().as_secs_f64())?;
    if ui.verbosity > 1 {
        profile(ui, recogniser.embedder(), &model)?;
    }
    Ok(Done::Yes)
}

/// Writes what a picture gave, or tells why it gave nothing.
fn take(ui: &Ui, path: &Path, answer: Result<Answer>, output: &mut Output<'_>, tally: &mut Tally) -> Outcome<()> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(e) => {
            tally.skipped += 1;
            ui.skipped(&e.to_string());
            return Ok(());
        }
    };
    tally.read += 1;
    tally.faceless += usize::from(answer.seen.is_empty());
    answer.reasons(&path.display().to_string()).iter().for_each(|reason| ui.skipped(reason));
    for (number, seen) in answer.seen.iter().enumerate() {
        output.write(path, number, seen)?;
        tally.embedded += 1;
    }
    Ok(())
}

/// The reason why there is no result at all.
fn nothing(tally: &Tally, pictures: usize) -> Error {
    let text = format!(
        "Nothing could be embedded: of {pictures} pictures, {} cannot be read and {} show no usable face. See the reasons above.",
        tally.skipped, tally.faceless
    );
    if tally.read == 0 { Error::Picture(text) } else { Error::NoFace(text) }
}

fn summarise(ui: &Ui, args: &Args, tally: &Tally, place: Option<&str>, seconds: f64) -> Outcome<()> {
    let rate = if seconds > 0.0 { tally.read as f64 / seconds } else { 0.0 };
    if ui.json && args.output.is_some() {
        ui.json(&json!({
            "embedded": tally.embedded, "skipped": tally.skipped, "no_face": tally.faceless, "output": place, "seconds": seconds,
            "images_per_second": rate,
        }))?;
    }
    let into = place.map(|p| format!(" into {p}")).unwrap_or_default();
    let what = match tally.embedded {
        1 => "1 embedding".to_owned(),
        n => format!("{n} embeddings"),
    };
    let plural = if tally.read == 1 { "" } else { "s" };
    let faceless = if tally.faceless > 0 { format!(", {} without a face", tally.faceless) } else { String::new() };
    ui.say_plain(&format!(
        "{what} of {} picture{plural}{into}{faceless}, {} skipped, {seconds:.2} s ({rate:.1} pictures per second)",
        tally.read, tally.skipped
    ));
    Ok(())
}

/// A line per kernel, measured on a grey picture.
fn profile(ui: &Ui, embedder: &Embedder, model: &Model) -> Outcome<()> {
    let (name, shape) = model.picture_input(embedder.batch())?;
    let zeros = Tensor::zeros(shape);
    print_profile(ui, &embedder.network().profile(&[(&name, &zeros)])?);
    Ok(())
}
