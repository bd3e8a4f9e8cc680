//! Videos against videos, as YouTube Faces is judged (Wolf 2011): three ways from frames to one score.

use super::SimilarityMatrix;
use crate::error::{Error, Result};
use crate::gallery::index::Metric;
use crate::gpu::Gpu;
use crate::model::Similarity;
use crate::random::Random;
use crate::score::Scoring;

/// Frames of a video that count in [`VideoScores::mean_of_pairs`].
const FRAMES: usize = 100;
/// Pairs of frames of [`VideoScores::random_pairs`].
const PAIRS: usize = 100;

/// How alike two videos are; more is more alike, distances are negative.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct VideoScores {
    /// The mean over all pairs of the first 100 frames of each (FaceNet, Schroff 2015).
    pub mean_of_pairs: f64,
    /// The mean over 100 pairs of frames drawn by chance, with replacement (DeepFace, Taigman 2014).
    pub random_pairs: f64,
    /// The score of the means of all frames (CosFace, ArcFace). Frames go in as they are: at unit length, or not.
    pub mean_feature: f64,
}

/// Compares videos.
pub struct VideoJudge {
    scoring: Scoring,
    /// Where the score is one that a matrix product gives.
    matrix: Option<SimilarityMatrix>,
    dimension: usize,
    seed: u64,
}

impl VideoJudge {
    /// For frames of `dimension` numbers. Draws depend on `seed` and the number of the pair.
    ///
    /// # Errors
    /// As [`SimilarityMatrix::new`], and for a score of other embeddings.
    pub fn new(gpu: &Gpu, dimension: usize, scoring: Scoring, seed: u64) -> Result<Self> {
        scoring.check(dimension)?;
        let matrix = |metric| SimilarityMatrix::new(gpu, dimension, metric).map(Some);
        let matrix = match scoring.similarity() {
            Similarity::Cosine => matrix(Metric::Cosine)?,
            Similarity::Euclidean => matrix(Metric::Euclidean)?,
            _ => None,
        };
        Ok(Self { scoring, matrix, dimension, seed })
    }

    /// `[a][b]`: on the device, or in f64 for scores that are learned.
    fn all(&self, a: &[f32], b: &[f32]) -> Result<Vec<f32>> {
        if let Some(matrix) = &self.matrix {
            return matrix.of(a, b);
        }
        let sign = if self.scoring.similarity().is_distance() { -1.0 } else { 1.0 };
        let score = |x: &[f32], y: &[f32]| (sign * self.scoring.between(x, y)) as f32;
        Ok(a.chunks_exact(self.dimension).flat_map(|x| b.chunks_exact(self.dimension).map(move |y| score(x, y))).collect())
    }

    /// The scores of pair number `pair`: frames of two videos, row-major.
    ///
    /// # Errors
    /// [`Error::Caller`] for a video without frames or numbers that are no whole rows; an error of the device.
    pub fn scores(&self, pair: usize, a: &[f32], b: &[f32]) -> Result<VideoScores> {
        if a.is_empty() || b.is_empty() {
            return Err(Error::Caller(format!("A video of pair {pair} has no frame. Leave the pair out.")));
        }
        let (n, m) = (a.len() / self.dimension, b.len() / self.dimension);
        let all = self.all(a, b)?;
        let (rows, columns) = (n.min(FRAMES), m.min(FRAMES));
        let first = (0..rows).flat_map(|r| &all[r * m..r * m + columns]).map(|&s| f64::from(s)).sum::<f64>();
        let mut random = Random(self.seed ^ (pair as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let drawn: f64 = (0..PAIRS).map(|_| f64::from(all[random.below(n) * m + random.below(m)])).sum();
        let mean = self.all(&mean(a, self.dimension), &mean(b, self.dimension))?;
        Ok(VideoScores {
            mean_of_pairs: first / (rows * columns) as f64,
            random_pairs: drawn / PAIRS as f64,
            mean_feature: mean.first().map_or(f64::NAN, |&s| f64::from(s)),
        })
    }
}

/// The mean row.
fn mean(rows: &[f32], dimension: usize) -> Vec<f32> {
    let n = (rows.len() / dimension).max(1) as f64;
    (0..dimension).map(|k| (rows.iter().skip(k).step_by(dimension).map(|&x| f64::from(x)).sum::<f64>() / n) as f32).collect()
}
