//! Transposition.

/// `x` of `columns` columns with its columns first.
pub fn columns_first(x: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|c| x.iter().skip(c).step_by(columns).copied()).collect()
}
