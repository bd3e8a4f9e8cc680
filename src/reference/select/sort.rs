//! The order of the elements of a line.

use std::cmp::Ordering;

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::norm::for_each_line;

/// The places of the k extremes of every line along an axis, best first; of equal ones the first first, what is not a number last.
pub(in crate::reference) fn top_k(x: &Array, axis: i64, largest: bool, out: &[usize]) -> Vec<f64> {
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    let (k, inner) = (out[axis], out[axis + 1..].iter().product::<usize>());
    let mut y = vec![0.0; out.iter().product()];
    let mut number = 0;
    for_each_line(&x.shape, axis, |line| {
        let values: Vec<f64> = line.indices().map(|i| x.data[i]).collect();
        let base = number / inner * k * inner + number % inner;
        for (i, place) in order(&values, largest).into_iter().take(k).enumerate() {
            y[base + i * inner] = place as f64;
        }
        number += 1;
    });
    y
}

fn order(values: &[f64], largest: bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| {
        let (a, b) = (values[a], values[b]);
        let by_value = if largest { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
        by_value.unwrap_or_else(|| if a.is_nan() { bool::cmp(&true, &b.is_nan()) } else { Ordering::Less })
    });
    places
}
