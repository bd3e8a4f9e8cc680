//! `lookalike verify`

mod draw;

use std::path::{Path, PathBuf};

use lookalike::Error;
use lookalike::embed::{Comparison, EmbeddedFace, Embedding, Picture, mean, pool};
use lookalike::face::Which;
use lookalike::gpu::Gpu;
use lookalike::model::{Normalize, Similarity};
use serde_json::json;

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::faces::{crop, number, record, upload};
use super::pictures;
use super::recogniser::{Recogniser, RecogniserArgs};
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A picture of a person, or a folder of pictures of one person, whose embeddings are averaged.
    a: PathBuf,
    /// The other.
    b: PathBuf,
    #[command(flatten)]
    recogniser: RecogniserArgs,
    /// The least similarity (for distances the largest) of one person. Default: what the model's description says.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Draws both pictures with boxes, landmarks and crops, and the score beside the threshold.
    #[arg(long, value_name = "OUT.png")]
    picture: Option<PathBuf>,
}

/// One side of the comparison.
struct Side {
    /// Pictures that count.
    pictures: usize,
    /// The first of them, and what was seen in it.
    picture: Picture,
    face: Option<EmbeddedFace>,
    /// What the network saw of it.
    crop: Picture,
    /// Of all of them.
    embedding: Embedding,
}

/// What compares: device and network.
struct Verifier<'a> {
    ui: &'a Ui,
    gpu: Gpu,
    recogniser: Recogniser,
    /// Whether several pictures of a person are pooled to unit length.
    unit: bool,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let model = args.recogniser.model()?;
    let comparison = Comparison::of(&model.description, args.threshold)?;
    let gpu = open_gpu(global, ui)?;
    let recogniser = Recogniser::open(global, &gpu, &args.recogniser, &model, Which::Main, true)?;
    let by_angle = comparison.similarity() == Similarity::Cosine;
    let embedding = model.description.embedding.as_ref();
    let verifier = Verifier { ui, gpu, recogniser, unit: by_angle || embedding.is_none_or(|e| e.normalize == Normalize::L2) };
    let (a, b) = (verifier.side(&args.a)?, verifier.side(&args.b)?);
    let score = comparison.score(&a.embedding, &b.embedding);
    let same = comparison.accepts(score);
    let metric = serde_json::to_value(comparison.similarity()).unwrap_or_default();
    let metric = metric.as_str().unwrap_or_default();
    if let Some(path) = &args.picture {
        draw::sheet([&a, &b], [&args.a, &args.b], score, &comparison)?.save(path)?;
    }
    if ui.json {
        let side = |s: &Side| json!({ "pictures": s.pictures, "face": s.face.as_ref().map(record) });
        ui.json(&json!({
            "similarity": number(score), "threshold": number(comparison.threshold), "same": same, "metric": metric, "a": side(&a), "b": side(&b),
            "model": model.description.name, "picture": args.picture.as_ref().map(|p| p.display().to_string()),
        }))?;
    } else {
        let verdict = if same { "the same person" } else { "different people" };
        ui.line(&format!("{verdict}: {metric} {score:.4}, threshold {:.4} ({})", comparison.threshold, model.description.title()))?;
        if let Some(path) = &args.picture {
            ui.line(&format!("picture: {}", path.display()))?;
        }
    }
    Ok(if same { Done::Yes } else { Done::No })
}

impl Verifier<'_> {
    /// The picture, or the pictures of a folder as one template.
    fn side(&self, path: &Path) -> Outcome<Side> {
        let paths = pictures::list(&[path.to_owned()])?;
        let whole = path.is_dir();
        let mut first = None;
        let mut embeddings = Vec::new();
        self.recogniser.see_files(self.ui, &paths, |index, seen| {
            let name = paths[index].display().to_string();
            let usable = seen.and_then(|(picture, mut answer)| {
                let reason = answer.reasons(&name).into_iter().next().unwrap_or_default();
                if answer.seen.is_empty() { Err(Error::NoFace(reason)) } else { Ok((picture, answer.seen.swap_remove(0))) }
            });
            match usable {
                Ok((picture, seen)) => {
                    embeddings.push(seen.embedding.clone());
                    first.get_or_insert((picture, seen));
                    Ok(())
                }
                // One picture has to do; of a folder, what can be used is used.
                Err(e) if whole => {
                    self.ui.skipped(&e.to_string());
                    Ok(())
                }
                Err(e) => Err(e.into()),
            }
        })?;
        let Some((picture, seen)) = first else {
            let text = format!("No picture of {} can be used ({} tried). Give pictures with a face.", path.display(), paths.len());
            return Err(Error::NoFace(text).into());
        };
        let crop = match &seen.face {
            Some(face) => crop(&self.gpu, &upload(&self.gpu, &picture)?, face.alignment.look, self.recogniser.embedder().size())?,
            None => picture.clone(),
        };
        // One picture is compared as it is: pooling would bring it to unit length.
        let embedding = match embeddings.len() {
            1 => seen.embedding,
            _ if self.unit => pool(&embeddings, None)?,
            _ => mean(&embeddings)?,
        };
        Ok(Side { pictures: embeddings.len(), picture, face: seen.face, crop, embedding })
    }
}
