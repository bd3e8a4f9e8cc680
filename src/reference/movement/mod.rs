//! Operations that copy elements without changing them.

pub(super) mod concat;
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

/// Slices by index; negative indices count from the end.
pub(super) fn gather(axis: i64, x: &Array, indices: &Array) -> Vec<f64> {
    let axis = geometry::axis(axis, x.shape.rank()).unwrap_or(0);
    let (n, inner) = (x.shape[axis], x.shape[axis + 1..].iter().product::<usize>());
    let mut out = Vec::new();
    for block in x.data.chunks(n * inner) {
        for &i in &indices.data {
            let i = if i < 0.0 { i + n as f64 } else { i } as usize;
            out.extend_from_slice(&block[i * inner..][..inner]);
        }
    }
    out
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
