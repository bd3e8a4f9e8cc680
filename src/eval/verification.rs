//! Pairs of one person against pairs of two.

use crate::error::{Error, Result};

/// The scores of genuine pairs (one person) and impostor pairs (two people), ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    genuine: Vec<f64>,
    impostor: Vec<f64>,
}

/// A point of the ROC curve: pairs above `threshold` are accepted.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RocPoint {
    /// Pairs with a larger score are accepted.
    pub threshold: f64,
    /// Part of the impostor pairs that are accepted.
    pub far: f64,
    /// Part of the genuine pairs that are accepted.
    pub tar: f64,
}

/// True accept rate at a wanted false accept rate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct TarAtFar {
    /// The rate that was asked for.
    pub far: f64,
    /// Pairs with a larger score are accepted: an order statistic of the impostors, so that the realised rate never exceeds the wanted one.
    pub threshold: f64,
    /// The part of the genuine pairs that is accepted.
    pub tar: f64,
    /// The part of the impostor pairs that is accepted.
    pub far_realised: f64,
    /// Whether there are enough impostor pairs to speak of this rate: at least one over it.
    pub measurable: bool,
}

impl Separation {
    /// Sorts the scores.
    ///
    /// # Errors
    /// [`Error::Caller`] when a side is empty or a score is not a number.
    pub fn new(mut genuine: Vec<f64>, mut impostor: Vec<f64>) -> Result<Self> {
        for (name, scores) in [("genuine", &mut genuine), ("impostor", &mut impostor)] {
            if scores.is_empty() {
                return Err(Error::Caller(format!("There are no {name} pairs. Give pairs of one person and pairs of two.")));
            }
            if let Some(i) = scores.iter().position(|s| s.is_nan()) {
                return Err(Error::Caller(format!("The score of {name} pair {i} is not a number. Leave that pair out.")));
            }
            scores.sort_by(f64::total_cmp);
        }
        Ok(Self { genuine, impostor })
    }

    /// Scores of pairs of one person, ascending.
    pub fn genuine(&self) -> &[f64] {
        &self.genuine
    }

    /// Scores of pairs of two people, ascending.
    pub fn impostor(&self) -> &[f64] {
        &self.impostor
    }

    /// Area under the ROC curve: how often a genuine pair scores above an impostor pair, ties counting half.
    pub fn auc(&self) -> f64 {
        let mut sum = 0.0;
        for &g in &self.genuine {
            let below = self.impostor.partition_point(|&i| i < g);
            let equal = self.impostor[below..].partition_point(|&i| i <= g);
            sum += below as f64 + equal as f64 / 2.0;
        }
        sum / (self.genuine.len() as f64 * self.impostor.len() as f64)
    }

    /// Rates when pairs above `threshold` are accepted.
    pub fn at(&self, threshold: f64) -> RocPoint {
        RocPoint { threshold, far: above(&self.impostor, threshold), tar: above(&self.genuine, threshold) }
    }

    /// The true accept rate at a wanted false accept rate, 0..1.
    ///
    /// Of N impostor scores the `floor(far N) + 1`-th largest is the threshold; from far = 1 on everything is accepted.
    pub fn tar_at_far(&self, far: f64) -> TarAtFar {
        let n = self.impostor.len();
        // 0.1 times 20 is just below 2 for some numbers: a part in 2^40 more is no more impostors.
        let accepted = (far * n as f64 * (1.0 + 2f64.powi(-40))).floor().max(0.0) as usize;
        let threshold = if accepted >= n { f64::NEG_INFINITY } else { self.impostor[n - 1 - accepted] };
        let RocPoint { far: far_realised, tar, .. } = self.at(threshold);
        TarAtFar { far, threshold, tar, far_realised, measurable: far * n as f64 >= 1.0 - 1e-9 }
    }

    /// The ROC curve at every threshold where it changes, from nothing accepted to everything.
    pub fn roc(&self) -> Vec<RocPoint> {
        let mut thresholds: Vec<f64> = self.genuine.iter().chain(&self.impostor).copied().collect();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        thresholds.dedup();
        thresholds.push(f64::NEG_INFINITY);
        thresholds.into_iter().map(|t| self.at(t)).collect()
    }

    /// Where as many impostors are accepted as genuine pairs are refused: the rate, and the threshold.
    pub fn equal_error(&self) -> (f64, f64) {
        let gap = |p: &RocPoint| (p.far - (1.0 - p.tar)).abs();
        let best = self.roc().into_iter().min_by(|a, b| gap(a).total_cmp(&gap(b)));
        best.map_or((0.0, 0.0), |p| ((p.far + 1.0 - p.tar) / 2.0, p.threshold))
    }
}

/// The part of ascending scores above a threshold.
fn above(scores: &[f64], threshold: f64) -> f64 {
    (scores.len() - scores.partition_point(|&s| s <= threshold)) as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn separated_scores_have_a_full_area_and_equal_ones_half() {
        assert_eq!(Separation::new(vec![0.8, 0.9], vec![0.1, 0.2]).unwrap().auc(), 1.0);
        assert_eq!(Separation::new(vec![0.5; 3], vec![0.5; 4]).unwrap().auc(), 0.5);
        assert_eq!(Separation::new(vec![0.1], vec![0.9]).unwrap().auc(), 0.0);
    }

    #[test]
    fn the_realised_rate_never_exceeds_the_wanted_one_also_on_plateaus() {
        let s = Separation::new(vec![0.9, 0.5, 0.4], vec![0.5, 0.5, 0.5, 0.1]).unwrap();
        for far in [0.0, 0.2, 0.25, 0.5, 0.74, 0.75, 1.0] {
            let t = s.tar_at_far(far);
            assert!(t.far_realised <= far, "{t:?}");
        }
        assert_eq!(s.tar_at_far(0.25).tar, 1.0 / 3.0);
        assert_eq!(s.tar_at_far(1.0).tar, 1.0);
        assert!(s.tar_at_far(0.25).measurable && !s.tar_at_far(0.2).measurable);
    }

    #[test]
    fn the_curve_goes_from_nothing_to_everything() {
        let roc = Separation::new(vec![0.9, 0.6], vec![0.7, 0.1]).unwrap().roc();
        assert_eq!((roc[0].far, roc[0].tar), (0.0, 0.0));
        assert_eq!(roc.last().map(|p| (p.far, p.tar)), Some((1.0, 1.0)));
        assert!(roc.windows(2).all(|w| w[0].far <= w[1].far && w[0].tar <= w[1].tar));
        let (rate, _) = Separation::new(vec![0.9, 0.6], vec![0.7, 0.1]).unwrap().equal_error();
        assert_eq!(rate, 0.5);
    }

    #[test]
    fn an_empty_side_and_nan_are_refused() {
        assert!(Separation::new(vec![], vec![1.0]).is_err());
        assert!(Separation::new(vec![f64::NAN], vec![1.0]).is_err());
    }
}
