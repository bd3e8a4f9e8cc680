//! YuNet, as OpenCV's `FaceDetectorYN` reads it: in f32, with boxes cut to whole pixels for suppression.

use super::{five, thinned};
use crate::error::Result;
use crate::face::Face;
use crate::face::detect::DetectorKind;
use crate::face::detect::heads::{Head, Outputs, misfit};
use crate::model::Model;

const STRIDES: [usize; 3] = [8, 16, 32];
const MOST_OVERLAP: f32 = 0.3;

/// The outputs of one stride.
#[derive(Debug)]
struct Level {
    /// That a cell is a face, and that it is an object; their order makes no difference.
    scores: [String; 2],
    boxes: String,
    points: String,
}

#[derive(Debug)]
pub(super) struct YuNet {
    levels: Vec<Level>,
}

impl YuNet {
    /// # Errors
    /// Outputs that are not two scores, a box and five points for every cell of three strides.
    pub(super) fn new(model: &Model, heads: &[Head], size: [usize; 2]) -> Result<Self> {
        let level = |stride: usize| {
            let cells = size[0].div_ceil(stride) * size[1].div_ceil(stride);
            let of = |width: usize| -> Vec<String> {
                heads.iter().filter(|h| h.rows() == Some([cells, width])).map(|h| h.name.clone()).collect()
            };
            match (of(1).try_into(), of(4).as_slice(), of(10).as_slice()) {
                (Ok(scores), [boxes], [points]) => Some(Level { scores, boxes: boxes.clone(), points: points.clone() }),
                _ => None,
            }
        };
        let levels: Option<Vec<Level>> = STRIDES.into_iter().map(level).collect();
        let needed = "for strides of 8, 16 and 32, two scores, a box and five points a cell (cls, obj, bbox, kps)";
        Ok(Self { levels: levels.filter(|_| heads.len() == 12).ok_or_else(|| misfit(DetectorKind::YuNet, model, needed))? })
    }

    /// The faces of a picture, in pixels of the input.
    pub(super) fn faces(&self, outputs: &Outputs<'_>, size: [usize; 2], threshold: f32) -> Vec<Face> {
        let mut faces = Vec::new();
        for (level, stride) in self.levels.iter().zip(STRIDES) {
            let columns = size[0].div_ceil(stride);
            let stride = stride as f32;
            let [first, second] = level.scores.each_ref().map(|name| outputs.of(name, 0));
            let boxes = outputs.of(&level.boxes, 0).chunks_exact(4);
            let points = outputs.of(&level.points, 0).chunks_exact(10);
            for (i, (((&a, &b), o), p)) in first.iter().zip(second).zip(boxes).zip(points).enumerate() {
                let score = (a.clamp(0.0, 1.0) * b.clamp(0.0, 1.0)).sqrt();
                // A NaN is no face.
                if score.is_nan() || score < threshold {
                    continue;
                }
                let (column, row) = ((i % columns) as f32, (i / columns) as f32);
                let (w, h) = (o[2].exp() * stride, o[3].exp() * stride);
                let (left, top) = ((column + o[0]) * stride - w / 2.0, (row + o[1]) * stride - h / 2.0);
                let landmarks = five(p, |x, y| [(x + column) * stride, (y + row) * stride]);
                faces.push(Face { bounds: [left, top, left + w, top + h], score, landmarks });
            }
        }
        thinned(faces, |a, b| overlap(whole(a), whole(b)) > MOST_OVERLAP)
    }
}

/// Left, top, width and height, cut to whole numbers.
fn whole(face: &Face) -> [i64; 4] {
    let [left, top, ..] = face.bounds;
    let [w, h] = face.size();
    [left, top, w, h].map(|x| x as i64)
}

/// Intersection over union of rectangles, with OpenCV's rounding.
fn overlap([ax, ay, aw, ah]: [i64; 4], [bx, by, bw, bh]: [i64; 4]) -> f32 {
    let area = |w: i64, h: i64| w as f64 * h as f64;
    let both = area(aw, ah) + area(bw, bh);
    if both <= 0.0 {
        return 1.0;
    }
    let w = (ax.saturating_add(aw).min(bx.saturating_add(bw)) - ax.max(bx)).max(0);
    let h = (ay.saturating_add(ah).min(by.saturating_add(bh)) - ay.max(by)).max(0);
    let common = area(w, h);
    1.0 - (1.0 - common / (both - common)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_counts_whole_pixels() {
        assert_eq!(overlap([0, 0, 4, 4], [0, 0, 4, 4]), 1.0);
        assert_eq!(overlap([0, 0, 4, 4], [2, 0, 2, 4]), 0.5);
        assert_eq!(overlap([0, 0, 4, 4], [4, 0, 4, 4]), 0.0);
        assert_eq!(overlap([0, 0, 0, 4], [9, 9, 0, 0]), 1.0);
        let face = Face { bounds: [-1.9, 1.9, 3.0, 4.8], ..Face::default() };
        assert_eq!(whole(&face), [-1, 1, 4, 2]);
    }
}
