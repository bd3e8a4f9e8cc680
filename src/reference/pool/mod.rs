//! Pooling.

pub(super) mod argmax;
pub(super) mod global;
pub(super) mod window;

use crate::graph::PoolKind;

/// A pooled value from cells and, for the mean, their number.
fn gather(kind: PoolKind, cells: impl Iterator<Item = f64>, divisor: usize) -> f64 {
    match kind {
        PoolKind::Max => cells.fold(f64::NEG_INFINITY, larger),
        PoolKind::Average => cells.sum::<f64>() / divisor as f64,
        PoolKind::L2 => cells.map(|v| v * v).sum::<f64>().sqrt(),
        PoolKind::Lp(p) => cells.map(|v| v.abs().powi(p as i32)).sum::<f64>().powf(1.0 / f64::from(p)),
    }
}

/// The larger of two; NaN when either is.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The smaller of two; NaN when either is.
pub(super) fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}
