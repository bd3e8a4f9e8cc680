//! `lookalike embed`

mod output;

use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use lookalike::Error;
use lookalike::embed::{EmbedOptions, Embedder, Embedding, Fit, Picture};
use lookalike::model::{Flip, Precision};
use lookalike::tensor::{Shape, Tensor};
use serde_json::json;

use super::args::{DescribeArg, GlobalArgs};
use super::context::{model_or_builtin, open_gpu, print_profile};
use super::pictures;
use super::ui::{Done, Outcome, Progress, Ui};
use output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// A model file or an .onnx. Default: the built-in embedder.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// Where to write: .npy (with a .csv of sources beside it), .parquet, .jsonl or .csv. Default: a table, or JSON lines with --json.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The pictures are aligned crops already.
    #[arg(long)]
    aligned: bool,
    /// Mirror augmentation. Default: what the model's description says.
    #[arg(long, value_enum)]
    flip: Option<FlipArg>,
    /// Pictures in a run of the network.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FlipArg {
    /// The picture alone.
    None,
    /// The sum of the embeddings of the picture and its mirror image.
    Sum,
    /// Both, one after the other.
    Concat,
}

impl From<FlipArg> for Flip {
    fn from(flip: FlipArg) -> Self {
        match flip {
            FlipArg::None => Self::None,
            FlipArg::Sum => Self::Sum,
            FlipArg::Concat => Self::Concat,
        }
    }
}

/// What became of the pictures.
#[derive(Default)]
struct Tally {
    embedded: usize,
    skipped: usize,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let mut output = Output::open(ui, args.output.as_deref())?;
    let paths = pictures::list(&args.pictures)?;
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    let gpu = open_gpu(global, ui)?;
    let options = EmbedOptions {
        batch: args.batch as usize,
        precision: Precision::from(global.precision),
        flip: args.flip.map(Flip::from),
        fit: if args.aligned { Fit::Aligned } else { Fit::CentreCrop },
    };
    let embedder = Embedder::new(&gpu, &model, &options)?;
    if !args.aligned {
        ui.note("Faces are not detected yet: the centre of each picture is embedded. Use --aligned for crops that are ready.");
    }
    let start = Instant::now();
    let tally = embed_all(ui, &embedder, &paths, &mut output)?;
    if tally.embedded == 0 {
        let text = format!("No picture could be embedded ({} of {} skipped). See the reasons above.", tally.skipped, paths.len());
        return Err(Error::Picture(text).into());
    }
    let place = output.finish()?;
    summarise(ui, args, &tally, place.as_deref(), start.elapsed().as_secs_f64())?;
    if ui.verbosity > 1 {
        profile(ui, &embedder, &model)?;
    }
    Ok(Done::Yes)
}

/// Decodes in the background, embeds in batches, writes in order.
fn embed_all(ui: &Ui, embedder: &Embedder, paths: &[PathBuf], output: &mut Output<'_>) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let mut progress = ui.progress(paths.len(), "embedding");
    let mut waiting: Vec<(usize, Picture)> = Vec::new();
    pictures::decoded(paths, embedder.batch(), |index, decoded| {
        match decoded {
            Ok(picture) => waiting.push((index, picture)),
            Err(e) => {
                tally.skipped += 1;
                progress.advance(1);
                progress.interrupt(|| ui.skipped(&e.to_string()));
            }
        }
        if waiting.len() == embedder.batch() {
            flush(embedder, paths, &mut waiting, output, &mut tally, &mut progress)?;
        }
        Ok(())
    })?;
    flush(embedder, paths, &mut waiting, output, &mut tally, &mut progress)?;
    progress.finish();
    Ok(tally)
}

fn flush(
    embedder: &Embedder,
    paths: &[PathBuf],
    waiting: &mut Vec<(usize, Picture)>,
    output: &mut Output<'_>,
    tally: &mut Tally,
    progress: &mut Progress,
) -> Outcome<()> {
    let (indices, pictures): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
    let embeddings: Vec<Embedding> = embedder.embed(&pictures)?;
    for (index, embedding) in indices.into_iter().zip(&embeddings) {
        output.write(&paths[index], embedding)?;
    }
    tally.embedded += embeddings.len();
    progress.advance(embeddings.len());
    Ok(())
}

fn summarise(ui: &Ui, args: &Args, tally: &Tally, place: Option<&str>, seconds: f64) -> Outcome<()> {
    let rate = if seconds > 0.0 { tally.embedded as f64 / seconds } else { 0.0 };
    if ui.json && args.output.is_some() {
        ui.json(&json!({ "embedded": tally.embedded, "skipped": tally.skipped, "output": place, "seconds": seconds, "images_per_second": rate }))?;
    }
    let into = place.map(|p| format!(" into {p}")).unwrap_or_default();
    let plural = if tally.embedded == 1 { "" } else { "s" };
    ui.say_plain(&format!(
        "embedded {} picture{plural}{into}, {} skipped, {seconds:.2} s ({rate:.1} per second)",
        tally.embedded, tally.skipped
    ));
    Ok(())
}

/// A line per kernel, measured on a grey picture.
fn profile(ui: &Ui, embedder: &Embedder, model: &lookalike::model::Model) -> Outcome<()> {
    let [width, height] = embedder.size();
    let Some(input) = model.graph.inputs.first() else { return Ok(()) };
    let channels = match input.dims.get(1) {
        Some(lookalike::graph::Dim::Fixed(n)) => *n,
        _ => 3,
    };
    let zeros = Tensor::zeros(Shape::from([embedder.batch(), channels, height, width]));
    print_profile(ui, &embedder.network().profile(&[(model.graph.name(input.value), &zeros)])?);
    Ok(())
}
