//! Two embeddings: how alike, and whether that is alike enough.

use crate::embed::Embedding;
use crate::error::{Error, Result};
use crate::model::{Description, Similarity};
use crate::score::Scoring;

/// How the embeddings of a model are compared, and from where on two are of one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The score.
    pub scoring: Scoring,
    /// The least similarity, or the largest distance, of one person.
    pub threshold: f32,
}

impl Comparison {
    /// What the model's description says, with `threshold` instead of its own where given.
    ///
    /// # Errors
    /// [`Error::Model`] when there is no threshold, or the parameters of the score are not sound.
    pub fn of(description: &Description, threshold: Option<f32>) -> Result<Self> {
        let embedding = description.embedding.clone().unwrap_or_default();
        let threshold = threshold.or(embedding.threshold).ok_or_else(|| {
            Error::Model(format!(
                "The model `{}` does not say from which similarity on two faces are of one person. Give --threshold, or `threshold` in [embedding] of \
                 its description.",
                description.name
            ))
        })?;
        Ok(Self { scoring: Scoring::of(&embedding)?, threshold })
    }

    /// A score without parameters.
    ///
    /// # Errors
    /// [`Error::Model`] for one that has some.
    pub fn plain(similarity: Similarity, threshold: f32) -> Result<Self> {
        Ok(Self { scoring: Scoring::new(similarity, &[])?, threshold })
    }

    /// Which score it is.
    pub fn similarity(&self) -> Similarity {
        self.scoring.similarity()
    }

    /// The score of two embeddings, as [`Scoring::between`] has it, rounded to f32.
    pub fn score(&self, a: &Embedding, b: &Embedding) -> f32 {
        self.scoring.between(a, b) as f32
    }

    /// Whether this score is that of one person.
    pub fn accepts(&self, score: f32) -> bool {
        if self.similarity().is_distance() { score <= self.threshold } else { score >= self.threshold }
    }

    /// Whether the first of two scores is the better one.
    pub fn better(&self, score: f32, than: f32) -> bool {
        if self.similarity().is_distance() { score < than } else { score > than }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{EmbeddingDescription, ScoreParameters};

    #[test]
    fn alike_is_above_a_cosine_and_below_a_distance() {
        let (a, b) = (Embedding(vec![3.0, 0.0]), Embedding(vec![0.0, 4.0]));
        let cosine = Comparison::plain(Similarity::Cosine, 0.5).unwrap();
        assert_eq!((cosine.score(&a, &b), cosine.score(&a, &a)), (0.0, 1.0));
        assert!(cosine.accepts(0.5) && !cosine.accepts(0.49) && !cosine.accepts(f32::NAN));
        let distance = Comparison::plain(Similarity::Euclidean, 4.0).unwrap();
        assert_eq!(distance.score(&a, &b), 5.0);
        assert!(distance.accepts(4.0) && !distance.accepts(5.0) && !distance.accepts(f32::NAN));
        assert!(cosine.better(0.3, 0.2) && distance.better(0.2, 0.3) && !cosine.better(0.2, f32::NAN));
    }

    #[test]
    fn learned_scores_know_their_direction_and_come_from_the_description() {
        let described = |similarity, score: ScoreParameters| {
            let embedding = EmbeddingDescription { similarity, score: Some(score), threshold: Some(1.0), ..Default::default() };
            Comparison::of(&Description { embedding: Some(embedding), ..Description::default() }, None)
        };
        let weights = || ScoreParameters { weights: vec![1.0, 1.0], ..Default::default() };
        for (similarity, parameters, below) in [
            (Similarity::JointBayesian, ScoreParameters { phi: vec![1.0, 2.0], ..Default::default() }, false),
            (Similarity::ChiSquared, weights(), true),
            (Similarity::Siamese, weights(), true),
        ] {
            let comparison = described(similarity, parameters).unwrap();
            assert_eq!((comparison.accepts(0.5), comparison.accepts(1.5)), (below, !below), "{similarity:?}");
            let (a, b) = (Embedding(vec![3.0, 1.0]), Embedding(vec![0.0, 4.0]));
            assert!(comparison.better(comparison.score(&a, &a), comparison.score(&a, &b)));
        }
        assert!(described(Similarity::JointBayesian, weights()).unwrap_err().to_string().contains("log-likelihood"));
        assert!(Comparison::plain(Similarity::Siamese, 1.0).is_err());
    }

    #[test]
    fn a_threshold_comes_from_somewhere_or_is_asked_for() {
        let silent = Description { name: "net".to_owned(), ..Description::default() };
        assert!(Comparison::of(&silent, None).is_err_and(|e| e.to_string().contains("--threshold")));
        assert!(Comparison::of(&silent, Some(0.3)).is_ok_and(|c| c.threshold == 0.3));
    }
}
