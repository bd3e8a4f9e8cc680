//! Detectors of one network that sees the whole picture at once.

mod anchors;
mod scrfd;
mod yunet;

use super::heads::{Outputs, Part};
use super::letterbox::Letterbox;
use super::nms::picked;
use super::turn::Turn;
use super::{DetectOptions, DetectorKind};
use crate::error::Result;
use crate::face::Face;
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::model::Model;

/// Longest side that a network of any size sees unless smaller faces are asked for.
const LONGEST: f64 = 1280.0;
/// The square that SCRFD sees.
const SQUARE: usize = 640;
/// Shorter side of the smallest faces that these networks find, in pixels of their input.
const SMALLEST: f64 = 10.0;
/// Candidates that suppression looks at, the best ones.
const CANDIDATES: usize = 5000;

/// How outputs become candidates, and which of them stay.
#[derive(Debug)]
enum Rule {
    YuNet(yunet::YuNet),
    Scrfd(scrfd::Scrfd),
    Anchors(anchors::Anchors),
}

/// A network with the rules of its kind.
#[derive(Debug)]
pub(super) struct SingleShot {
    kind: DetectorKind,
    part: Part,
    rule: Rule,
}

/// A picture in one orientation, and how it lies in the input.
#[derive(Clone, Copy)]
struct View<'a> {
    place: usize,
    photo: &'a Photo,
    turn: Turn,
    letterbox: Letterbox,
}

impl SingleShot {
    pub(super) fn new(gpu: &Gpu, kind: DetectorKind, models: &[Model]) -> Result<Self> {
        let model = models.first().ok_or_else(|| crate::error::Error::Caller("A detector needs a network. Name its file.".to_owned()))?;
        // Each orientation of a picture has a plan of its own.
        let part = Part::new(gpu, kind, model, [320, 320], 4)?;
        let size = part.fixed.unwrap_or([320, 320]);
        let rule = match kind {
            DetectorKind::YuNet => Rule::YuNet(yunet::YuNet::new(model, &part.heads, size)?),
            DetectorKind::Scrfd => Rule::Scrfd(scrfd::Scrfd::new(model, &part.heads, size)?),
            _ => Rule::Anchors(anchors::Anchors::new(kind, model, &part.heads, size)?),
        };
        Ok(Self { kind, part, rule })
    }

    /// The faces of every photo in all orientations asked for, orientation by orientation.
    pub(super) fn detect(&self, photos: &[Photo], options: &DetectOptions) -> Result<Vec<Vec<Face>>> {
        let mut views: Vec<View<'_>> = Vec::new();
        for photo in photos {
            for turn in Turn::all(photo.size(), options.rotations) {
                let letterbox = self.letterbox(turn.size(), options.min_face);
                views.push(View { place: views.len(), photo, turn, letterbox });
            }
        }
        // One size after another, so that few plans are made.
        views.sort_by_key(|v| v.letterbox.size);
        let mut found: Vec<Vec<Face>> = vec![Vec::new(); views.len()];
        for view in views {
            found[view.place] = self.faces(&view, options)?;
        }
        let each = if options.rotations { 4 } else { 1 };
        Ok(found.chunks_exact(each).map(<[_]>::concat).collect())
    }

    fn letterbox(&self, picture: [u32; 2], min_face: Option<f32>) -> Letterbox {
        let longest = f64::from(picture[0].max(picture[1]));
        // What it takes for the smallest face to be seen.
        let needed = min_face.map_or(0.0, |m| SMALLEST / f64::from(m)).min(1.0);
        match (self.part.fixed, self.kind) {
            (Some(size), _) => Letterbox::fit(picture, size),
            (None, DetectorKind::Scrfd) => {
                let side = ((longest * needed).ceil() as usize).max(SQUARE).next_multiple_of(32);
                Letterbox::fit(picture, [side, side])
            }
            (None, _) => Letterbox::free(picture, (LONGEST / longest).max(needed).min(1.0)),
        }
    }

    /// The faces of one view. One picture a run: in a batch, networks round differently.
    fn faces(&self, view: &View<'_>, options: &DetectOptions) -> Result<Vec<Face>> {
        let size = view.letterbox.size;
        let look = PhotoView { photo: view.photo, look: view.letterbox.look(view.turn) };
        let results = self.part.network.run_photos(&[look], Some(size))?;
        let outputs = Outputs::new(&results, 1);
        let threshold = options.threshold.unwrap_or(self.kind.threshold());
        let faces = match &self.rule {
            Rule::YuNet(rule) => rule.faces(&outputs, size, threshold),
            Rule::Scrfd(rule) => rule.faces(&outputs, size, threshold),
            Rule::Anchors(rule) => rule.faces(&outputs, size, threshold),
        };
        Ok(faces.into_iter().map(|f| view.turn.back(view.letterbox.back(f))).collect())
    }
}

/// A candidate that makes sense: networks that have learned nothing overflow and put the right side left of the left one.
fn makes_sense(face: &Face) -> bool {
    let [w, h] = face.size();
    w > 0.0 && h > 0.0 && face.bounds.iter().chain(face.landmarks.iter().flatten()).chain([&face.score]).all(|x| x.is_finite())
}

/// Those of the candidates that stay.
fn thinned(faces: Vec<Face>, clash: impl Fn(&Face, &Face) -> bool) -> Vec<Face> {
    let faces: Vec<Face> = faces.into_iter().filter(makes_sense).collect();
    let scores: Vec<f32> = faces.iter().map(|f| f.score).collect();
    let kept = super::nms::suppress(&scores, CANDIDATES, |a, b| clash(&faces[a], &faces[b]));
    picked(faces, &kept)
}

/// The five points of ten numbers.
fn five(numbers: &[f32], point: impl Fn(f32, f32) -> [f32; 2]) -> Vec<[f32; 2]> {
    numbers.chunks_exact(2).map(|p| point(p[0], p[1])).collect()
}
