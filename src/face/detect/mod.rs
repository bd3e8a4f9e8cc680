//! Detectors: photographs to faces.

use crate::error::Result;
use crate::face::Face;
use crate::gpu::Photo;

/// Choices of a search for faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectOptions {
    /// Smallest face to look for, in pixels of its shorter side; `None` = what the detector's authors use.
    pub min_face: Option<f32>,
    /// Least score, 0..1; `None` = what the detector's authors use.
    pub threshold: Option<f32>,
    /// Whether to look for faces on their side and upside down as well: the picture is searched in four orientations.
    pub rotations: bool,
}

/// Something that finds faces. Results do not depend on what else is in the batch; faces come by descending score.
pub trait Detect: Send + Sync {
    /// The faces of every photo, in order.
    ///
    /// # Errors
    /// As [`crate::network::Network::run_photos`].
    fn detect(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>>;
}
