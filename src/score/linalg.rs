//! Matrices in f64.

use nalgebra::{DMatrix, SymmetricEigen};

/// Columns that are multiplied at once, so that a copy of them is small.
const CHUNK: usize = 4096;

/// `Σ (x - mean)(x - mean)ᵀ` over rows of `mean.len()` numbers.
pub(super) fn scatter(rows: &[f64], mean: &[f64]) -> DMatrix<f64> {
    let d = mean.len();
    let mut sum = DMatrix::zeros(d, d);
    for part in rows.chunks(CHUNK * d) {
        let mut columns = DMatrix::from_column_slice(d, part.len() / d, part);
        columns.column_iter_mut().for_each(|mut c| c.iter_mut().zip(mean).for_each(|(x, m)| *x -= m));
        sum.gemm(1.0, &columns, &columns.transpose(), 1.0);
    }
    symmetric(sum)
}

/// The mean of rows of `dimension` numbers.
pub(super) fn mean(rows: &[f64], dimension: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dimension];
    rows.chunks_exact(dimension).for_each(|row| sum.iter_mut().zip(row).for_each(|(s, x)| *s += x));
    let n = (rows.len() / dimension.max(1)).max(1) as f64;
    sum.iter_mut().for_each(|s| *s /= n);
    sum
}

/// `W x + b` of every row x of as many numbers as `weight` has columns, row-major.
pub(super) fn affine(weight: &[f64], bias: &[f64], rows: &[f64]) -> Vec<f64> {
    let (outputs, inputs) = (bias.len(), weight.len() / bias.len().max(1));
    let w = DMatrix::from_row_slice(outputs, inputs, weight);
    let mut out = Vec::with_capacity(rows.len() / inputs.max(1) * outputs);
    for part in rows.chunks(CHUNK * inputs.max(1)) {
        let columns = &w * DMatrix::from_column_slice(inputs, part.len() / inputs, part);
        columns.column_iter().for_each(|c| out.extend(c.iter().zip(bias).map(|(x, b)| x + b)));
    }
    out
}

/// The mean of a matrix and its transpose: what rounding took away.
pub(super) fn symmetric(m: DMatrix<f64>) -> DMatrix<f64> {
    let t = m.transpose();
    (m + t) * 0.5
}

/// Eigenvalues, descending, and eigenvectors as the columns of a matrix, each with its entry of largest magnitude positive.
pub(super) fn eigen(m: DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(m);
    let mut order: Vec<usize> = (0..eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigenvalues[b].total_cmp(&eigenvalues[a]));
    let mut vectors = eigenvectors.select_columns(&order);
    for mut column in vectors.column_iter_mut() {
        let largest = column.iter().fold(0f64, |most, &x| if x.abs() > most.abs() { x } else { most });
        if largest < 0.0 {
            column.neg_mut();
        }
    }
    (order.iter().map(|&i| eigenvalues[i]).collect(), vectors)
}

/// Row-major numbers.
pub(super) fn row_major(m: &DMatrix<f64>) -> Vec<f64> {
    m.transpose().as_slice().to_vec()
}
