//! `x / max(‖x‖₂, epsilon)` along an axis.

use super::for_each_line;
use crate::graph::infer::geometry;
use crate::reference::Array;

/// A zero vector stays zero, whatever the epsilon.
pub(in crate::reference) fn l2_normalize(x: &Array, axis: i64, epsilon: f32) -> Vec<f64> {
    let mut y = x.data.clone();
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    for_each_line(&x.shape, axis, |line| {
        let norm = line.indices().map(|i| x.data[i] * x.data[i]).sum::<f64>().sqrt();
        let divisor = norm.max(f64::from(epsilon));
        if norm > 0.0 {
            line.indices().for_each(|i| y[i] /= divisor);
        }
    });
    y
}
