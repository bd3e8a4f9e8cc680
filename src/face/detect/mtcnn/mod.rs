//! MTCNN: proposals from a pyramid, refined, then refined again and given landmarks.
//!
//! Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016). All crops of a
//! picture's stage are cut and resized on the device and run in a few batches. Pictures do not share batches: networks round differently in
//! another batch, which is enough for the cascade to prefer another of two proposals, a few pixels away.

mod crops;
mod geometry;
mod stages;

use super::heads::{Part, misfit};
use super::real::Real;
use super::turn::Turn;
use super::{DetectOptions, DetectorKind, MtcnnRules};
use crate::error::Result;
use crate::face::Face;
use crate::gpu::{Gpu, Photo};
use crate::model::Model;

/// Shorter side of the smallest face unless it is asked for, as all ports have it.
const MIN_FACE: f64 = 20.0;
/// Faces below this are looked for in the picture enlarged twice, not more: enlarging shows nothing new.
const LEAST_FACE: f64 = 6.0;
/// Least scores of the first two stages.
const THRESHOLDS: [f32; 2] = [0.6, 0.7];
/// Plans of the first network that are kept: the levels of a picture.
const LEVELS_KEPT: usize = 16;

/// The cascade.
#[derive(Debug)]
pub(super) struct Mtcnn {
    proposals: Stage,
    refinement: Stage,
    output: Stage,
    pub(super) rules: MtcnnRules,
}

/// One network and the names of its outputs.
#[derive(Debug)]
struct Stage {
    part: Part,
    /// That it is no face, that it is one.
    scores: String,
    offsets: String,
    points: String,
}

/// A box that may be a face.
#[derive(Clone, Copy, Debug)]
struct Candidate<T> {
    corners: [T; 4],
    score: f32,
    /// What the network that gave the score would move the corners by.
    offsets: [f32; 4],
}

/// A picture in one orientation, and what was found in it so far.
struct Scene<'a, T> {
    photo: &'a Photo,
    turn: Turn,
    found: Vec<Candidate<T>>,
}

impl Stage {
    /// # Errors
    /// Outputs that are not two scores, four offsets and (the third) ten numbers of points for a window of `side` pixels.
    fn new(gpu: &Gpu, model: &Model, side: usize, pointed: bool) -> Result<Self> {
        let part = Part::new(gpu, DetectorKind::Mtcnn, model, [side, side], if side == 12 { LEVELS_KEPT } else { 4 })?;
        let of = |numbers: usize| part.heads.iter().find(|h| h.shape.len() == numbers).map(|h| h.name.clone());
        let fits = part.heads.len() == 2 + usize::from(pointed)
            && if side == 12 { part.fixed.is_none() } else { part.fixed.is_none_or(|s| s == [side; 2]) };
        let needed = match side {
            12 => "P-Net takes pictures of any size and gives two scores and four offsets a cell",
            24 => "R-Net takes 24x24 pixels and gives two scores and four offsets",
            _ => "O-Net takes 48x48 pixels and gives two scores, four offsets and ten numbers for points",
        };
        match (of(2), of(4), of(10)) {
            (Some(scores), Some(offsets), points) if fits && points.is_some() == pointed => {
                Ok(Self { part, scores, offsets, points: points.unwrap_or_default() })
            }
            _ => Err(misfit(DetectorKind::Mtcnn, model, needed)),
        }
    }
}

impl Mtcnn {
    pub(super) fn new(gpu: &Gpu, [p, r, o]: [&Model; 3]) -> Result<Self> {
        Ok(Self {
            proposals: Stage::new(gpu, p, 12, false)?,
            refinement: Stage::new(gpu, r, 24, false)?,
            output: Stage::new(gpu, o, 48, true)?,
            rules: MtcnnRules::default(),
        })
    }

    /// The faces of every photo in all orientations asked for, orientation by orientation.
    pub(super) fn detect(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>> {
        match self.rules {
            MtcnnRules::FacenetPytorch => self.search::<f32>(photos, options),
            MtcnnRules::Authors => self.search::<f64>(photos, options),
        }
    }

    fn search<T: Real>(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>> {
        let min_face = options.min_face.map_or(MIN_FACE, f64::from).max(LEAST_FACE);
        let mut scenes: Vec<Scene<'_, T>> = photos
            .iter()
            .flat_map(|photo| Turn::all(photo.size(), options.rotations).map(move |turn| Scene { photo, turn, found: Vec::new() }))
            .collect();
        self.propose(&mut scenes, min_face)?;
        let threshold = options.threshold.unwrap_or(DetectorKind::Mtcnn.threshold());
        let mut faces = Vec::with_capacity(scenes.len());
        for scene in &mut scenes {
            self.refine(scene)?;
            faces.push(self.conclude(scene, threshold)?);
        }
        let each = if options.rotations { 4 } else { 1 };
        Ok(faces.chunks_exact(each).map(<[_]>::concat).collect())
    }
}
