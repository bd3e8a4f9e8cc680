//! A weight for every number of a row.

/// `x` with every number times its weight; `w` is as long as a row.
pub fn rows(x: &[f64], w: &[f64]) -> Vec<f64> {
    x.iter().zip(w.iter().cycle()).map(|(x, w)| x * w).collect()
}
