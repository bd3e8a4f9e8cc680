//! The largest score of every block of rows, for every probe.

/// Rows as a device keeps them.
pub(crate) struct Rows<'a> {
    /// Stored numbers.
    pub(crate) numbers: &'a [Vec<f64>],
    /// What the sum of products is multiplied by, and what is added.
    pub(crate) factors: &'a [[f64; 2]],
    /// Whether the row counts.
    pub(crate) counts: &'a [bool],
}

/// What stands for a block without a row that counts.
pub(crate) const LOWEST: f64 = -3.0e38_f32 as f64;

/// Of every probe and block: `max over its rows of factor * probe_factor * dot(probe, row) + bias`, and the largest sum of magnitudes behind it.
pub(crate) fn maxima(rows: &Rows<'_>, block: usize, probes: &[Vec<f64>], probe_factors: &[f64]) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for (probe, &probe_factor) in probes.iter().zip(probe_factors) {
        for start in (0..rows.numbers.len()).step_by(block) {
            let (mut most, mut magnitude) = (LOWEST, 0f64);
            for i in (start..(start + block).min(rows.numbers.len())).filter(|&i| rows.counts[i]) {
                let [factor, bias] = rows.factors[i];
                let products = || probe.iter().zip(&rows.numbers[i]).map(|(x, y)| x * y);
                most = most.max(factor * probe_factor * products().sum::<f64>() + bias);
                let sum: f64 = products().map(f64::abs).sum();
                magnitude = magnitude.max((factor * probe_factor).abs() * sum + bias.abs());
            }
            out.push((most, magnitude));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_are_of_rows_that_count() {
        let rows = Rows {
            numbers: &[vec![1.0, 2.0], vec![3.0, -1.0], vec![9.0, 9.0], vec![-1.0, 0.0]],
            factors: &[[1.0, 0.0], [2.0, -1.0], [1.0, 0.0], [1.0, 0.5]],
            counts: &[true, true, false, false],
        };
        // 1 * 0.5 * 3 and 2 * 0.5 * 2 - 1.
        assert_eq!(maxima(&rows, 2, &[vec![1.0, 1.0]], &[0.5]), [(1.5, 5.0), (LOWEST, 0.0)]);
    }
}
