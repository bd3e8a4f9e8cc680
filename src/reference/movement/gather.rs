//! Elements and slices picked by index. Negative indices count from the end; what lies beyond an axis is clamped to it.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::tensor::strides;

fn cell(index: f64, n: usize) -> usize {
    let from_front = if index < 0.0 { index + n as f64 } else { index };
    from_front.clamp(0.0, (n - 1) as f64) as usize
}

/// Slices along one axis.
pub(in crate::reference) fn gather(axis: i64, x: &Array, indices: &Array) -> Vec<f64> {
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    let (n, inner) = (x.shape[axis], x.shape[axis + 1..].iter().product::<usize>());
    let mut out = Vec::new();
    for block in x.data.chunks(n * inner) {
        for &i in &indices.data {
            out.extend_from_slice(&block[cell(i, n) * inner..][..inner]);
        }
    }
    out
}

/// Elements along one axis, an index for each.
pub(in crate::reference) fn gather_elements(axis: i64, x: &Array, indices: &Array) -> Vec<f64> {
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    let (own, to) = (strides(&x.shape), strides(&indices.shape));
    let element = |(place, &index): (usize, &f64)| {
        let along = |i: usize| if i == axis { cell(index, x.shape[i]) } else { place / to[i] % indices.shape[i] };
        x.data[(0..own.len()).map(|i| along(i) * own[i]).sum::<usize>()]
    };
    indices.data.iter().enumerate().map(element).collect()
}

/// Slices by tuples of indices, the last axis of `indices`.
pub(in crate::reference) fn gather_nd(batch_dims: usize, x: &Array, indices: &Array) -> Vec<f64> {
    let depth = indices.shape.last().copied().unwrap_or(1);
    let batches: usize = x.shape[..batch_dims].iter().product();
    let (table, own) = (x.data.len() / batches, strides(&x.shape));
    let inner: usize = x.shape[batch_dims + depth..].iter().product();
    let mut out = Vec::new();
    for (batch, tuples) in indices.data.chunks(indices.data.len() / batches).enumerate() {
        for tuple in tuples.chunks(depth) {
            let along = |(i, &index): (usize, &f64)| cell(index, x.shape[batch_dims + i]) * own[batch_dims + i];
            let first = batch * table + tuple.iter().enumerate().map(along).sum::<usize>();
            out.extend_from_slice(&x.data[first..][..inner]);
        }
    }
    out
}
