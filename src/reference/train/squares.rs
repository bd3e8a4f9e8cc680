//! Norms.

/// The sum of all squares.
pub fn sum(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum()
}
