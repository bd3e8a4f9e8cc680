//! Accuracy by folds: the threshold of each fold comes from the others (LFW and its successors).

use crate::error::{Error, Result};

/// How the threshold of a fold is chosen from the pairs of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// The most accurate of all thresholds: midpoints between neighbouring scores. Of several, the middle one.
    Exact,
    /// The most accurate on a grid, accepting scores strictly above it. Of several, the first (as InsightFace and facenet take it, with squared
    /// distances of unit vectors from 0 to 4 in steps of 0.01, that is scores from 0 down to -4).
    Grid {
        /// The first threshold.
        from: f64,
        /// Added each time.
        step: f64,
        /// Thresholds.
        count: usize,
    },
}

/// Pairs in folds.
#[derive(Clone, Debug, PartialEq)]
pub struct Folds {
    /// Score and truth of every pair, fold after fold.
    folds: Vec<Vec<(f64, bool)>>,
}

/// The outcome of a protocol in folds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FoldAccuracy {
    /// Accuracy of each fold.
    pub folds: Vec<f64>,
    /// Threshold of each fold.
    pub thresholds: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation over the folds (divisor n, as libraries print it).
    pub std: f64,
    /// Standard error of the mean (standard deviation with divisor n - 1 over the root of n, as the LFW page asks for).
    pub standard_error: f64,
}

impl Folds {
    /// Folds that are known: `fold[i]` is that of pair i, counted from 0.
    ///
    /// # Errors
    /// [`Error::Caller`] for fewer than two folds, an empty fold or a score that is not a number.
    pub fn new(pairs: &[(f64, bool)], fold: &[usize]) -> Result<Self> {
        let count = fold.iter().max().map_or(0, |m| m + 1);
        let mut folds = vec![Vec::new(); count];
        for (pair, &f) in pairs.iter().zip(fold) {
            folds[f].push(*pair);
        }
        if let Some(i) = pairs.iter().position(|p| p.0.is_nan()) {
            return Err(Error::Caller(format!("The score of pair {i} is not a number. Leave that pair out.")));
        }
        if count < 2 || fold.len() != pairs.len() || folds.iter().any(Vec::is_empty) {
            return Err(Error::Caller(format!(
                "{} pairs cannot be put into {count} folds. Give at least one pair a fold and two folds.",
                pairs.len()
            )));
        }
        Ok(Self { folds })
    }

    /// `count` folds of pairs in a row, each with its share of genuine and of impostor pairs, in the order given.
    ///
    /// # Errors
    /// As [`Folds::new`].
    pub fn split(pairs: &[(f64, bool)], count: usize) -> Result<Self> {
        let total = |same: bool| pairs.iter().filter(|p| p.1 == same).count();
        let (of_same, of_different) = (total(true), total(false));
        let (mut same, mut different) = (0, 0);
        let fold: Vec<usize> = pairs
            .iter()
            .map(|p| {
                let (seen, all) = if p.1 { (&mut same, of_same) } else { (&mut different, of_different) };
                *seen += 1;
                (*seen - 1) * count / all.max(1)
            })
            .collect();
        Self::new(pairs, &fold)
    }

    /// Accuracy of each fold at the threshold that suits the others best.
    pub fn accuracy(&self, threshold: Threshold) -> FoldAccuracy {
        let n = self.folds.len();
        let (mut accuracies, mut thresholds) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for i in 0..n {
            let others: Vec<_> = self.folds.iter().enumerate().filter(|(j, _)| *j != i).flat_map(|(_, f)| f.iter().copied()).collect();
            let best = match threshold {
                Threshold::Exact => best_threshold(&others).0,
                Threshold::Grid { from, step, count } => {
                    let at = |k: usize| from + step * k as f64;
                    let better = |best: usize, k: usize| if right(&others, at(k)) > right(&others, at(best)) { k } else { best };
                    at((0..count).fold(0, better))
                }
            };
            accuracies.push(right(&self.folds[i], best) as f64 / self.folds[i].len() as f64);
            thresholds.push(best);
        }
        let mean = accuracies.iter().sum::<f64>() / n as f64;
        let squares: f64 = accuracies.iter().map(|a| (a - mean).powi(2)).sum();
        FoldAccuracy {
            folds: accuracies,
            thresholds,
            mean,
            std: (squares / n as f64).sqrt(),
            standard_error: (squares / (n - 1) as f64).sqrt() / (n as f64).sqrt(),
        }
    }
}

/// Pairs answered rightly when scores strictly above the threshold are accepted.
fn right(pairs: &[(f64, bool)], threshold: f64) -> usize {
    pairs.iter().filter(|(score, same)| (*score > threshold) == *same).count()
}

/// The most accurate threshold on these pairs (a midpoint between scores, or an end), and its accuracy. Of several, the middle one.
/// Scores strictly above it are accepted.
pub fn best_threshold(pairs: &[(f64, bool)]) -> (f64, f64) {
    let mut pairs = pairs.to_vec();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // With the threshold below everything, all genuine pairs are right.
    let mut now = pairs.iter().filter(|p| p.1).count();
    let mut best = now;
    let mut cuts = vec![f64::NEG_INFINITY];
    for (i, &(score, same)) in pairs.iter().enumerate() {
        if same {
            now -= 1
        } else {
            now += 1
        }
        let next = pairs.get(i + 1).map_or(f64::INFINITY, |p| p.0);
        if next == score || now < best {
            continue;
        }
        if now > best {
            best = now;
            cuts.clear();
        }
        cuts.push(if next.is_finite() { score + (next - score) / 2.0 } else { score });
    }
    (cuts[cuts.len() / 2], best as f64 / pairs.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_best_threshold_is_the_best_of_all() {
        let pairs = [(0.1, false), (0.4, true), (0.3, false), (0.35, false), (0.9, true), (0.3, true), (0.2, false)];
        let (threshold, accuracy) = best_threshold(&pairs);
        let brute = (0..200).map(|k| right(&pairs, f64::from(k) / 199.0)).max().unwrap();
        assert_eq!(right(&pairs, threshold), brute);
        assert_eq!(accuracy, brute as f64 / 7.0);
        assert_eq!(best_threshold(&[(0.5, true)]), (f64::NEG_INFINITY, 1.0));
        assert_eq!(best_threshold(&[(0.5, false)]), (0.5, 1.0));
    }

    #[test]
    fn folds_take_their_threshold_from_the_others() {
        // The first fold would want more than 0.16, the others 0.15.
        let pairs = [(0.16, false), (0.6, true), (0.1, false), (0.2, true), (0.1, false), (0.2, true)];
        let folds = Folds::split(&pairs, 3).unwrap();
        let result = folds.accuracy(Threshold::Exact);
        assert_eq!(result.folds, [0.5, 1.0, 1.0]);
        assert!((result.thresholds[0] - 0.15).abs() < 1e-12);
        assert!((result.mean - 2.5 / 3.0).abs() < 1e-12);
        assert!((result.std - (1.0f64 / 18.0).sqrt()).abs() < 1e-12);
        assert!((result.standard_error - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_grid_takes_the_first_of_the_best() {
        let pairs = [(-1.0, true), (-3.0, false), (-1.0, true), (-3.0, false)];
        let grid = Threshold::Grid { from: 0.0, step: -0.01, count: 401 };
        let result = Folds::split(&pairs, 2).unwrap().accuracy(grid);
        assert_eq!(result.mean, 1.0);
        assert!((result.thresholds[0] + 1.01).abs() < 1e-9);
    }

    #[test]
    fn folds_without_pairs_are_refused() {
        assert!(Folds::split(&[(0.1, true)], 10).is_err());
        assert!(Folds::new(&[(0.1, true), (f64::NAN, true)], &[0, 1]).is_err());
    }
}
