//! How embeddings of a model are compared, and the numbers that this takes.

use serde::{Deserialize, Serialize};

use super::EmbeddingDescription;
use crate::error::{Error, Result};

/// Comparison of embeddings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// Cosine of the angle, -1..1; more is more alike.
    #[default]
    Cosine,
    /// Euclidean distance; less is more alike.
    Euclidean,
    /// Joint Bayesian: the log-likelihood ratio of one person against two, in nats, of embeddings in the basis that is part of the model; more is
    /// more alike.
    JointBayesian,
    /// Weighted chi-squared distance of embeddings without negative numbers; less is more alike.
    ChiSquared,
    /// Weighted L1 distance; less is more alike.
    Siamese,
}

impl Similarity {
    /// Whether less is more alike.
    pub fn is_distance(self) -> bool {
        matches!(self, Self::Euclidean | Self::ChiSquared | Self::Siamese)
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Euclidean => "Euclidean distance",
            Self::JointBayesian => "log-likelihood ratio",
            Self::ChiSquared => "chi-squared distance",
            Self::Siamese => "weighted L1 distance",
        }
    }

    /// The name in [`ScoreParameters`] of its parameters, if it has any.
    pub fn parameters(self) -> Option<&'static str> {
        match self {
            Self::Cosine | Self::Euclidean => None,
            Self::JointBayesian => Some("phi"),
            Self::ChiSquared | Self::Siamese => Some("weights"),
        }
    }

    /// Whether `numbers` can be its parameters: none where it has none, otherwise finite ones of at least 0 that are not all 0.
    ///
    /// # Errors
    /// [`Error::Model`] with what is wrong.
    pub fn check(self, numbers: &[f32]) -> Result<()> {
        let refuse = |text: String| Err(Error::Model(text));
        let Some(what) = self.parameters() else {
            if numbers.is_empty() {
                return Ok(());
            }
            return refuse(format!("The {} has no parameters, but {} were given. Leave them out.", self.name(), numbers.len()));
        };
        if numbers.is_empty() {
            return refuse(format!("The {} needs `{what}` in [embedding.score]. Fit it with `lookalike fit`.", self.name()));
        }
        if let Some((i, v)) = numbers.iter().enumerate().find(|(_, v)| !v.is_finite() || **v < 0.0) {
            return refuse(format!("Number {i} of `{what}` in [embedding.score] is {v}. Give finite numbers of at least 0."));
        }
        if numbers.iter().all(|&v| v == 0.0) {
            return refuse(format!(
                "Every number of `{what}` in [embedding.score] is 0, so all embeddings are alike. Fit the score on other data."
            ));
        }
        Ok(())
    }
}

/// The parameters of a comparison: one number for every number of an embedding, none negative.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreParameters {
    /// Of `joint_bayesian`: the variance of people, in units of the variance within people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phi: Vec<f32>,
    /// Of `chi_squared` and `siamese`: what every term is multiplied by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f32>,
}

impl EmbeddingDescription {
    /// The parameters of the similarity; empty where it has none.
    ///
    /// # Errors
    /// [`Error::Model`] for numbers that the similarity does not use, and as [`Similarity::check`].
    pub fn score_numbers(&self) -> Result<&[f32]> {
        let (phi, weights) = self.score.as_ref().map_or((&[][..], &[][..]), |s| (&s.phi, &s.weights));
        let (used, unused) = if self.similarity.parameters() == Some("phi") { (phi, weights) } else { (weights, phi) };
        if !unused.is_empty() {
            return Err(Error::Model(format!(
                "The {} does not use one of the lists in [embedding.score]. Give `phi` for joint_bayesian, `weights` for chi_squared and siamese, nothing for the others.",
                self.similarity.name()
            )));
        }
        self.similarity.check(used)?;
        Ok(used)
    }
}
