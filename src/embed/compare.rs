//! Two embeddings: how alike, and whether that is alike enough.

use crate::embed::Embedding;
use crate::error::{Error, Result};
use crate::model::{Description, Similarity};

/// How the embeddings of a model are compared, and from where on two are of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The score.
    pub similarity: Similarity,
    /// The least cosine, or the largest distance, of one person.
    pub threshold: f32,
}

impl Comparison {
    /// What the model's description says, with `threshold` instead of its own where given.
    ///
    /// # Errors
    /// [`Error::Model`] when there is no threshold.
    pub fn of(description: &Description, threshold: Option<f32>) -> Result<Self> {
        let embedding = description.embedding.clone().unwrap_or_default();
        let threshold = threshold.or(embedding.threshold).ok_or_else(|| {
            Error::Model(format!(
                "The model `{}` does not say from which similarity on two faces are of one person. Give --threshold, or `threshold` in [embedding] of \
                 its description.",
                description.name
            ))
        })?;
        Ok(Self { similarity: embedding.similarity, threshold })
    }

    /// The cosine (-1..1) or the Euclidean distance of two embeddings of one length.
    pub fn score(&self, a: &Embedding, b: &Embedding) -> f32 {
        match self.similarity {
            Similarity::Cosine => a.cosine(b),
            Similarity::Euclidean => {
                let squares = a.iter().zip(b.iter()).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2));
                squares.sum::<f64>().sqrt() as f32
            }
        }
    }

    /// Whether this score is that of one person.
    pub fn accepts(&self, score: f32) -> bool {
        match self.similarity {
            Similarity::Cosine => score >= self.threshold,
            Similarity::Euclidean => score <= self.threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_is_above_a_cosine_and_below_a_distance() {
        let (a, b) = (Embedding(vec![3.0, 0.0]), Embedding(vec![0.0, 4.0]));
        let cosine = Comparison { similarity: Similarity::Cosine, threshold: 0.5 };
        assert_eq!((cosine.score(&a, &b), cosine.score(&a, &a)), (0.0, 1.0));
        assert!(cosine.accepts(0.5) && !cosine.accepts(0.49) && !cosine.accepts(f32::NAN));
        let distance = Comparison { similarity: Similarity::Euclidean, threshold: 4.0 };
        assert_eq!(distance.score(&a, &b), 5.0);
        assert!(distance.accepts(4.0) && !distance.accepts(5.0) && !distance.accepts(f32::NAN));
    }

    #[test]
    fn a_threshold_comes_from_somewhere_or_is_asked_for() {
        let silent = Description { name: "net".to_owned(), ..Description::default() };
        assert!(Comparison::of(&silent, None).is_err_and(|e| e.to_string().contains("--threshold")));
        assert!(Comparison::of(&silent, Some(0.3)).is_ok_and(|c| c.threshold == 0.3));
    }
}
