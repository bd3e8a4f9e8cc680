//! Joining and cutting along an axis.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::tensor::Shape;

/// Operands one after the other along `axis`.
pub(in crate::reference) fn concat(axis: i64, inputs: &[&Array]) -> Vec<f64> {
    let shape = &inputs[0].shape;
    let axis = geometry::axis(axis, shape.rank()).unwrap_or(0);
    let outer: usize = shape[..axis].iter().product();
    let mut out = Vec::with_capacity(inputs.iter().map(|a| a.data.len()).sum());
    for block in 0..outer {
        for a in inputs {
            let run = a.data.len() / outer;
            out.extend_from_slice(&a.data[block * run..][..run]);
        }
    }
    out
}

/// Consecutive parts of the shapes `parts` along `axis`.
pub(in crate::reference) fn split(axis: i64, x: &Array, parts: &[Shape]) -> Vec<Vec<f64>> {
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    let outer: usize = x.shape[..axis].iter().product();
    let inner: usize = x.shape[axis + 1..].iter().product();
    let whole = x.shape[axis] * inner;
    let mut start = 0;
    let part = |shape: &Shape| {
        let run = shape[axis] * inner;
        let first = start;
        start += run;
        (0..outer).flat_map(|block| &x.data[block * whole + first..][..run]).copied().collect()
    };
    parts.iter().map(part).collect()
}
