//! Learning rates over the steps of a training.

use crate::error::{Error, Result};

/// How the rate goes on behind the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Times `factor` after every `every` steps.
    Step {
        /// Steps, the warm-up not counted.
        every: u64,
        /// From 0 to 1.
        factor: f64,
    },
    /// Half a cosine from the rate down to 0 at step `steps` (Loshchilov and Hutter 2017, without restarts).
    Cosine {
        /// All steps, warm-up included.
        steps: u64,
    },
}

/// The learning rate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Rate {
    /// The greatest.
    pub base: f64,
    /// Steps during which it rises to that, in a straight line; 0: none.
    pub warmup: u64,
    /// What follows.
    pub schedule: Schedule,
}

impl Rate {
    /// Always `base`.
    pub fn constant(base: f64) -> Self {
        Self { base, warmup: 0, schedule: Schedule::Constant }
    }

    /// The rate of step `t`, from 1.
    pub fn at(&self, t: u64) -> f64 {
        if t <= self.warmup {
            return self.base * t as f64 / self.warmup as f64;
        }
        let done = t - 1 - self.warmup;
        match self.schedule {
            Schedule::Constant => self.base,
            Schedule::Step { every, factor } => self.base * factor.powf((done / every.max(1)) as f64),
            Schedule::Cosine { steps } => {
                let all = steps.saturating_sub(self.warmup).max(1);
                let share = (done as f64 / all as f64).min(1.0);
                self.base * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let steps = match self.schedule {
            Schedule::Constant => true,
            Schedule::Step { every, factor } => every > 0 && (0.0..=1.0).contains(&factor),
            Schedule::Cosine { steps } => steps > self.warmup,
        };
        if self.base.is_finite() && self.base > 0.0 && steps {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "A learning rate of {} with {} steps of warm-up and {:?} is none. Give a positive rate, and a schedule that is longer than its warm-up.",
            self.base, self.warmup, self.schedule
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_and_fall_as_they_say() {
        let step = Rate { base: 0.8, warmup: 4, schedule: Schedule::Step { every: 3, factor: 0.5 } };
        let rates: Vec<f64> = (1..=11).map(|t| step.at(t)).collect();
        let want = [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2];
        assert!(rates.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
        let cosine = Rate { base: 1.0, warmup: 0, schedule: Schedule::Cosine { steps: 8 } };
        assert_eq!(cosine.at(1), 1.0);
        assert!((cosine.at(5) - 0.5).abs() < 1e-12 && cosine.at(9) < 1e-12 && cosine.at(100) < 1e-12);
        assert!((1..9).all(|t| cosine.at(t + 1) < cosine.at(t)));
        assert_eq!(Rate::constant(0.3).at(1_000_000), 0.3);
    }

    #[test]
    fn nonsense_is_refused() {
        for base in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Rate::constant(base).check().is_err(), "{base}");
        }
        for schedule in [
            Schedule::Step { every: 0, factor: 0.1 },
            Schedule::Step { every: 5, factor: 2.0 },
            Schedule::Step { every: 5, factor: f64::NAN },
            Schedule::Cosine { steps: 10 },
        ] {
            assert!(Rate { base: 0.1, warmup: 10, schedule }.check().is_err(), "{schedule:?}");
        }
    }
}
