//! The largest negative distance of every block of rows, for every probe.

use super::scan::{LOWEST, Rows};

/// `Σ w |x - y|`, or with `chi_squared` `Σ w (x - y)² / (x + y)`, where numbers below zero count as zero and terms of two zeros are zero.
fn distance(weights: &[f64], x: &[f64], y: impl Iterator<Item = f64>, chi_squared: bool) -> f64 {
    let mut sum = 0.0;
    for ((&x, y), w) in x.iter().zip(y).zip(weights) {
        let (a, b) = (x.max(0.0), y.max(0.0));
        sum += w * match chi_squared {
            true if a + b == 0.0 => 0.0,
            true => (a - b).powi(2) / (a + b),
            false => (x - y).abs(),
        };
    }
    sum
}

/// Of every probe and block: `max over its rows of -(probe_factor * distance(probe, factor * row))`. Biases play no part.
pub(crate) fn maxima(
    rows: &Rows<'_>,
    block: usize,
    weights: &[f64],
    probes: &[Vec<f64>],
    probe_factors: &[f64],
    chi_squared: bool,
) -> Vec<f64> {
    let mut out = Vec::new();
    for (probe, factor) in probes.iter().zip(probe_factors) {
        for start in (0..rows.numbers.len()).step_by(block) {
            let counting = (start..(start + block).min(rows.numbers.len())).filter(|&i| rows.counts[i]);
            let score = |i: usize| {
                let row = rows.numbers[i].iter().map(|y| rows.factors[i][0] * y);
                -factor * distance(weights, probe, row, chi_squared)
            };
            out.push(counting.map(score).fold(LOWEST, f64::max));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_are_of_the_nearest_row_that_counts() {
        let rows = Rows {
            numbers: &[vec![1.0, 2.0], vec![3.0, -1.0], vec![9.0, 9.0], vec![0.0, 0.0]],
            factors: &[[1.0, 0.0], [2.0, -1.0], [1.0, 0.0], [1.0, 0.5]],
            counts: &[true, true, false, false],
        };
        // 2 * (0.5 * |3 - 1| + 2 * |0 - 2|) of the first row, 2 * (0.5 * 3 + 2 * 2) of the second.
        assert_eq!(maxima(&rows, 2, &[0.5, 2.0], &[vec![3.0, 0.0]], &[2.0], false), [-10.0, LOWEST]);
        // 2 * (0.5 * 4 / 4 + 2 * 4 / 2), and 2 * 0.5 * 9 / 9.
        assert_eq!(maxima(&rows, 2, &[0.5, 2.0], &[vec![3.0, 0.0]], &[2.0], true), [-1.0, LOWEST]);
    }
}
