//! `y[n, o] = finish(bias[o] + Σ_k w[o, k] · flatten(x)[n, k])`, where flatten permutes the axes first when an order is given; and the
//! product of two matrices or stacks of them, `y[.., m, n] = Σ_k a[.., m, k] · b[.., k, n]`.

use std::borrow::Cow;

use super::Array;
use super::epilogue::Finish;
use super::parallel::for_each_plane;
use super::strided;
use crate::graph::Linear;
use crate::graph::infer::geometry::Product;
use crate::tensor::strides;

/// Fully connected layer.
pub(super) fn linear(linear: &Linear, inputs: &[&Array], out: &[usize]) -> Vec<f64> {
    let (x, w, at) = (inputs[0], inputs[1], linear.operands());
    let finish = Finish::new(&linear.epilogue, &at, inputs);
    let (outputs, features) = (w.shape[0], w.shape[1]);
    let rows = flattened(x, &linear.flatten_order);
    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, 1, features, |index, value| {
        let (n, o) = (index / outputs, index % outputs);
        let (row, weights) = (&rows[n * features..][..features], &w.data[o * features..][..features]);
        let sum: f64 = row.iter().zip(weights).map(|(a, b)| a * b).sum();
        value[0] = finish.apply(at.bias.map_or(0.0, |b| inputs[b].data[o]) + sum, o, index);
    });
    y
}

fn flattened<'a>(x: &'a Array, order: &[usize]) -> Cow<'a, [f64]> {
    if order.is_empty() {
        return Cow::Borrowed(&x.data);
    }
    let own = strides(&x.shape);
    let axes = || std::iter::once(0).chain(order.iter().map(|a| a + 1));
    let shape: Vec<_> = axes().map(|a| x.shape[a]).collect();
    let steps: Vec<_> = axes().map(|a| own[a] as isize).collect();
    Cow::Owned(strided::read(&x.data, 0, &shape, &steps))
}

/// NumPy's `matmul`. `out` has no axis for a vector; its elements are the same.
pub(super) fn matmul(a: &Array, b: &Array, out: &[usize]) -> Vec<f64> {
    let Some(Product { batch, m, k, n }) = Product::of(&a.shape, &b.shape) else { return Vec::new() };
    let spread = |x: &Array, [rows, columns]: [usize; 2]| {
        let own = [Product::leading(&x.shape), &[rows, columns]].concat();
        strided::broadcast(&x.data, &own, &[&batch[..], &[rows, columns]].concat())
    };
    let (a, b) = (spread(a, [m, k]), spread(b, [k, n]));
    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, n, n * k, |row, sums| {
        let matrix = &b[row / m * k * n..][..k * n];
        for (i, v) in a[row * k..][..k].iter().enumerate() {
            sums.iter_mut().zip(&matrix[i * n..]).for_each(|(sum, w)| *sum += v * w);
        }
    });
    y
}
