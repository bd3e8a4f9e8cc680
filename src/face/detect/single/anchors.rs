//! RetinaFace and Ultra-Light: offsets to prior boxes.

use super::{five, thinned};
use crate::error::Result;
use crate::face::Face;
use crate::face::detect::DetectorKind;
use crate::face::detect::heads::{Head, Outputs, misfit};
use crate::face::detect::nms::over_union;
use crate::face::detect::priors::{RETINA_FACE, Table, ULTRA_LIGHT, decoded, point};
use crate::graph::{Op, Unary};
use crate::model::Model;

/// What differs between the two.
#[derive(Debug)]
pub(super) struct Anchors {
    kind: DetectorKind,
    scores: String,
    boxes: String,
    points: Option<String>,
    /// Which of the kind's tables of priors it is.
    table: usize,
    /// Whether scores are logits yet.
    logits: bool,
    /// Whether boxes are corners already, in parts of the input: some exporters put the decoding into the graph.
    corners: bool,
}

fn tables(kind: DetectorKind) -> &'static [Table] {
    const ULTRA: &[Table] = &[ULTRA_LIGHT];
    const RETINA: &[Table] = &RETINA_FACE;
    if kind == DetectorKind::UltraLight { ULTRA } else { RETINA }
}

impl Anchors {
    /// # Errors
    /// Outputs that are not two scores, a box and, for RetinaFace, five points for every prior.
    pub(super) fn new(kind: DetectorKind, model: &Model, heads: &[Head], size: [usize; 2]) -> Result<Self> {
        let pointed = kind == DetectorKind::RetinaFace;
        let has = |word: fn(&Op) -> bool| model.graph.nodes.iter().any(|n| word(&n.op));
        let with = |(table, priors): (usize, &Table)| {
            let rows = priors.count(size);
            let of = |width: usize| heads.iter().find(|h| h.rows() == Some([rows, width])).map(|h| h.name.clone());
            let points = if pointed { Some(of(10)?) } else { None };
            Some(Self {
                kind,
                scores: of(2)?,
                boxes: of(4)?,
                points,
                table,
                logits: !has(|op| matches!(op, Op::Softmax { .. })),
                corners: has(|op| matches!(op, Op::Unary(Unary::Exp))),
            })
        };
        let found = tables(kind).iter().enumerate().find_map(with).filter(|_| heads.len() == if pointed { 3 } else { 2 });
        let needed = if pointed {
            "two scores, a box and five points for every prior box (loc, conf, landms)"
        } else {
            "two scores and a box for every prior box (scores, boxes)"
        };
        found.ok_or_else(|| misfit(kind, model, needed))
    }

    /// The faces of a picture, in pixels of the input.
    pub(super) fn faces(&self, outputs: &Outputs<'_>, size: [usize; 2], threshold: f32) -> Vec<Face> {
        let scores = outputs.of(&self.scores, 0).chunks_exact(2);
        let boxes = outputs.of(&self.boxes, 0).chunks_exact(4);
        let points = self.points.as_ref().map_or(&[][..], |name| outputs.of(name, 0));
        let [width, height] = size.map(|n| n as f64);
        let mut faces = Vec::new();
        let priors = tables(self.kind).get(self.table).map(|t| t.boxes(size)).unwrap_or_default();
        for (i, ((prior, s), o)) in priors.into_iter().zip(scores).zip(boxes).enumerate() {
            let score = if self.logits { 1.0 / (1.0 + (s[0] - s[1]).exp()) } else { s[1] };
            // A NaN is no face.
            if score.is_nan() || score < threshold {
                continue;
            }
            let [l, t, r, b] = if self.corners { [o[0], o[1], o[2], o[3]].map(f64::from) } else { decoded(prior, o) };
            let landmarks = five(points.get(i * 10..i * 10 + 10).unwrap_or_default(), |u, v| {
                let [x, y] = point(prior, [u, v]);
                [(x * width) as f32, (y * height) as f32]
            });
            let bounds = [l * width, t * height, r * width, b * height].map(|x| x as f32);
            faces.push(Face { bounds, score, landmarks });
        }
        let (most, extra) = if self.kind == DetectorKind::UltraLight { (0.3, 0.0) } else { (0.4, 1.0) };
        thinned(faces, |a, b| over_union(&a.bounds.map(f64::from), &b.bounds.map(f64::from), extra) > most)
    }
}
