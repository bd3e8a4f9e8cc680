//! Where the extreme of a line lies.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::norm::for_each_line;

/// One place per line along an axis.
pub(in crate::reference) fn arg_reduce(x: &Array, axis: i64, largest: bool, last: bool) -> Vec<f64> {
    let mut y = Vec::new();
    for_each_line(&x.shape, geometry::axis(axis, x.shape.rank()).unwrap_or(0), |line| {
        let values: Vec<f64> = line.indices().map(|i| x.data[i]).collect();
        y.push(extreme(&values, largest, last) as f64);
    });
    y
}

/// The place of the extreme: of equal ones the first or the last. What is not a number counts as extreme, as in NumPy.
pub(in crate::reference) fn extreme(values: &[f64], largest: bool, last: bool) -> usize {
    let beats = |a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        (true, other) => !other || last,
        (false, true) => false,
        _ if a == b => last,
        _ => (a > b) == largest,
    };
    (1..values.len()).fold(0, |best, i| if beats(values[i], values[best]) { i } else { best })
}
