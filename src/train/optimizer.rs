//! Optimisers: what a gradient does to the weights.

use crate::error::{Error, Result};
use crate::kernels::train::{Params, adam, sgd};
use crate::recording::{Caps, Launch};

/// How weights follow their gradients. Weight decay is decoupled in both: it takes `rate * decay` of a weight itself and does not go
/// through momentum or means (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent: `v <- momentum v + g`, `w <- w - rate (v + decay w)`.
    Sgd {
        /// Share of the velocity that stays, from 0 to below 1.
        momentum: f64,
        /// `g + momentum v` in place of `v` (Sutskever et al. 2013).
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015), freed of the bias of its means: `w <- w - rate (m / (sqrt(s) + epsilon) + decay w)`.
    Adam {
        /// Decay of the mean of gradients, from 0 to below 1.
        beta1: f64,
        /// Decay of the mean of squared gradients, from 0 to below 1.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
    },
}

/// What all weights of a step share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    /// From 1.
    pub(super) step: u64,
    pub(super) rate: f64,
    pub(super) decay: f64,
    /// The gradient's factor.
    pub(super) scale: f64,
}

impl Optimizer {
    /// SGD with a momentum of 0.9.
    pub const SGD: Self = Self::Sgd { momentum: 0.9, nesterov: false };
    /// Adam with the constants of its paper.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// Numbers it keeps beside every weight.
    pub(super) fn states(&self) -> usize {
        match self {
            Self::Sgd { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }

    /// The launch for `count` vec4s, of which the first `decayed` decay; it binds gradient, weights and states.
    pub(super) fn launch(&self, caps: &Caps, update: &Update, count: usize, decayed: usize) -> Launch {
        let base = Params {
            count: count as u32,
            decayed: decayed as u32,
            rate: update.rate as f32,
            decay: update.decay as f32,
            scale: update.scale as f32,
            ..Params::default()
        };
        match *self {
            Self::Sgd { momentum, nesterov } => {
                sgd::launch(caps, &Params { first: momentum as f32, nesterov: u32::from(nesterov), ..base })
            }
            Self::Adam { beta1, beta2, epsilon } => {
                let unbiased = |beta: f64| (1.0 / (1.0 - beta.powf(update.step as f64))) as f32;
                let params = Params {
                    first: beta1 as f32,
                    first_rest: (1.0 - beta1) as f32,
                    second: beta2 as f32,
                    second_rest: (1.0 - beta2) as f32,
                    first_unbiased: unbiased(beta1),
                    second_unbiased: unbiased(beta2),
                    epsilon: epsilon as f32,
                    ..base
                };
                adam::launch(caps, &params)
            }
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let share = |v: f64| (0.0..1.0).contains(&v);
        let fine = match *self {
            Self::Sgd { momentum, .. } => share(momentum),
            Self::Adam { beta1, beta2, epsilon } => share(beta1) && share(beta2) && epsilon.is_finite() && epsilon as f32 > 0.0,
        };
        if fine {
            return Ok(());
        }
        Err(Error::Caller(format!("The optimiser {self:?} cannot work. Momentum and betas are from 0 to below 1, epsilon is positive.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_one_and_more_are_refused() {
        assert!(Optimizer::SGD.check().is_ok() && Optimizer::ADAM.check().is_ok());
        for v in [1.0, -0.1, f64::NAN] {
            assert!(Optimizer::Sgd { momentum: v, nesterov: true }.check().is_err());
            assert!(Optimizer::Adam { beta1: v, beta2: 0.9, epsilon: 1e-8 }.check().is_err());
            assert!(Optimizer::Adam { beta1: 0.9, beta2: v, epsilon: 1e-8 }.check().is_err());
        }
        assert!(Optimizer::Adam { beta1: 0.9, beta2: 0.9, epsilon: 1e-60 }.check().is_err());
    }
}
