//! Softmax, its logarithm, and hardmax along an axis.

use super::for_each_line;
use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::pool::larger;
use crate::reference::select::arg;

/// `exp(x - max) / Σ exp(x - max)`. With `flatten`, along everything from `axis` on (ONNX before opset 13).
pub(in crate::reference) fn softmax(x: &Array, axis: i64, flatten: bool) -> Vec<f64> {
    along(x, axis, flatten, |line| {
        let largest = line.iter().copied().fold(f64::NEG_INFINITY, larger);
        let sum: f64 = line.iter().map(|v| (v - largest).exp()).sum();
        line.iter_mut().for_each(|v| *v = (*v - largest).exp() / sum);
    })
}

/// `x - max - ln Σ exp(x - max)`.
pub(in crate::reference) fn log_softmax(x: &Array, axis: i64, flatten: bool) -> Vec<f64> {
    along(x, axis, flatten, |line| {
        let largest = line.iter().copied().fold(f64::NEG_INFINITY, larger);
        let sum: f64 = line.iter().map(|v| (v - largest).exp()).sum();
        line.iter_mut().for_each(|v| *v = *v - largest - sum.ln());
    })
}

/// 1 at the first maximum, else 0.
pub(in crate::reference) fn hardmax(x: &Array, axis: i64, flatten: bool) -> Vec<f64> {
    along(x, axis, flatten, |line| {
        let place = arg::extreme(line, true, false);
        line.iter_mut().enumerate().for_each(|(i, v)| *v = f64::from(u8::from(i == place)));
    })
}

/// Rewrites every line of `x`.
fn along(x: &Array, axis: i64, flatten: bool, rewrite: impl Fn(&mut [f64])) -> Vec<f64> {
    let mut y = x.data.clone();
    let rank = x.shape.rank();
    let axis = geometry::axis(axis, rank).unwrap_or(rank);
    let flat = [x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
    let (shape, axis) = if flatten { (flat.as_slice(), 1) } else { (x.shape.dims(), axis) };
    for_each_line(shape, axis, |line| {
        let mut values: Vec<f64> = line.indices().map(|i| x.data[i]).collect();
        rewrite(&mut values);
        line.indices().zip(values).for_each(|(i, v)| y[i] = v);
    });
    y
}
