//! A detector of any kind.

use std::path::PathBuf;

use super::mtcnn::Mtcnn;
use super::nms::{descending, merged};
use super::single::SingleShot;
use super::{Detect, DetectOptions, DetectorKind, MtcnnRules};
use crate::error::Result;
use crate::face::Face;
use crate::gpu::{Gpu, Photo};
use crate::import::Limits;
use crate::model::Model;

/// Finds faces with networks of one [`DetectorKind`], whatever the sizes of the pictures.
///
/// Pixels are fed as the model's description says, or as the kind's authors do where it does not say. Networks with inputs of a fixed size
/// see each picture shrunk or enlarged to fit, its proportions kept. Networks that take any size see pictures up to 1280 pixels a side as
/// they are and larger ones shrunk to that (SCRFD: every picture in a square of 640, as its authors do), unless [`DetectOptions::min_face`]
/// asks for smaller faces than remain visible (10 pixels in what the network sees). MTCNN sees the whole picture at every scale.
#[derive(Debug)]
pub struct Detector {
    kind: DetectorKind,
    networks: Networks,
}

#[derive(Debug)]
enum Networks {
    Cascade(Box<Mtcnn>),
    Single(Box<SingleShot>),
}

impl Detector {
    /// Reads the networks of a detector, .onnx or model files, in the kind's order ([`DetectorKind::networks`]).
    ///
    /// # Errors
    /// As [`Model::load`] and [`Detector::new`].
    pub fn load(gpu: &Gpu, kind: DetectorKind, files: &[PathBuf]) -> Result<Self> {
        kind.check_count(files.len())?;
        let models = files.iter().map(|f| Model::load(f, &Limits::default())).collect::<Result<Vec<_>>>()?;
        Self::new(gpu, kind, &models)
    }

    /// A detector of `models`, in the kind's order.
    ///
    /// # Errors
    /// Another number of models than the kind has, a model whose outputs do not fit the kind, and those of
    /// [`crate::network::Network::compile`].
    pub fn new(gpu: &Gpu, kind: DetectorKind, models: &[Model]) -> Result<Self> {
        kind.check_count(models.len())?;
        let networks = match models {
            [p, r, o] => Networks::Cascade(Box::new(Mtcnn::new(gpu, [p, r, o])?)),
            _ => Networks::Single(Box::new(SingleShot::new(gpu, kind, models)?)),
        };
        Ok(Self { kind, networks })
    }

    /// The same detector, by other rules of MTCNN. Other kinds have no choice and do not change.
    pub fn with_rules(mut self, rules: MtcnnRules) -> Self {
        if let Networks::Cascade(mtcnn) = &mut self.networks {
            mtcnn.rules = rules;
        }
        self
    }

    /// What it is.
    pub fn kind(&self) -> DetectorKind {
        self.kind
    }
}

impl Detect for Detector {
    fn detect(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>> {
        options.check()?;
        let found = match &self.networks {
            Networks::Cascade(mtcnn) => mtcnn.detect(photos, options)?,
            Networks::Single(single) => single.detect(photos, options)?,
        };
        Ok(found.into_iter().map(|faces| finished(faces, options)).collect())
    }
}

/// Faces of all orientations as one list, best first.
fn finished(mut faces: Vec<Face>, options: &DetectOptions) -> Vec<Face> {
    faces.retain(|f| options.wants(f));
    if options.rotations {
        faces = merged(faces);
    }
    faces.sort_by(|a, b| descending(a.score, b.score));
    faces
}
