//! What scores with parameters need beyond the rows.

use std::sync::Arc;

use super::Metric;
use crate::score::{LogRatio, chi_squared, weighted_l1};

/// The parameters of a metric, ready to be used.
#[derive(Debug)]
pub(super) struct Learned {
    /// Of weighted distances; φ of Joint Bayesian.
    pub(super) weights: Arc<[f32]>,
    pub(super) ratio: Option<LogRatio>,
    /// Weights on the device are divided by this power of two, so that no distance overflows.
    pub(super) unit: f64,
    /// Of all weights.
    pub(super) sum: f64,
}

impl Learned {
    pub(super) fn new(metric: Metric, weights: &Arc<[f32]>) -> Self {
        let largest = weights.iter().fold(0f32, |most, &w| most.max(w));
        Self {
            weights: weights.clone(),
            ratio: (metric == Metric::JointBayesian).then(|| LogRatio::new(weights)),
            unit: if largest > 0.0 { 2f64.powi(super::rows::exponent(largest)) } else { 1.0 },
            sum: weights.iter().map(|&w| f64::from(w)).sum(),
        }
    }

    /// The score of a probe and a row that is multiplied by `unit`; not a number for a metric without parameters.
    pub(super) fn score(&self, metric: Metric, probe: &[f32], row: &[f32], unit: f64) -> f64 {
        match (metric, &self.ratio) {
            (Metric::ChiSquared, _) => -chi_squared(&self.weights, probe, row, unit),
            (Metric::WeightedL1, _) => -weighted_l1(&self.weights, probe, row, unit),
            (_, Some(ratio)) => ratio.between(probe, row, unit),
            _ => f64::NAN,
        }
    }

    /// Weights as the device has them, at most 2.
    pub(super) fn device_weights(&self) -> impl Iterator<Item = f32> {
        self.weights.iter().map(|&w| (f64::from(w) / self.unit) as f32)
    }
}
