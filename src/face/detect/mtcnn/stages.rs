//! The three stages.

use super::crops::{cells, crop_batch, crop_look, level_batch, level_look, tiles};
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
        // Pictures of one size have the same levels.
        let mut order: Vec<usize> = (0..scenes.len()).collect();
        order.sort_by_key(|&i| scenes[i].turn.size());
        let mut proposed: Vec<Vec<Candidate<T>>> = scenes.iter().map(|_| Vec::new()).collect();
        for same in order.chunk_by(|&a, &b| scenes[a].turn.size() == scenes[b].turn.size()) {
            let picture = scenes[same[0]].turn.size();
            for scale in pyramid(picture, min_face) {
                let size = level(self.rules, picture, scale);
                let mut rest = same;
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(level_batch(size, rest.len()));
                    let found = self.windows(scenes, now, size, scale)?;
                    for (&i, found) in now.iter().zip(found) {
                        proposed[i].extend(self.apart(found, 0.5, MOST_OF_LEVEL));
                    }
                    rest = later;
                }
            }
        }
        for (scene, proposed) in scenes.iter_mut().zip(proposed) {
            let kept = self.apart(proposed, 0.7, MOST_OF_PICTURE);
            scene.found = kept.into_iter().map(|c| self.squared(c, T::from(0.0))).collect();
        }
        Ok(())
    }

    /// The windows of one level of some scenes that are faces, row by row.
    fn windows<T: Real>(&self, scenes: &[Scene<'_, T>], of: &[usize], size: [usize; 2], scale: f64) -> Result<Vec<Vec<Candidate<T>>>> {
        let stage = &self.proposals;
        let mut found: Vec<Vec<Candidate<T>>> = of.iter().map(|_| Vec::new()).collect();
        for tile in tiles(size) {
            let view = |&i: &usize| PhotoView { photo: scenes[i].photo, look: level_look(scenes[i].turn, size, tile) };
            let results = stage.part.network.run_photos(&of.iter().map(view).collect::<Vec<_>>(), Some(tile.size))?;
            let outputs = Outputs::new(&results, of.len());
            let columns = outputs.shape(&stage.scores).last().copied().unwrap_or(1).max(1);
            for (k, found) in found.iter_mut().enumerate() {
                let scores = outputs.of(&stage.scores, k);
                let scores = &scores[scores.len() / 2..];
                let offsets = outputs.of(&stage.offsets, k);
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
        }
        Ok(found)
    }

    /// The second stage: boxes that still look like faces, moved.
    pub(super) fn refine<T: Real>(&self, scenes: &mut [Scene<'_, T>]) -> Result<()> {
        let judged = self.judge(&self.refinement, scenes, 24, THRESHOLDS[1])?;
        for (scene, judged) in scenes.iter_mut().zip(judged) {
            let candidates = judged.into_iter().map(|(c, _)| c).collect();
            let kept = self.apart(candidates, 0.7, usize::MAX);
            scene.found = kept.into_iter().map(|c| self.squared(c, T::from(1.0))).collect();
        }
        Ok(())
    }

    /// The third stage: faces with their points.
    pub(super) fn conclude<T: Real>(&self, scenes: &[Scene<'_, T>], threshold: f32) -> Result<Vec<Vec<Face>>> {
        let judged = self.judge(&self.output, scenes, 48, threshold)?;
        // NumPy compares in f32 what PyTorch compares in f64.
        let most = if self.rules == MtcnnRules::FacenetPytorch { f64::from(0.7f32) } else { 0.7 };
        // The authors' boxes count pixels from 1; facenet-pytorch hands them out as they are.
        let first = if self.rules == MtcnnRules::Authors { 1.0 } else { 0.0 };
        let faces = scenes.iter().zip(judged).map(|(scene, judged)| {
            let one = T::from(1.0);
            let boxes: Vec<[T; 4]> = judged.iter().map(|(c, _)| calibrate(c.corners, c.offsets, one)).collect();
            let scores: Vec<f32> = judged.iter().map(|(c, _)| c.score).collect();
            let kept = suppress(&scores, usize::MAX, |a, b| over_smaller(&boxes[a], &boxes[b], one).wide() > most);
            let face = |i: usize| Face {
                bounds: boxes[i].map(|x| (x.wide() - first) as f32),
                score: scores[i],
                landmarks: points(judged[i].0.corners, &judged[i].1).into_iter().map(|p| p.map(|x| x.wide() as f32)).collect(),
            };
            kept.into_iter().map(|i| scene.turn.back(face(i))).collect()
        });
        Ok(faces.collect())
    }

    /// What a network says of the candidates of every scene: those with a score above the threshold, in order.
    fn judge<T: Real>(&self, stage: &Stage, scenes: &[Scene<'_, T>], side: usize, threshold: f32) -> Result<Vec<Vec<Judged<T>>>> {
        let mut todo: Vec<(usize, Candidate<T>, PhotoView<'_>)> = Vec::new();
        for (i, scene) in scenes.iter().enumerate() {
            for &candidate in &scene.found {
                let Some(crop) = crop(self.rules, candidate.corners, scene.turn.size()) else { continue };
                todo.push((i, candidate, PhotoView { photo: scene.photo, look: crop_look(scene.turn, crop, side) }));
            }
        }
        let mut judged: Vec<Vec<Judged<T>>> = scenes.iter().map(|_| Vec::new()).collect();
        let mut rest = todo.as_slice();
        while let [first, ..] = rest {
            let batch = crop_batch(rest.len());
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let mut views: Vec<_> = now.iter().map(|t| t.2).collect();
            views.resize(batch, first.2);
            let results = stage.part.network.run_photos(&views, Some([side, side]))?;
            let outputs = Outputs::new(&results, batch);
            for (k, (i, candidate, _)) in now.iter().enumerate() {
                let (&[_, score], &[a, b, c, d]) = (outputs.of(&stage.scores, k), outputs.of(&stage.offsets, k)) else { continue };
                let points = outputs.of(&stage.points, k);
                if score > threshold && [a, b, c, d].iter().chain(points).all(|x| x.is_finite()) {
                    judged[*i].push((Candidate { score, offsets: [a, b, c, d], ..*candidate }, points.to_vec()));
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
