//! `lookalike watch`

mod folder;
mod frames;
mod people;
mod video;

use std::path::PathBuf;

use lookalike::Error;
use lookalike::embed::{Comparison, EmbedOptions, Fit};
use lookalike::face::Which;
use lookalike::model::Precision;

use super::args::{DescribeArg, GlobalArgs};
use super::context::{model_or_builtin, open_gpu};
use super::faces::FaceArgs;
use super::ui::{Outcome, Ui};
use people::People;

/// Who is in a stream of frames, or in pictures as they arrive in a folder: a line of JSON for each.
///
/// People are numbered as they appear: a face is told by the similarity to those seen before. Faces are followed from frame to frame, so
/// that a person is embedded when they appear and then now and again.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder: its pictures, then those that are added to it.
    #[arg(value_name = "DIR", required_unless_present = "frames", conflicts_with = "frames")]
    folder: Option<PathBuf>,
    /// Frames from standard input (`-`): JPEG files one after the other (`ffmpeg -i VIDEO -f mjpeg -`), or raw RGB with --size.
    #[arg(long, value_name = "-", value_parser = ["-"])]
    frames: Option<String>,
    /// Width and height of raw frames (`ffmpeg -i VIDEO -f rawvideo -pix_fmt rgb24 -`).
    #[arg(long, value_name = "WxH", value_parser = super::faces::size, requires = "frames")]
    size: Option<[u32; 2]>,
    /// Looks for faces in every N-th frame; in between they stay where they were.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "frames")]
    every: u32,
    /// Leaves frames out that arrive while another is worked on, as a camera needs it.
    #[arg(long, requires = "frames")]
    live: bool,
    /// Embeds a face that is followed again after this many searches; 0 = never.
    #[arg(long, default_value_t = 30, value_name = "N")]
    refresh: u32,
    /// Ends when all pictures of the folder have been looked at.
    #[arg(long, conflicts_with = "frames")]
    once: bool,
    /// A model file or an .onnx. Default: the built-in embedder.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    #[command(flatten)]
    faces: FaceArgs,
    /// The least similarity (for distances the largest) of one person. Default: what the model's description says.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    threshold: Option<f32>,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    if let Some(folder) = args.folder.as_ref().filter(|f| !f.is_dir()) {
        return Err(Error::Caller(format!("{} is not a folder. Name a folder, or give frames with --frames -.", folder.display())).into());
    }
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    let people = People::new(Comparison::of(&model.description, args.threshold)?);
    let gpu = open_gpu(global, ui)?;
    let options = EmbedOptions { precision: Precision::from(global.precision), fit: Fit::Aligned, ..EmbedOptions::default() };
    let embedder = args.faces.open(&gpu, &model, options, Which::All, false)?;
    match &args.folder {
        Some(folder) => folder::watch(ui, &gpu, &embedder, people, folder, args.once),
        None => video::watch(ui, &gpu, &embedder, people, args),
    }
}
