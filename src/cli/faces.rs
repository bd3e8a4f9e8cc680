//! What commands that look for faces in photographs have in common.

use std::path::PathBuf;

use lookalike::embed::{EmbedOptions, EmbeddedFace, FaceEmbedder, FaceOptions, Picture};
use lookalike::face::landmarks::Landmarker;
use lookalike::face::{Face, Finder, Which};
use lookalike::gpu::{Gpu, Photo};
use lookalike::import::Limits;
use lookalike::model::{Model, Precision};
use lookalike::network::Look;
use lookalike::{Error, Result};
use serde_json::{Value, json};

use super::detector::{DetectorArgs, no_detector, open_detector};

/// How faces are found and chosen.
#[derive(clap::Args)]
pub(crate) struct FaceArgs {
    #[command(flatten)]
    pub(crate) detector: DetectorArgs,
    /// Every face of a picture.
    #[arg(long, group = "which")]
    all: bool,
    /// Only the largest face of a picture.
    #[arg(long, group = "which")]
    largest: bool,
    /// Only the face nearest to the middle of a picture.
    #[arg(long, group = "which")]
    center: bool,
    /// Least quality of a face, 0 to 1 (sharpness, size, pose, detector's score); poorer ones are left out.
    #[arg(long, default_value_t = 0.0, value_name = "Q", value_parser = fraction)]
    min_quality: f32,
    /// A network that places five or 68 landmarks in the box of a face, instead of the detector's own.
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,
}

pub(crate) fn fraction(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(|| format!("`{text}` is not a number from 0 to 1"))
}

impl FaceArgs {
    /// Which faces were asked for; `usual` where nothing was said.
    pub(crate) fn which(&self, usual: Which) -> Which {
        match (self.all, self.largest, self.center) {
            (true, ..) => Which::All,
            (_, true, _) => Which::Largest,
            (.., true) => Which::Center,
            _ => usual,
        }
    }

    /// Detector and landmark network.
    ///
    /// # Errors
    /// No detector, among others.
    pub(crate) fn finder(&self, gpu: &Gpu, precision: Precision, usual: Which) -> Result<Finder> {
        let detector = open_detector(&self.detector, gpu)?.ok_or_else(no_detector)?;
        let open = |path: &PathBuf| Landmarker::new(gpu, &Model::load(path, &Limits::default())?, precision);
        let landmarks = self.landmarks.as_ref().map(open).transpose()?;
        Ok(Finder::new(Box::new(detector), landmarks, self.detector.options(), self.which(usual)))
    }

    /// Finder, aligner and embedder.
    ///
    /// # Errors
    /// As [`FaceArgs::finder`].
    pub(crate) fn open(&self, gpu: &Gpu, model: &Model, embed: EmbedOptions, usual: Which, quality: bool) -> Result<FaceEmbedder> {
        let finder = self.finder(gpu, embed.precision, usual)?;
        FaceEmbedder::new(gpu, finder, model, &FaceOptions { min_quality: self.min_quality, quality, embed })
    }
}

/// A picture on the device.
pub(crate) fn upload(gpu: &Gpu, picture: &Picture) -> Result<Photo> {
    Photo::upload(gpu, &picture.rgb, picture.width, picture.height)
}

/// The error of a picture without a face, for the list of what was skipped.
pub(crate) fn no_face(name: &str) -> Error {
    Error::NoFace(format!("No face was found in the picture `{name}`."))
}

/// What a network sees of a photo.
pub(crate) fn crop(gpu: &Gpu, photo: &Photo, look: Look, [width, height]: [usize; 2]) -> Result<Picture> {
    let size = [width as u32, height as u32];
    let rgb = photo.render(gpu, &[look], size)?.pop().unwrap_or_default();
    Picture::new(size[0], size[1], rgb)
}

/// A face for --json.
pub(crate) fn record(face: &EmbeddedFace) -> Value {
    let mut out = place(&face.face);
    out["residual"] = number(face.alignment.residual);
    out["norm"] = number(face.norm);
    out["quality"] = face.quality.map_or(Value::Null, |q| number(q.overall()));
    out
}

/// Where a face is, for --json.
pub(crate) fn place(face: &Face) -> Value {
    let all = |values: &[f32]| Value::from(values.iter().map(|&v| number(v)).collect::<Vec<_>>());
    let landmarks: Vec<_> = face.landmarks.iter().map(|p| all(p)).collect();
    json!({ "box": all(&face.bounds), "score": number(face.score), "landmarks": landmarks })
}

/// An f32 in its own digits: as f64, which JSON values hold, it would have many more.
pub(crate) fn number(value: f32) -> Value {
    json!(value.to_string().parse::<f64>().unwrap_or(f64::from(value)))
}

/// `WIDTHxHEIGHT`.
pub(crate) fn size(text: &str) -> Result<[u32; 2], String> {
    let side = |s: &str| s.parse().ok().filter(|n| (1..=16384).contains(n));
    let sides = text.split_once('x').and_then(|(w, h)| Some([side(w)?, side(h)?]));
    sides.ok_or_else(|| format!("`{text}` is not a size; write for example 1280x720"))
}
