//! A weight for every number of a pair: `one person` where `Σ w t` is at most a bias.

use super::Pairs;
use crate::error::{Error, Result};

/// What a wrong decision costs. `z` is the distance to the boundary, positive on the right side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// `max(0, 1 - z)²`: a linear support vector machine (the L2 loss of LIBLINEAR).
    SquaredHinge,
    /// `ln(1 + e^-z)`.
    Logistic,
}

impl Loss {
    /// Loss and derivative.
    fn at(self, z: f64) -> (f64, f64) {
        match self {
            Self::SquaredHinge => {
                let short = (1.0 - z).max(0.0);
                (short * short, -2.0 * short)
            }
            // Stable on both sides.
            Self::Logistic => ((-z.abs()).exp().ln_1p() + (-z).max(0.0), -1.0 / (1.0 + z.exp())),
        }
    }
}

/// Weights and bias.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linear {
    /// At least 0.
    pub(super) weights: Vec<f64>,
    pub(super) bias: f64,
}

/// Numbers of all pairs that are kept at once.
const MOST_TERMS: usize = 1 << 26;
/// Pairs of one person to learn from.
const MOST_PAIRS: usize = 10_000;
/// Sweeps over all pairs.
const MOST_STEPS: usize = 2_000;

/// Pairs of one person that fit embeddings of this length.
pub(super) fn most_pairs(dimension: usize) -> usize {
    (MOST_TERMS / (2 * dimension.max(1))).clamp(1, MOST_PAIRS)
}

/// The terms of pairs, without their mean and divided by their standard deviation, `[pair][term]`.
struct Terms {
    dimension: usize,
    scaled: Vec<f32>,
    /// 1 for one person, -1 for two.
    side: Vec<f64>,
    mean: Vec<f64>,
    /// 0 where all pairs have the same term.
    deviation: Vec<f64>,
}

impl Terms {
    fn new(pairs: &Pairs, dimension: usize, term: impl Fn([usize; 2], &mut Vec<f32>)) -> Self {
        let mut scaled = Vec::with_capacity((pairs.same.len() + pairs.different.len()) * dimension);
        pairs.same.iter().chain(&pairs.different).for_each(|&pair| term(pair, &mut scaled));
        let side: Vec<f64> = std::iter::repeat_n(1.0, pairs.same.len()).chain(std::iter::repeat_n(-1.0, pairs.different.len())).collect();
        let (n, mut mean, mut squares) = (side.len() as f64, vec![0.0; dimension], vec![0.0; dimension]);
        for row in scaled.chunks_exact(dimension) {
            mean.iter_mut().zip(row).for_each(|(m, &t)| *m += f64::from(t) / n);
        }
        for row in scaled.chunks_exact(dimension) {
            squares.iter_mut().zip(row.iter().zip(&mean)).for_each(|(s, (&t, m))| *s += (f64::from(t) - m).powi(2) / n);
        }
        // Terms that differ by rounding only say nothing.
        let deviation: Vec<f64> = squares.iter().zip(&mean).map(|(s, m)| if s.sqrt() > 1e-6 * m { s.sqrt() } else { 0.0 }).collect();
        for row in scaled.chunks_exact_mut(dimension) {
            for ((t, m), d) in row.iter_mut().zip(&mean).zip(&deviation) {
                *t = if *d > 0.0 { ((f64::from(*t) - m) / d) as f32 } else { 0.0 };
            }
        }
        Self { dimension, scaled, side, mean, deviation }
    }

    /// Objective and gradient at weights that are followed by the bias.
    fn at(&self, loss: Loss, penalty: f64, at: &[f64]) -> (f64, Vec<f64>) {
        let (weights, bias) = (&at[..self.dimension], at[self.dimension]);
        let (mut value, mut gradient) = (0.0, vec![0.0; at.len()]);
        for (row, side) in self.scaled.chunks_exact(self.dimension).zip(&self.side) {
            let sum: f64 = row.iter().zip(weights).map(|(&t, w)| f64::from(t) * w).sum();
            let (own, slope) = loss.at(side * (bias - sum));
            value += own;
            let slope = slope * side;
            if slope != 0.0 {
                gradient.iter_mut().zip(row).for_each(|(g, &t)| *g -= slope * f64::from(t));
                gradient[self.dimension] += slope;
            }
        }
        let n = self.side.len() as f64;
        gradient.iter_mut().for_each(|g| *g /= n);
        gradient.iter_mut().zip(weights).for_each(|(g, w)| *g += penalty * w);
        (value / n + 0.5 * penalty * weights.iter().map(|w| w * w).sum::<f64>(), gradient)
    }
}

/// Weights of at least 0 that keep pairs of one person below the bias and those of two above it, the more surely the better; half the square
/// of the weights, in units of a standard deviation, costs as much as the loss of one pair.
///
/// The minimum is unique; accelerated projected gradients (Beck & Teboulle 2009) with restarts (O'Donoghue & Candès 2015) go there.
///
/// # Errors
/// [`Error::Caller`] when no weight tells the pairs apart.
pub(super) fn fit(pairs: &Pairs, dimension: usize, loss: Loss, term: impl Fn([usize; 2], &mut Vec<f32>)) -> Result<Linear> {
    let terms = Terms::new(pairs, dimension, term);
    let penalty = 1.0 / terms.side.len().max(1) as f64;
    let place = minimum(&terms, loss, penalty);
    let by_term = place.iter().zip(&terms.deviation);
    let weights: Vec<f64> = by_term.map(|(w, d)| if *d > 0.0 { w / d } else { 0.0 }).collect();
    if weights.iter().all(|&w| w <= 0.0) {
        return Err(Error::Caller(
            "No weight tells pairs of one person from pairs of two: people are not nearer to themselves than to others. Check the labels."
                .to_owned(),
        ));
    }
    let bias = place[dimension] + weights.iter().zip(&terms.mean).map(|(w, m)| w * m).sum::<f64>();
    Ok(Linear { weights, bias })
}

fn minimum(terms: &Terms, loss: Loss, penalty: f64) -> Vec<f64> {
    let d = terms.dimension;
    let mut place = vec![0.0; d + 1];
    let (mut ahead, mut momentum, mut curvature) = (place.clone(), 1.0f64, 1.0f64);
    for _ in 0..MOST_STEPS {
        let (value, gradient) = terms.at(loss, penalty, &ahead);
        let next = loop {
            let step = |i: usize| ahead[i] - gradient[i] / curvature;
            let next: Vec<f64> = (0..=d).map(|i| if i < d { step(i).max(0.0) } else { step(i) }).collect();
            let moved: Vec<f64> = next.iter().zip(&ahead).map(|(n, a)| n - a).collect();
            let linear: f64 = moved.iter().zip(&gradient).map(|(m, g)| m * g).sum();
            let quadratic = 0.5 * curvature * moved.iter().map(|m| m * m).sum::<f64>();
            // As sharp as the objective is here; a little slack for rounding.
            if terms.at(loss, penalty, &next).0 <= value + linear + quadratic + 1e-14 * value.abs() {
                break next;
            }
            curvature *= 2.0;
        };
        let moved = next.iter().zip(&ahead).fold(0f64, |most, (n, a)| most.max((n - a).abs()));
        // Uphill: the momentum has carried too far.
        let uphill = next.iter().zip(&place).zip(&ahead).map(|((n, p), a)| (a - n) * (n - p)).sum::<f64>() > 0.0;
        let larger = if uphill { 1.0 } else { (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0 };
        let carry = if uphill { 0.0 } else { (momentum - 1.0) / larger };
        ahead = next.iter().zip(&place).map(|(n, p)| n + carry * (n - p)).collect();
        (place, momentum) = (next, larger);
        // The gradient that is left, in the units of the loss.
        if moved * curvature < 1e-7 {
            break;
        }
        curvature *= 0.98;
    }
    place
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Pairs whose first term is small for one person, whose second is large, whose third says nothing and whose fourth is constant.
    fn example() -> (Pairs, Vec<[f32; 4]>) {
        let terms: Vec<[f32; 4]> = (0..60u32)
            .map(|i| {
                let noise = |k: u32| (i * 7919 + k * 104_729) % 101;
                let one = if i < 30 { 0.0 } else { 60.0 };
                [one + noise(1) as f32, 60.0 - one + noise(2) as f32, noise(3) as f32, 5.0]
            })
            .collect();
        let pair = |i: usize| [i, i];
        (Pairs { same: (0..30).map(pair).collect(), different: (30..60).map(pair).collect() }, terms)
    }

    #[test]
    fn the_place_found_is_the_minimum_under_the_constraint() {
        let (pairs, rows) = example();
        let n = 60.0;
        for loss in [Loss::SquaredHinge, Loss::Logistic] {
            let found = fit(&pairs, 4, loss, |[i, _], out| out.extend(rows[i])).unwrap();
            assert!(found.weights[0] > 0.0 && found.weights[1] == 0.0 && found.weights[3] == 0.0, "{found:?}");
            // Karush-Kuhn-Tucker, from the unscaled terms.
            let mean = |k: usize| rows.iter().map(|r| f64::from(r[k])).sum::<f64>() / n;
            let variance = |k: usize| rows.iter().map(|r| (f64::from(r[k]) - mean(k)).powi(2)).sum::<f64>() / n;
            let slopes: Vec<f64> = (0..60)
                .map(|i| {
                    let side = if i < 30 { 1.0 } else { -1.0 };
                    let sum: f64 = rows[i].iter().zip(&found.weights).map(|(&t, w)| f64::from(t) * w).sum();
                    let z = side * (found.bias - sum);
                    side * if loss == Loss::Logistic { -1.0 / (1.0 + z.exp()) } else { -2.0 * (1.0 - z).max(0.0) }
                })
                .collect();
            assert!(slopes.iter().sum::<f64>().abs() / n < 1e-6);
            for k in 0..3 {
                let gradient =
                    -slopes.iter().zip(&rows).map(|(s, r)| s * f64::from(r[k])).sum::<f64>() / n + variance(k) * found.weights[k] / n;
                let scaled = gradient / variance(k).sqrt();
                assert!(if found.weights[k] > 0.0 { scaled.abs() < 1e-5 } else { scaled > -1e-5 }, "{loss:?} {k} {scaled}");
            }
        }
    }

    #[test]
    fn pairs_that_nothing_tells_apart_are_refused() {
        let (mut pairs, rows) = example();
        std::mem::swap(&mut pairs.same, &mut pairs.different);
        let one = fit(&pairs, 1, Loss::Logistic, |[i, _], out| out.push(rows[i][0]));
        assert!(one.unwrap_err().to_string().contains("Check the labels"));
    }

    #[test]
    fn losses_have_their_derivatives() {
        for loss in [Loss::SquaredHinge, Loss::Logistic] {
            for z in [-30.0, -1.0, 0.0, 0.5, 3.0, 40.0] {
                let slope = (loss.at(z + 1e-6).0 - loss.at(z - 1e-6).0) / 2e-6;
                assert!((slope - loss.at(z).1).abs() < 1e-5, "{loss:?} {z}");
            }
            assert!(loss.at(-1e4).0.is_finite() && loss.at(1e4).0 >= 0.0);
        }
    }
}
