//! `exp(x - max) / Σ exp(x - max)` along an axis.

use super::for_each_line;
use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::pool::larger;

/// With `flatten`, along everything from `axis` on (ONNX before opset 13).
pub(in crate::reference) fn softmax(x: &Array, axis: i64, flatten: bool) -> Vec<f64> {
    let mut y = x.data.clone();
    let rank = x.shape.rank();
    let axis = geometry::axis(axis, rank).unwrap_or(rank);
    let flat = [x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
    let (shape, axis) = if flatten { (flat.as_slice(), 1) } else { (x.shape.dims(), axis) };
    for_each_line(shape, axis, |line| {
        let largest = line.indices().map(|i| x.data[i]).fold(f64::NEG_INFINITY, larger);
        let sum: f64 = line.indices().map(|i| (x.data[i] - largest).exp()).sum();
        line.indices().for_each(|i| y[i] = (x.data[i] - largest).exp() / sum);
    });
    y
}
