//! Photographs to faces with landmarks: a detector, a landmark network where the detector's points are not enough, and a choice.

use super::detect::{Detect, DetectOptions};
use super::landmarks::Landmarker;
use super::{Face, Which};
use crate::error::Result;
use crate::gpu::Photo;

/// Finds the wanted faces of photographs.
pub struct Finder {
    detector: Box<dyn Detect>,
    landmarks: Option<Landmarker>,
    options: DetectOptions,
    which: Which,
}

impl Finder {
    /// Faces come from `detector`; landmarks from `landmarks` where given, else from the detector.
    pub fn new(detector: Box<dyn Detect>, landmarks: Option<Landmarker>, options: DetectOptions, which: Which) -> Self {
        Self { detector, landmarks, options, which }
    }

    /// The wanted faces of every photo, in order.
    ///
    /// # Errors
    /// As [`Detect::detect`] and [`Landmarker::place`].
    pub fn find(&self, photos: &[Photo]) -> Result<Vec<Vec<Face>>> {
        let found = self.detector.detect(photos, &self.options)?;
        let wanted: Vec<_> = found.into_iter().zip(photos).map(|(faces, p)| self.which.of(faces, p.size())).collect();
        match &self.landmarks {
            Some(landmarker) => landmarker.place(photos, wanted),
            None => Ok(wanted),
        }
    }
}
