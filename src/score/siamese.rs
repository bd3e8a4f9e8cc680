//! The top of a Siamese network (DeepFace, Taigman et al. 2014): a weighted L1 distance into one logistic unit.

use super::linear::{Loss, fit, most_pairs};
use super::{Samples, Scoring};
use crate::error::Result;
use crate::model::Similarity;

/// A fitted score; the network below stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Siamese {
    /// Weights, at least 0.
    pub weights: Vec<f32>,
    /// The distance at which the logistic unit says one half: its bias. `1 / (1 + e^(distance - threshold))` is the probability of one person
    /// where half of the pairs are.
    pub threshold: f32,
    /// Pairs it was learned from, half of them of one person.
    pub pairs: usize,
}

impl Siamese {
    /// Learns weights with the logistic loss on pairs. They are never negative: then equal embeddings are nearest.
    ///
    /// # Errors
    /// [`crate::Error::Caller`] without pairs, or when nothing tells them apart.
    pub fn fit(samples: &Samples) -> Result<Self> {
        let d = samples.dimension();
        let pairs = samples.pairs(most_pairs(d))?;
        let found = fit(&pairs, d, Loss::Logistic, |[i, j], out| {
            out.extend(samples.row(i).iter().zip(samples.row(j)).map(|(x, y)| (x - y).abs() as f32));
        })?;
        let weights = found.weights.iter().map(|&w| w as f32).collect();
        Ok(Self { weights, threshold: found.bias as f32, pairs: pairs.same.len() + pairs.different.len() })
    }

    /// The score itself.
    ///
    /// # Errors
    /// As [`Scoring::new`].
    pub fn scoring(&self) -> Result<Scoring> {
        Scoring::new(Similarity::Siamese, &self.weights)
    }
}
