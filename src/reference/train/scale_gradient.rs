//! The gradient by a weight for every number of a row.

/// Sums of `x dy` down the columns of rows of `columns` numbers.
pub fn sums(x: &[f64], dy: &[f64], columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; columns];
    for (x, dy) in x.chunks_exact(columns).zip(dy.chunks_exact(columns)) {
        out.iter_mut().zip(x.iter().zip(dy)).for_each(|(sum, (x, dy))| *sum += x * dy);
    }
    out
}
