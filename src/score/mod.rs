//! How alike two embeddings are: cosine, distance, and the scores that are learned on embeddings.
//!
//! What a learned score does to one embedding alone is linear, so it becomes the model's last layer ([`Projection`], [`crate::model::LastLayer`]). What it does
//! to two is a sum over their numbers, and its factors are in the model's description ([`crate::model::ScoreParameters`]). [`Scoring`] evaluates that
//! sum in f64. Fitting (feature `fit`) is in [`Pca`], [`JointBayesian`], [`ChiSquared`] and [`Siamese`].

#[cfg(feature = "fit")]
mod chi_squared;
mod compared;
#[cfg(feature = "fit")]
mod joint_bayesian;
#[cfg(feature = "fit")]
mod linalg;
#[cfg(feature = "fit")]
mod linear;
#[cfg(feature = "fit")]
mod pca;
mod projection;
#[cfg(feature = "fit")]
mod samples;
#[cfg(feature = "fit")]
mod siamese;
mod terms;

#[cfg(feature = "fit")]
pub use chi_squared::ChiSquared;
#[cfg(feature = "fit")]
pub use joint_bayesian::{JointBayesian, JointBayesianOptions, MStep};
#[cfg(feature = "fit")]
pub use pca::Pca;
pub use projection::Projection;
#[cfg(feature = "fit")]
pub use samples::{Pairs, Samples};
#[cfg(feature = "fit")]
pub use siamese::Siamese;
pub(crate) use terms::{LogRatio, chi_squared, weighted_l1};

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::model::{EmbeddingDescription, Similarity};

/// A score of two embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoring {
    similarity: Similarity,
    /// φ or weights; empty for scores that have none.
    numbers: Arc<[f32]>,
    ratio: Option<LogRatio>,
}

impl Scoring {
    /// A score and its numbers: φ of `JointBayesian`, weights of `ChiSquared` and `Siamese`, none for the others.
    ///
    /// # Errors
    /// [`Error::Model`] for numbers where there are none, for too few, and for those that are negative or not finite.
    pub fn new(similarity: Similarity, numbers: &[f32]) -> Result<Self> {
        similarity.check(numbers)?;
        let ratio = (similarity == Similarity::JointBayesian).then(|| LogRatio::new(numbers));
        Ok(Self { similarity, numbers: numbers.into(), ratio })
    }

    /// The score that a model's description names.
    ///
    /// # Errors
    /// As [`Scoring::new`].
    pub fn of(embedding: &EmbeddingDescription) -> Result<Self> {
        Self::new(embedding.similarity, embedding.score_numbers()?)
    }

    /// Which score it is.
    pub fn similarity(&self) -> Similarity {
        self.similarity
    }

    /// φ or weights; empty for scores that have none.
    pub fn numbers(&self) -> &Arc<[f32]> {
        &self.numbers
    }

    /// Whether embeddings of `dimension` numbers can be scored.
    ///
    /// # Errors
    /// [`Error::Caller`] where there are more or fewer parameters.
    pub fn check(&self, dimension: usize) -> Result<()> {
        if self.numbers.is_empty() || self.numbers.len() == dimension {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "The {} has {} parameters, but embeddings have {dimension} numbers. Fit it on embeddings of this model.",
            self.similarity.name(),
            self.numbers.len()
        )))
    }

    /// The score of two embeddings, in f64: a similarity or a distance, as [`Similarity::is_distance`] says. Not a number where their lengths
    /// differ or do not fit the parameters.
    ///
    /// * cosine: -1 to 1, 0 where either is zero
    /// * Euclidean: `|x - y|`
    /// * Joint Bayesian: `ln p(x, y | one person) - ln p(x, y | two)`, in nats
    /// * chi-squared: `Σ w (x - y)² / (x + y)`; numbers below zero count as zero, terms of two zeros are zero
    /// * Siamese: `Σ w |x - y|`
    pub fn between(&self, x: &[f32], y: &[f32]) -> f64 {
        if x.len() != y.len() || self.check(x.len()).is_err() {
            return f64::NAN;
        }
        match (self.similarity, &self.ratio) {
            (Similarity::JointBayesian, Some(ratio)) => ratio.between(x, y, 1.0),
            (Similarity::ChiSquared, _) => chi_squared(&self.numbers, x, y, 1.0),
            (Similarity::Siamese, _) => weighted_l1(&self.numbers, x, y, 1.0),
            (Similarity::Euclidean, _) => x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum::<f64>().sqrt(),
            _ => cosine(x, y),
        }
    }
}

fn cosine(x: &[f32], y: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let length = (dot(x, x) * dot(y, y)).sqrt();
    if length > 0.0 { dot(x, y) / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::ScoreParameters;

    #[test]
    fn parameters_have_to_suit_the_score() {
        let refused = |s, n: &[f32]| Scoring::new(s, n).unwrap_err().to_string();
        assert!(refused(Similarity::Cosine, &[1.0]).contains("no parameters"));
        assert!(refused(Similarity::JointBayesian, &[]).contains("`phi`"));
        assert!(refused(Similarity::Siamese, &[1.0, -0.5]).contains("Number 1 of `weights`"));
        assert!(refused(Similarity::ChiSquared, &[f32::INFINITY]).contains("inf"));
        assert!(refused(Similarity::ChiSquared, &[0.0, 0.0]).contains("all embeddings are alike"));
        let two = ScoreParameters { phi: vec![1.0], weights: vec![1.0] };
        let described = EmbeddingDescription { similarity: Similarity::Siamese, score: Some(two), ..Default::default() };
        assert!(Scoring::of(&described).unwrap_err().to_string().contains("does not use"));
        let fits = Scoring::new(Similarity::Siamese, &[1.0, 2.0]).unwrap();
        assert!(fits.check(2).is_ok() && fits.check(3).unwrap_err().to_string().contains("2 parameters"));
        assert!(fits.between(&[1.0], &[1.0]).is_nan() && fits.between(&[1.0, 0.0], &[1.0]).is_nan());
    }

    #[test]
    fn scores_of_small_vectors() {
        let score = |s, n: &[f32], x: &[f32], y: &[f32]| Scoring::new(s, n).unwrap().between(x, y);
        assert_eq!(score(Similarity::Cosine, &[], &[3.0, 0.0], &[0.0, 4.0]), 0.0);
        assert_eq!(score(Similarity::Cosine, &[], &[0.0, 0.0], &[0.0, 4.0]), 0.0);
        assert_eq!(score(Similarity::Euclidean, &[], &[3.0, 0.0], &[0.0, 4.0]), 5.0);
        assert_eq!(score(Similarity::Siamese, &[2.0, 0.5], &[3.0, 0.0], &[0.0, 4.0]), 8.0);
        assert_eq!(score(Similarity::ChiSquared, &[2.0, 0.5], &[3.0, 0.0], &[1.0, 0.0]), 2.0);
        // Below zero counts as zero.
        assert_eq!(score(Similarity::ChiSquared, &[2.0, 0.5], &[3.0, -7.0], &[1.0, -1.0]), 2.0);
        assert!(score(Similarity::ChiSquared, &[2.0], &[f32::NAN], &[1.0]).is_nan());
        assert!(score(Similarity::Siamese, &[2.0], &[1.0], &[f32::NAN]).is_nan());
    }
}
