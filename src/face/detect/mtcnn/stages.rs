//! The three stages.

use super::crops::{cells, crop_batch, crop_look, level_look, tiles};
use super::geometry::{calibrate, cell_to_box, crop, level, points, pyramid, square};
use super::{Candidate, Mtcnn, Scene, Stage, THRESHOLDS};
use crate::error::Result;
use crate::face::Face;
use crate::face::detect::MtcnnRules;
use crate::face::detect::heads::Outputs;
use crate::face::detect::nms::{over_smaller, over_union, suppress};
use crate::face::detect::real::Real;
use crate::gpu::PhotoView;

/// Proposals that suppression looks at: the best of a level, and of a picture. Photographs have hundreds.
const MOST_OF_LEVEL: usize = 8192;
const MOST_OF_PICTURE: usize = 4096;

/// What a network says of a crop: the candidate, and its points.
type Judged<T> = (Candidate<T>, Vec<f32>);

impl Mtcnn {
    /// The first stage: windows of every level that look like faces.
    pub(super) fn propose<T: Real>(&self, scenes: &mut [Scene<'_, T>], min_face: f64) -> Result<()> {
        // Pictures of one size have the same levels: one after another, so that their plans are still there.
        let mut order: Vec<&mut Scene<'_, T>> = scenes.iter_mut().collect();
        order.sort_by_key(|scene| scene.turn.size());
        for scene in order {
            let picture = scene.turn.size();
            let mut proposed = Vec::new();
            for scale in pyramid(picture, min_face) {
                let found = self.windows(scene, level(self.rules, picture, scale), scale)?;
                proposed.extend(self.apart(found, 0.5, MOST_OF_LEVEL));
            }
            let kept = self.apart(proposed, 0.7, MOST_OF_PICTURE);
            scene.found = kept.into_iter().map(|c| self.squared(c, T::from(0.0))).collect();
        }
        Ok(())
    }

    /// The windows of one level that are faces, row by row.
    fn windows<T: Real>(&self, scene: &Scene<'_, T>, size: [usize; 2], scale: f64) -> Result<Vec<Candidate<T>>> {
        let stage = &self.proposals;
        let mut found = Vec::new();
        for tile in tiles(size) {
            let view = PhotoView { photo: scene.photo, look: level_look(scene.turn, size, tile) };
            let results = stage.part.network.run_photos(&[view], Some(tile.size))?;
            let outputs = Outputs::new(&results, 1);
            let columns = outputs.shape(&stage.scores).last().copied().unwrap_or(1).max(1);
            let scores = outputs.of(&stage.scores, 0);
            let scores = &scores[scores.len() / 2..];
            let offsets = outputs.of(&stage.offsets, 0);
            for (i, &score) in scores.iter().enumerate().filter(|(_, s)| **s >= THRESHOLDS[0]) {
                let cell = [tile.first[0] + i % columns, tile.first[1] + i / columns];
                // A tile may reach beyond the level.
                if cell[0] >= cells(size[0]) || cell[1] >= cells(size[1]) {
                    continue;
                }
                let offsets = [0, 1, 2, 3].map(|o| offsets.get(o * scores.len() + i).copied().unwrap_or(f32::NAN));
                found.push(Candidate { corners: cell_to_box(cell, scale), score, offsets });
            }
        }
        Ok(found)
    }

    /// The second stage: boxes that still look like faces, moved.
    pub(super) fn refine<T: Real>(&self, scene: &mut Scene<'_, T>) -> Result<()> {
        let judged = self.judge(&self.refinement, scene, 24, THRESHOLDS[1])?;
        let kept = self.apart(judged.into_iter().map(|(c, _)| c).collect(), 0.7, usize::MAX);
        scene.found = kept.into_iter().map(|c| self.squared(c, T::from(1.0))).collect();
        Ok(())
    }

    /// The third stage: faces with their points.
    pub(super) fn conclude<T: Real>(&self, scene: &Scene<'_, T>, threshold: f32) -> Result<Vec<Face>> {
        let judged = self.judge(&self.output, scene, 48, threshold)?;
        // NumPy compares in f32 what PyTorch compares in f64.
        let most = if self.rules == MtcnnRules::FacenetPytorch { f64::from(0.7f32) } else { 0.7 };
        // The authors' boxes count pixels from 1; facenet-pytorch hands them out as they are.
        let first = if self.rules == MtcnnRules::Authors { 1.0 } else { 0.0 };
        let one = T::from(1.0);
        let boxes: Vec<[T; 4]> = judged.iter().map(|(c, _)| calibrate(c.corners, c.offsets, one)).collect();
        let scores: Vec<f32> = judged.iter().map(|(c, _)| c.score).collect();
        let kept = suppress(&scores, usize::MAX, |a, b| over_smaller(&boxes[a], &boxes[b], one).wide() > most);
        let face = |i: usize| Face {
            bounds: boxes[i].map(|x| (x.wide() - first) as f32),
            score: scores[i],
            landmarks: points(judged[i].0.corners, &judged[i].1).into_iter().map(|p| p.map(|x| x.wide() as f32)).collect(),
        };
        Ok(kept.into_iter().map(|i| scene.turn.back(face(i))).collect())
    }

    /// What a network says of the candidates: those with a score above the threshold, in order.
    fn judge<T: Real>(&self, stage: &Stage, scene: &Scene<'_, T>, side: usize, threshold: f32) -> Result<Vec<Judged<T>>> {
        let seen = |&candidate: &Candidate<T>| {
            let crop = crop(self.rules, candidate.corners, scene.turn.size())?;
            Some((candidate, PhotoView { photo: scene.photo, look: crop_look(scene.turn, crop, side) }))
        };
        let todo: Vec<(Candidate<T>, PhotoView<'_>)> = scene.found.iter().filter_map(seen).collect();
        let mut judged = Vec::new();
        let mut rest = todo.as_slice();
        while let [first, ..] = rest {
            let batch = crop_batch(rest.len());
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let mut views: Vec<_> = now.iter().map(|t| t.1).collect();
            views.resize(batch, first.1);
            let results = stage.part.network.run_photos(&views, Some([side, side]))?;
            let outputs = Outputs::new(&results, batch);
            for (k, (candidate, _)) in now.iter().enumerate() {
                let (&[_, score], &[a, b, c, d]) = (outputs.of(&stage.scores, k), outputs.of(&stage.offsets, k)) else { continue };
                let points = outputs.of(&stage.points, k);
                if score > threshold && [a, b, c, d].iter().chain(points).all(|x| x.is_finite()) {
                    judged.push((Candidate { score, offsets: [a, b, c, d], ..*candidate }, points.to_vec()));
                }
            }
            rest = later;
        }
        Ok(judged)
    }

    /// Of candidates that overlap more than `most`, the best; at most `many` are looked at.
    fn apart<T: Real>(&self, candidates: Vec<Candidate<T>>, most: f64, many: usize) -> Vec<Candidate<T>> {
        let extra = T::from(if self.rules == MtcnnRules::Authors { 1.0 } else { 0.0 });
        let scores: Vec<f32> = candidates.iter().map(|c| c.score).collect();
        let clash = |a: usize, b: usize| over_union(&candidates[a].corners, &candidates[b].corners, extra).wide() > most;
        suppress(&scores, many, clash).into_iter().map(|i| candidates[i]).collect()
    }

    /// Moved as the network said, and made square; whole numbers where the rules want that.
    fn squared<T: Real>(&self, candidate: Candidate<T>, extra: T) -> Candidate<T> {
        let corners = square(calibrate(candidate.corners, candidate.offsets, extra));
        let whole = self.rules == MtcnnRules::Authors;
        Candidate { corners: if whole { corners.map(T::trunc) } else { corners }, ..candidate }
    }
}
