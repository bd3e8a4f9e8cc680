//! `lookalike detect`

mod draw;
mod output;

use std::path::{Path, PathBuf};

use lookalike::Error;
use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::face::detect::{Detect, DetectOptions, Detector};
use lookalike::gpu::Gpu;

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::detector::{DetectorArgs, no_detector, open_detector};
use super::faces::upload;
use super::pictures;
use super::ui::{Done, Outcome, Progress, Ui};
use output::Found;

/// Pictures that are searched at once.
const BATCH: usize = 8;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    #[command(flatten)]
    detector: DetectorArgs,
    /// The same as --face-threshold.
    #[arg(long, value_name = "S", conflicts_with = "face_threshold")]
    threshold: Option<f32>,
    /// Writes every picture with its faces drawn into it, as PNG.
    #[arg(long, value_name = "DIR")]
    draw: Option<PathBuf>,
}

/// What the search needs, and what came of it.
struct Search<'a> {
    ui: &'a Ui,
    gpu: Gpu,
    detector: Detector,
    options: DetectOptions,
    draw: Option<draw::Folder>,
    paths: &'a [PathBuf],
    found: Vec<Found>,
    skipped: usize,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let paths = pictures::list(&args.pictures)?;
    let draw = args.draw.as_deref().map(draw::Folder::new).transpose()?;
    let gpu = open_gpu(global, ui)?;
    let detector = open_detector(&args.detector, &gpu)?.ok_or_else(no_detector)?;
    let mut options = args.detector.options();
    options.threshold = args.threshold.or(options.threshold);
    let mut search = Search { ui, gpu, detector, options, draw, paths: &paths, found: Vec::new(), skipped: 0 };
    search.all()?;
    if search.found.is_empty() {
        let text = format!("No picture could be searched ({} of {} skipped). See the reasons above.", search.skipped, paths.len());
        return Err(Error::Picture(text).into());
    }
    output::print(ui, &search.found)?;
    let faces: usize = search.found.iter().map(|f| f.faces.len()).sum();
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    ui.say_plain(&format!(
        "{faces} face{} in {} picture{}, {} skipped",
        plural(faces),
        search.found.len(),
        plural(search.found.len()),
        search.skipped
    ));
    Ok(Done::Yes)
}

impl Search<'_> {
    /// Decodes in the background, searches in batches, keeps the order.
    fn all(&mut self) -> Outcome<()> {
        let paths = self.paths;
        let mut progress = self.ui.progress(paths.len(), "detecting");
        let mut waiting: Vec<(usize, Picture)> = Vec::new();
        pictures::decoded(paths, BATCH, |index, decoded| {
            match decoded {
                Ok(picture) => waiting.push((index, picture)),
                Err(e) => {
                    self.skipped += 1;
                    progress.advance(1);
                    progress.interrupt(|| self.ui.skipped(&e.to_string()));
                }
            }
            let pixels: u64 = waiting.iter().map(|(_, p)| u64::from(p.width) * u64::from(p.height)).sum();
            if waiting.len() == BATCH || pixels >= pictures::BATCH_PIXELS {
                self.batch(&mut waiting, &mut progress)?;
            }
            Ok(())
        })?;
        self.batch(&mut waiting, &mut progress)?;
        progress.finish();
        Ok(())
    }

    fn batch(&mut self, waiting: &mut Vec<(usize, Picture)>, progress: &mut Progress) -> Outcome<()> {
        let photos = waiting.iter().map(|(_, picture)| upload(&self.gpu, picture)).collect::<Result<Vec<_>, _>>()?;
        let faces = self.detector.detect(&photos, &self.options)?;
        progress.advance(waiting.len());
        for ((index, picture), faces) in waiting.drain(..).zip(faces) {
            self.keep(&self.paths[index], picture, faces)?;
        }
        Ok(())
    }

    fn keep(&mut self, path: &Path, picture: Picture, faces: Vec<Face>) -> Outcome<()> {
        if let Some(folder) = &mut self.draw {
            folder.draw(path, picture, &faces)?;
        }
        self.found.push(Found { image: path.display().to_string(), faces });
        Ok(())
    }
}
