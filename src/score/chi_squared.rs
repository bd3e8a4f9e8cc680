//! Weighted chi-squared (DeepFace, Taigman et al. 2014).

use super::linear::{Loss, fit, most_pairs};
use super::terms::chi_squared_term;
use super::{Samples, Scoring};
use crate::error::{Error, Result};
use crate::model::Similarity;

/// A fitted score, for embeddings of a network that ends in a ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct ChiSquared {
    /// What embeddings are multiplied by before they are scaled to unit length: 1 / the largest number of the samples, 0 where that is 0.
    pub scale: Vec<f32>,
    /// Weights, at least 0.
    pub weights: Vec<f32>,
    /// The largest distance of one person, where the support vector machine decides.
    pub threshold: f32,
    /// Pairs it was learned from, half of them of one person.
    pub pairs: usize,
}

impl ChiSquared {
    /// Learns weights with a linear support vector machine on the terms of pairs. Unlike the paper's they are never negative: then equal embeddings are nearest.
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers below zero, without pairs, or when nothing tells the pairs apart.
    pub fn fit(samples: &Samples) -> Result<Self> {
        let d = samples.dimension();
        if let Some(i) = samples.numbers().iter().position(|&x| x < 0.0) {
            return Err(Error::Caller(format!(
                "Embedding {} holds {}, but chi-squared takes numbers of at least 0, as a network that ends in a ReLU gives. Fit another score.",
                i / d,
                samples.numbers()[i]
            )));
        }
        let mut largest = vec![0f64; d];
        samples.numbers().chunks_exact(d).for_each(|row| largest.iter_mut().zip(row).for_each(|(m, &x)| *m = m.max(x)));
        let scale: Vec<f32> = largest.iter().map(|&m| if m > 0.0 { (1.0 / m) as f32 } else { 0.0 }).collect();
        let pairs = samples.pairs(most_pairs(d))?;
        let unit = samples.scaled(&scale).unit_length();
        let found = fit(&pairs, d, Loss::SquaredHinge, |[i, j], out| {
            out.extend(unit.row(i).iter().zip(unit.row(j)).map(|(&x, &y)| chi_squared_term(x, y) as f32));
        })?;
        let weights = found.weights.iter().map(|&w| w as f32).collect();
        Ok(Self { scale, weights, threshold: found.bias as f32, pairs: pairs.same.len() + pairs.different.len() })
    }

    /// Samples as they are compared: scaled, then of unit length.
    pub fn scaled(&self, samples: &Samples) -> Samples {
        samples.scaled(&self.scale).unit_length()
    }

    /// The score itself.
    ///
    /// # Errors
    /// As [`Scoring::new`].
    pub fn scoring(&self) -> Result<Scoring> {
        Scoring::new(Similarity::ChiSquared, &self.weights)
    }
}
