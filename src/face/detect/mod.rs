//! Detectors: photographs to faces.
//!
//! The networks run on the device, on crops that the device cuts out of photos. What they say is decoded and thinned out on the host: it
//! is little to read back and little to compute (docs/rejected.md).

mod detector;
mod heads;
mod kind;
mod letterbox;
mod mtcnn;
mod nms;
mod priors;
mod real;
mod single;
mod turn;

pub use detector::Detector;
pub use kind::{DetectorFiles, DetectorKind, MtcnnRules};

use crate::error::{Error, Result};
use crate::face::Face;
use crate::gpu::Photo;

/// Choices of a search for faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectOptions {
    /// Smallest face to look for, in pixels of its shorter side, at least 1; `None` = what the detector's authors use. Smaller faces are
    /// left out; large pictures are searched in as many pixels as such a face needs (see [`Detector`]).
    pub min_face: Option<f32>,
    /// Least score, 0..1; `None` = what the detector's authors use.
    pub threshold: Option<f32>,
    /// Whether to look for faces on their side and upside down as well: the picture is searched in four orientations. Landmarks keep
    /// their meaning in the orientation in which the face was found upright.
    pub rotations: bool,
}

impl DetectOptions {
    /// # Errors
    /// [`Error::Caller`] for a threshold outside 0..1 and a least face that is no size.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(t) = self.threshold.filter(|t| !(0.0..=1.0).contains(t)) {
            return Err(Error::Caller(format!("The threshold is {t}. Scores of faces are between 0 and 1; give one of those.")));
        }
        if let Some(m) = self.min_face.filter(|m| !m.is_finite() || *m < 1.0) {
            return Err(Error::Caller(format!("The smallest face is {m} pixels. Give a size of at least 1 pixel.")));
        }
        Ok(())
    }

    /// Whether a face is of the size that was asked for.
    fn wants(&self, face: &Face) -> bool {
        let [w, h] = face.size();
        self.min_face.is_none_or(|least| w.min(h) >= least)
    }
}

/// Something that finds faces. Results do not depend on what else is in the batch; faces come by descending score.
pub trait Detect: Send + Sync {
    /// The faces of every photo, in order.
    ///
    /// # Errors
    /// As [`crate::network::Network::run_photos`].
    fn detect(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>>;
}
