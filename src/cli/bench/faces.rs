//! `lookalike bench faces`

use std::path::PathBuf;
use std::time::Instant;

use lookalike::embed::Picture;
use lookalike::face::Which;
use lookalike::gpu::Photo;
use lookalike::{Error, Result};
use serde_json::json;

use crate::cli::args::GlobalArgs;
use crate::cli::context::{adapter_line, open_gpu};
use crate::cli::faces::upload;
use crate::cli::pictures;
use crate::cli::recogniser::RecogniserArgs;
use crate::cli::table::Table;
use crate::cli::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// Rounds over all pictures; the median of each stage counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    recogniser: RecogniserArgs,
}

/// What a face goes through, in order.
const STAGES: [&str; 4] = ["decode", "upload", "detect", "align and embed"];

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let paths = pictures::list(&args.pictures)?;
    let model = args.recogniser.model()?;
    let gpu = open_gpu(global, ui)?;
    let embedder = args.recogniser.face_embedder(global, &gpu, &model, Which::All)?;
    let mut times: [Vec<f64>; 4] = Default::default();
    let (mut faces, mut pixels) = (0, 0);
    let mut progress = ui.progress(args.rounds as usize + 1, "rounds");
    // The first round compiles and plans.
    for round in 0..=args.rounds {
        let mut took = [0.0; 4];
        (faces, pixels) = (0, 0);
        for path in &paths {
            let picture = timed(&mut took[0], || Picture::open(path))?;
            pixels += u64::from(picture.width) * u64::from(picture.height);
            let photos: [Photo; 1] = [timed(&mut took[1], || upload(&gpu, &picture))?];
            let found = timed(&mut took[2], || embedder.finder().find(&photos))?;
            let embedded = timed(&mut took[3], || embedder.embed_faces(&photos, found))?;
            faces += embedded.iter().map(|f| f.faces.len()).sum::<usize>();
        }
        progress.advance(1);
        if round > 0 {
            times.iter_mut().zip(took).for_each(|(all, t)| all.push(t));
        }
    }
    progress.finish();
    if faces == 0 {
        return Err(Error::NoFace(format!("There is no face in {} pictures to measure with. Give pictures of faces.", paths.len())).into());
    }
    let medians = times.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    let total: f64 = medians.iter().sum();
    let rate = |seconds: f64| if seconds > 0.0 { faces as f64 / seconds } else { 0.0 };
    if ui.json {
        let stages: Vec<_> = STAGES
            .iter()
            .zip(medians)
            .map(|(name, s)| json!({ "stage": name, "ms_per_picture": 1e3 * s / paths.len() as f64, "faces_per_second": rate(s) }))
            .collect();
        ui.json(&json!({
            "pictures": paths.len(), "faces": faces, "megapixels": pixels as f64 / 1e6, "stages": stages, "faces_per_second": rate(total),
            "adapter": gpu.adapter(),
        }))?;
        return Ok(Done::Yes);
    }
    let mut table = Table::new(&["stage", ">ms a picture", ">ms a face", ">faces a second"]);
    for (name, s) in STAGES.iter().copied().zip(medians).chain([("all", total)]) {
        let each = |n: usize| format!("{:.1}", 1e3 * s / n as f64);
        table.row([name.to_owned(), each(paths.len()), each(faces), format!("{:.1}", rate(s))]);
    }
    ui.line(&table.to_string())?;
    ui.line(&format!(
        "\n{} pictures ({:.1} megapixels), {faces} faces, median of {} rounds, on {}",
        paths.len(),
        pixels as f64 / 1e6,
        args.rounds,
        adapter_line(&gpu)
    ))?;
    Ok(Done::Yes)
}

fn timed<T>(total: &mut f64, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed().as_secs_f64();
    result
}
