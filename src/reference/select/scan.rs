//! Running sums.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::norm::for_each_line;

/// Sums along the axis that the second operand gives: of everything up to an element (or, in reverse, from it on), itself left out if `exclusive`.
pub(in crate::reference) fn cum_sum(x: &Array, axis: &Array, exclusive: bool, reverse: bool) -> Vec<f64> {
    let mut y = x.data.clone();
    let axis = axis.data.first().map_or(0, |&v| v as i64);
    for_each_line(&x.shape, geometry::axis(axis, x.shape.rank()).unwrap_or(0), |line| {
        let mut places: Vec<usize> = line.indices().collect();
        if reverse {
            places.reverse();
        }
        let mut sum = 0.0;
        for i in places {
            let before = sum;
            sum += x.data[i];
            y[i] = if exclusive { before } else { sum };
        }
    });
    y
}
