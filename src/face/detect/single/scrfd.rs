//! SCRFD, as InsightFace reads it: distances from cells to the sides of boxes, in strides.

use super::{five, thinned};
use crate::error::Result;
use crate::face::Face;
use crate::face::detect::DetectorKind;
use crate::face::detect::heads::{Head, Outputs, misfit};
use crate::face::detect::nms::over_union;
use crate::model::Model;

const STRIDES: [usize; 3] = [8, 16, 32];
const ANCHORS: usize = 2;
const MOST_OVERLAP: f32 = 0.4;

/// The outputs of one stride.
#[derive(Debug)]
struct Level {
    scores: String,
    boxes: String,
    points: Option<String>,
}

#[derive(Debug)]
pub(super) struct Scrfd {
    levels: Vec<Level>,
}

impl Scrfd {
    /// # Errors
    /// Outputs that are not a score, a box and perhaps five points for two anchors in every cell of three strides.
    pub(super) fn new(model: &Model, heads: &[Head], size: [usize; 2]) -> Result<Self> {
        let level = |stride: usize| {
            let rows = size[0].div_ceil(stride) * size[1].div_ceil(stride) * ANCHORS;
            let of = |width: usize| heads.iter().find(|h| h.rows() == Some([rows, width])).map(|h| h.name.clone());
            Some(Level { scores: of(1)?, boxes: of(4)?, points: of(10) })
        };
        let levels: Option<Vec<Level>> = STRIDES.into_iter().map(level).collect();
        let fits = |levels: &Vec<Level>| {
            let pointed = levels.iter().filter(|l| l.points.is_some()).count();
            heads.len() == 6 + pointed && [0, 3].contains(&pointed)
        };
        let needed = "for strides of 8, 16 and 32, a score, four distances and, if it has any, five points for two anchors a cell";
        Ok(Self { levels: levels.filter(fits).ok_or_else(|| misfit(DetectorKind::Scrfd, model, needed))? })
    }

    /// The faces of a picture, in pixels of the input.
    pub(super) fn faces(&self, outputs: &Outputs<'_>, size: [usize; 2], threshold: f32) -> Vec<Face> {
        let mut faces = Vec::new();
        for (level, stride) in self.levels.iter().zip(STRIDES) {
            let columns = size[0].div_ceil(stride);
            let boxes = outputs.of(&level.boxes, 0).chunks_exact(4);
            let points = level.points.as_ref().map_or(&[][..], |name| outputs.of(name, 0));
            for (i, (&score, d)) in outputs.of(&level.scores, 0).iter().zip(boxes).enumerate() {
                // A NaN is no face.
                if score.is_nan() || score < threshold {
                    continue;
                }
                let cell = i / ANCHORS;
                let [x, y] = [cell % columns, cell / columns].map(|n| (n * stride) as f32);
                let s = stride as f32;
                let bounds = [x - d[0] * s, y - d[1] * s, x + d[2] * s, y + d[3] * s];
                let landmarks = five(points.get(i * 10..i * 10 + 10).unwrap_or_default(), |u, v| [x + u * s, y + v * s]);
                faces.push(Face { bounds, score, landmarks });
            }
        }
        thinned(faces, |a, b| over_union(&a.bounds, &b.bounds, 1.0) > MOST_OVERLAP)
    }
}
