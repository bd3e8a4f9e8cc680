//! From picture files to embeddings, for every command that embeds, enrols, searches or compares.

use std::path::PathBuf;

use lookalike::embed::{EmbedOptions, EmbeddedFace, Embedder, Embedding, FaceEmbedder, Fit, LeftOut, Pending, PendingFaces, Picture};
use lookalike::face::Which;
use lookalike::gallery::GalleryModel;
use lookalike::gpu::Gpu;
use lookalike::model::{Flip, Model, Precision};
use lookalike::{Error, Result};

use super::args::{DescribeArg, FlipArg, GlobalArgs};
use super::context::model_or_builtin;
use super::faces::{FaceArgs, no_face, upload};
use super::pictures;
use super::ui::{Outcome, Ui};

/// Which network looks at pictures, and how.
#[derive(clap::Args)]
pub(crate) struct RecogniserArgs {
    /// A model file or an .onnx. Default: the built-in embedder.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) describe: DescribeArg,
    #[command(flatten)]
    faces: FaceArgs,
    /// The pictures are aligned crops already.
    #[arg(long, conflicts_with = "no_detect")]
    aligned: bool,
    /// Takes the middle of each picture without looking for a face.
    #[arg(long)]
    no_detect: bool,
    /// Mirror augmentation. Default: what the model's description says.
    #[arg(long, value_enum)]
    pub(crate) flip: Option<FlipArg>,
    /// Pictures, and faces, in a run of the network.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
}

impl RecogniserArgs {
    /// The model that was named, or the built-in embedder.
    pub(crate) fn model(&self) -> Result<Model> {
        model_or_builtin(self.model.as_deref(), &self.describe)
    }

    /// Whether pictures are photographs, in which faces have to be found.
    pub(crate) fn looks_for_faces(&self) -> bool {
        !self.aligned && !self.no_detect
    }

    fn options(&self, global: &GlobalArgs) -> EmbedOptions {
        EmbedOptions {
            batch: self.batch as usize,
            precision: Precision::from(global.precision),
            flip: self.flip.map(Flip::from),
            fit: Fit::Aligned,
            ..EmbedOptions::default()
        }
    }

    /// What finds and embeds the faces of photographs, whatever is said of crops.
    pub(crate) fn face_embedder(&self, global: &GlobalArgs, gpu: &Gpu, model: &Model, usual: Which) -> Result<FaceEmbedder> {
        self.faces.open(gpu, model, self.options(global), usual, false)
    }

    /// The same, and what a gallery has to know of it.
    pub(crate) fn load(&self) -> Result<(Model, GalleryModel)> {
        let model = self.model()?;
        let identity = GalleryModel::new(&model, self.flip.map(Flip::from));
        Ok((model, identity))
    }
}

/// An embedding, and the face it is of, where one was looked for.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) face: Option<EmbeddedFace>,
    pub(crate) embedding: Embedding,
}

/// What a picture gave.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) seen: Vec<Seen>,
    left_out: Vec<LeftOut>,
}

/// Looks at pictures.
pub(crate) struct Recogniser {
    gpu: Gpu,
    eye: Eye,
}

enum Eye {
    /// Each picture is a crop, or its middle is.
    Crops(Box<Embedder>),
    /// Faces are looked for.
    Photographs(Box<FaceEmbedder>),
}

impl Recogniser {
    /// Compiles what it takes. `usual`: which faces of a photograph count where nothing is said; `quality`: whether faces are judged.
    pub(crate) fn open(global: &GlobalArgs, gpu: &Gpu, args: &RecogniserArgs, model: &Model, usual: Which, quality: bool) -> Result<Self> {
        let eye = if args.looks_for_faces() {
            Eye::Photographs(Box::new(args.faces.open(gpu, model, args.options(global), usual, quality)?))
        } else {
            let fit = if args.no_detect { Fit::CentreCrop } else { Fit::Aligned };
            Eye::Crops(Box::new(Embedder::new(gpu, model, &EmbedOptions { fit, ..args.options(global) })?))
        };
        Ok(Self { gpu: gpu.clone(), eye })
    }

    /// The network behind it.
    pub(crate) fn embedder(&self) -> &Embedder {
        match &self.eye {
            Eye::Crops(embedder) => embedder,
            Eye::Photographs(faces) => faces.embedder(),
        }
    }

    /// How many pictures are best looked at together.
    pub(crate) fn batch(&self) -> usize {
        self.embedder().batch()
    }

    /// What each picture gives, in order.
    pub(crate) fn see(&self, pictures: &[Picture]) -> Result<Vec<Answer>> {
        self.start(pictures)?.finish()
    }

    /// As [`Recogniser::see`], without waiting for the embeddings.
    fn start(&self, pictures: &[Picture]) -> Result<Looking<'_>> {
        Ok(match &self.eye {
            Eye::Crops(embedder) => Looking::Crops(embedder.start(pictures)?),
            Eye::Photographs(faces) => {
                let photos = pictures.iter().map(|p| upload(&self.gpu, p)).collect::<Result<Vec<_>>>()?;
                Looking::Photographs(faces.start(&photos)?)
            }
        })
    }

    /// Decodes in the background, looks at pictures in batches and calls `take` for every file in order: with the picture and what it gave,
    /// or with the reason why it could not be read. While the device embeds a batch, the next one is uploaded, searched and started.
    pub(crate) fn see_files(
        &self,
        ui: &Ui,
        paths: &[PathBuf],
        mut take: impl FnMut(usize, Result<(Picture, Answer)>) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut progress = ui.progress(paths.len(), "embedding");
        let mut waiting: Vec<(usize, Result<Picture>)> = Vec::new();
        let mut ahead: Option<Batch<'_>> = None;
        let mut land = |batch: Batch<'_>| -> Outcome<()> {
            let Batch { order, pictures, looking } = batch;
            let answers = looking.map_or_else(|| Ok(Vec::new()), Looking::finish)?;
            let (n, mut answers) = (order.len(), pictures.into_iter().zip(answers));
            progress.interrupt(|| {
                order.into_iter().try_for_each(|(index, unread)| {
                    take(index, unread.map_or_else(|| answers.next().ok_or_else(|| lost(&paths[index])), Err))
                })
            })?;
            progress.advance(n);
            Ok(())
        };
        let mut flush = |waiting: &mut Vec<(usize, Result<Picture>)>| -> Outcome<()> {
            let (order, pictures) = sorted_out(std::mem::take(waiting));
            let looking = if pictures.is_empty() { Ok(None) } else { self.start(&pictures).map(Some) };
            // What was begun before is not lost when this fails.
            ahead.take().map_or(Ok(()), &mut land)?;
            ahead = Some(Batch { order, pictures, looking: looking? });
            Ok(())
        };
        pictures::decoded(paths, self.batch(), |index, decoded| {
            waiting.push((index, decoded));
            let pixels: u64 = waiting.iter().filter_map(|w| w.1.as_ref().ok()).map(|p| u64::from(p.width) * u64::from(p.height)).sum();
            if waiting.len() == self.batch() || pixels >= pictures::BATCH_PIXELS { flush(&mut waiting) } else { Ok(()) }
        })?;
        flush(&mut waiting)?;
        ahead.take().map_or(Ok(()), &mut land)?;
        progress.finish();
        Ok(())
    }
}

/// What a recogniser is looking at.
enum Looking<'r> {
    Crops(Pending<'r>),
    Photographs(PendingFaces<'r>),
}

impl Looking<'_> {
    /// Waits for what each picture gives, in order.
    fn finish(self) -> Result<Vec<Answer>> {
        Ok(match self {
            Self::Crops(pending) => {
                let of = |embedding| Answer { seen: vec![Seen { face: None, embedding }], left_out: Vec::new() };
                pending.finish()?.into_iter().map(of).collect()
            }
            Self::Photographs(pending) => {
                let seen = |face: EmbeddedFace| Seen { embedding: face.embedding.clone(), face: Some(face) };
                let found = pending.finish()?.into_iter();
                found.map(|f| Answer { seen: f.faces.into_iter().map(seen).collect(), left_out: f.left_out }).collect()
            }
        })
    }
}

/// A batch of files that is under way.
struct Batch<'r> {
    /// Every file, with the reason if it cannot be read.
    order: Vec<(usize, Option<Error>)>,
    pictures: Vec<Picture>,
    /// `None` without pictures.
    looking: Option<Looking<'r>>,
}

/// Indices with the reasons of those that cannot be read, and the pictures of the others, both in order.
fn sorted_out(waiting: Vec<(usize, Result<Picture>)>) -> (Vec<(usize, Option<Error>)>, Vec<Picture>) {
    let mut pictures = Vec::with_capacity(waiting.len());
    let order = waiting
        .into_iter()
        .map(|(index, decoded)| match decoded {
            Ok(picture) => {
                pictures.push(picture);
                (index, None)
            }
            Err(e) => (index, Some(e)),
        })
        .collect();
    (order, pictures)
}

fn lost(path: &std::path::Path) -> Error {
    Error::Picture(format!("The picture `{}` has no result. Report this.", path.display()))
}

impl Answer {
    /// Why there is nothing of a picture, or nothing of some of its faces: a sentence each.
    pub(crate) fn reasons(&self, name: &str) -> Vec<String> {
        if self.seen.is_empty() && self.left_out.is_empty() {
            return vec![no_face(name).to_string()];
        }
        self.left_out.iter().map(|left| format!("{name}: {}", left.reason)).collect()
    }
}

impl Seen {
    /// How good the picture of the face is, 0..1, where it was judged.
    pub(crate) fn quality(&self) -> Option<f32> {
        self.face.as_ref().and_then(|f| f.quality).map(|q| q.overall())
    }

    /// Left, top, right, bottom in pixels, where the face was looked for.
    pub(crate) fn bounds(&self) -> Option<[f32; 4]> {
        self.face.as_ref().map(|f| f.face.bounds)
    }
}
