//! Scores as sums over the numbers of two embeddings. `y` is multiplied by `unit`, a power of two.

/// Joint Bayesian in the basis where both covariances are diagonal: `Σ u x y - ½ Σ v (x² + y²) + constant`.
///
/// With S_ε = 1 and S_μ = φ, u = φ / (2φ + 1), v = φ² / ((2φ + 1)(φ + 1)), and the constant is `-½ Σ ln((2φ + 1) / (φ + 1)²)` (Chen et al. 2012,
/// with the constant that they leave out).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogRatio {
    pub(crate) u: Vec<f64>,
    pub(crate) v: Vec<f64>,
    pub(crate) constant: f64,
}

impl LogRatio {
    pub(crate) fn new(phi: &[f32]) -> Self {
        Self::of(&phi.iter().map(|&p| f64::from(p)).collect::<Vec<_>>())
    }

    pub(crate) fn of(phi: &[f64]) -> Self {
        Self {
            u: phi.iter().map(|p| p / (2.0 * p + 1.0)).collect(),
            v: phi.iter().map(|p| p / (2.0 * p + 1.0) * (p / (p + 1.0))).collect(),
            constant: phi.iter().map(|p| p.ln_1p() - 0.5 * (2.0 * p).ln_1p()).sum(),
        }
    }

    pub(crate) fn between(&self, x: &[f32], y: &[f32], unit: f64) -> f64 {
        let (mut products, mut squares) = (0.0, 0.0);
        for ((&x, &y), (&u, &v)) in x.iter().zip(y).zip(self.u.iter().zip(&self.v)) {
            let (x, y) = (f64::from(x), f64::from(y) * unit);
            products += u * (x * y);
            squares += v * (x * x + y * y);
        }
        products - 0.5 * squares + self.constant
    }

    /// `½ Σ v y²`: what the length of one embedding takes away.
    pub(crate) fn half_squares(&self, y: &[f32], unit: f64) -> f64 {
        0.5 * y.iter().zip(&self.v).map(|(&y, &v)| v * (f64::from(y) * unit).powi(2)).sum::<f64>()
    }
}

/// `Σ w (x - y)² / (x + y)`; numbers below zero count as zero, terms of two zeros are zero.
pub(crate) fn chi_squared(weights: &[f32], x: &[f32], y: &[f32], unit: f64) -> f64 {
    let mut sum = 0.0;
    for ((&x, &y), &w) in x.iter().zip(y).zip(weights) {
        sum += f64::from(w) * chi_squared_term(f64::from(x), f64::from(y) * unit);
    }
    sum
}

/// `(x - y)² / (x + y)` of numbers that are not below zero; not a number stays so.
pub(crate) fn chi_squared_term(x: f64, y: f64) -> f64 {
    let positive = |v: f64| if v < 0.0 { 0.0 } else { v };
    let (x, y) = (positive(x), positive(y));
    let (difference, sum) = (x - y, x + y);
    if sum == 0.0 { 0.0 } else { difference * (difference / sum) }
}

/// `Σ w |x - y|`.
pub(crate) fn weighted_l1(weights: &[f32], x: &[f32], y: &[f32], unit: f64) -> f64 {
    x.iter().zip(y).zip(weights).map(|((&x, &y), &w)| f64::from(w) * (f64::from(x) - f64::from(y) * unit).abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ln N(x; 0, [[a, b], [b, a]])` without the part with π.
    fn log_density(x: [f64; 2], a: f64, b: f64) -> f64 {
        let determinant = a * a - b * b;
        -0.5 * (determinant.ln() + (a * (x[0] * x[0] + x[1] * x[1]) - 2.0 * b * x[0] * x[1]) / determinant)
    }

    #[test]
    fn the_fast_form_is_the_ratio_of_the_densities() {
        for phi in [0.0, 1e-6, 0.3, 1.0, 40.0, 1e5] {
            let ratio = LogRatio::new(&[phi]);
            let p = f64::from(phi);
            for [x, y] in [[0.0f32, 0.0], [1.5, 1.25], [-2.0, 3.0], [0.0, 0.5]] {
                let own = [f64::from(x), f64::from(y)];
                let want = log_density(own, p + 1.0, p) - log_density(own, p + 1.0, 0.0);
                let got = ratio.between(&[x], &[y], 1.0);
                assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "{phi} {x} {y}: {got} {want}");
                assert_eq!(got, ratio.between(&[y], &[x], 1.0));
                let parts =
                    ratio.u[0] * own[0] * own[1] - ratio.half_squares(&[x], 1.0) - ratio.half_squares(&[y / 2.0], 2.0) + ratio.constant;
                assert!((got - parts).abs() < 1e-12 * (1.0 + got.abs()));
            }
        }
    }

    #[test]
    fn units_multiply_the_second_embedding() {
        let (w, x, y, half) = ([0.5, 2.0], [1.0, 3.0], [4.0, 0.5], [2.0, 0.25]);
        assert_eq!(chi_squared(&w, &x, &half, 2.0), chi_squared(&w, &x, &y, 1.0));
        assert_eq!(weighted_l1(&w, &x, &half, 2.0), weighted_l1(&w, &x, &y, 1.0));
    }
}
