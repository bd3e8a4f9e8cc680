//! A score as a part of a model.

use super::Scoring;
use crate::error::Result;
use crate::model::{Model, Normalize, ScoreParameters, Similarity};

impl Model {
    /// This model with embeddings compared by `scoring`, one person where `threshold` says so. Only chi-squared changes them too: it is of rows of unit
    /// length.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the description does not take it.
    pub fn compared_by(&self, scoring: &Scoring, threshold: Option<f32>) -> Result<Self> {
        let mut description = self.description.clone();
        let embedding = description.embedding.get_or_insert_with(Default::default);
        let numbers = scoring.numbers().to_vec();
        (embedding.similarity, embedding.threshold) = (scoring.similarity(), threshold);
        embedding.score = match scoring.similarity() {
            Similarity::JointBayesian => Some(ScoreParameters { phi: numbers, ..ScoreParameters::default() }),
            Similarity::ChiSquared | Similarity::Siamese => Some(ScoreParameters { weights: numbers, ..ScoreParameters::default() }),
            Similarity::Cosine | Similarity::Euclidean => None,
        };
        if scoring.similarity() == Similarity::ChiSquared {
            embedding.normalize = Normalize::L2;
        }
        let mut model = self.clone();
        model.describe(description)?;
        Ok(model)
    }
}
