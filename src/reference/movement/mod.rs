//! Operations that copy elements without changing them.

pub(super) mod concat;
pub(super) mod gather;
pub(super) mod pad;

use super::{Array, strided};
use crate::error::{Error, Result};
use crate::graph::infer::geometry;
use crate::tensor::{DType, strides};

/// Permuted axes.
pub(super) fn transpose(x: &Array, perm: &[usize], out: &[usize]) -> Vec<f64> {
    let own = strides(&x.shape);
    let perm = geometry::permutation(perm, x.shape.rank()).unwrap_or_default();
    strided::read(&x.data, 0, out, &perm.iter().map(|&p| own[p] as isize).collect::<Vec<_>>())
}

/// Strided parts.
pub(super) fn slice(inputs: &[&Array], out: &[usize]) -> Result<Vec<f64>> {
    let x = inputs[0];
    let list = |i: usize| integers(inputs, i);
    let axes =
        geometry::slice_axes(&x.shape, &list(1).unwrap_or_default(), &list(2).unwrap_or_default(), list(3).as_deref(), list(4).as_deref())
            .map_err(Error::Model)?;
    let own = strides(&x.shape);
    let base = axes.iter().zip(&own).map(|(a, s)| a.start * s).sum();
    // A step over the whole axis is taken at most once, so its clamped product is never used out of range.
    let steps: Vec<_> = axes.iter().zip(&own).map(|(a, &s)| if a.len > 1 { a.step as isize * s as isize } else { 0 }).collect();
    Ok(strided::read(&x.data, base, out, &steps))
}

/// Repeated along every axis.
pub(super) fn tile(x: &Array, out: &[usize]) -> Vec<f64> {
    let (own, to) = (strides(&x.shape), strides(out));
    let cell = |i: usize| (0..out.len()).map(|axis| i / to[axis] % x.shape[axis] * own[axis]).sum::<usize>();
    (0..out.iter().product()).map(|i| x.data[cell(i)]).collect()
}

/// Blocks of channels spread over places: the axes of channels seen apart, permuted, and seen together again.
pub(super) fn depth_to_space(x: &Array, b: usize, column_row_depth: bool) -> Vec<f64> {
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
    let depth = c / (b * b);
    let (split, perm) =
        if column_row_depth { ([n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3]) } else { ([n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2]) };
    permuted(x, &split, &perm)
}

/// The opposite of [`depth_to_space`].
pub(super) fn space_to_depth(x: &Array, b: usize, column_row_depth: bool) -> Vec<f64> {
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
    let perm = if column_row_depth { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] };
    permuted(x, &[n, c, h / b, b, w / b, b], &perm)
}

/// `x` seen in the shape `split`, transposed.
fn permuted(x: &Array, split: &[usize], perm: &[usize]) -> Vec<f64> {
    let own = strides(split);
    let out: Vec<_> = perm.iter().map(|&p| split[p]).collect();
    strided::read(&x.data, 0, &out, &perm.iter().map(|&p| own[p] as isize).collect::<Vec<_>>())
}

/// `count` numbers from `start` by `delta`.
pub(super) fn range(inputs: &[&Array], count: usize) -> Vec<f64> {
    let (start, delta) = (inputs[0].data[0], inputs[2].data[0]);
    (0..count).map(|i| start + i as f64 * delta).collect()
}

/// Another element type. The caller truncates and wraps whole numbers.
pub(super) fn cast(x: &Array, to: DType) -> Vec<f64> {
    let convert = |v: f64| match to {
        DType::Bool => f64::from(u8::from(v != 0.0)),
        to if to.is_float() => v,
        _ if v.is_nan() => 0.0,
        _ => v,
    };
    x.data.iter().map(|&v| convert(v)).collect()
}

/// The dimensions `start..end`.
pub(super) fn shape(x: &Array, start: i64, end: Option<i64>) -> Vec<f64> {
    x.shape[geometry::shape_range(x.shape.rank(), start, end)].iter().map(|&d| d as f64).collect()
}

/// An index operand; `None` when it is absent or empty.
pub(super) fn integers(inputs: &[&Array], i: usize) -> Option<Vec<i64>> {
    inputs.get(i).filter(|a| !a.data.is_empty()).map(|a| a.data.iter().map(|&v| v as i64).collect())
}
