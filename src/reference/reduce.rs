//! Reductions over some axes.

use super::Array;
use super::pool::{larger, smaller};
use crate::graph::Reduction;
use crate::graph::infer::geometry;
use crate::tensor::strides;

/// The axes that a reduction covers: those of the operand, or of the attribute when there is none.
pub(super) fn axes(attribute: &[i64], none_if_empty: bool, inputs: &[&Array]) -> Vec<usize> {
    let operand: Option<Vec<i64>> = inputs.get(1).map(|a| a.data.iter().map(|&v| v as i64).collect());
    geometry::reduced_axes(operand.as_deref().unwrap_or(attribute), none_if_empty, inputs[0].shape.rank()).unwrap_or_default()
}

/// One value per place of the axes that stay. Nothing reduces to what changes nothing: 0, 1, or the least or greatest number.
pub(super) fn reduce(kind: Reduction, gone: &[usize], x: &Array) -> Vec<f64> {
    let groups = Groups::new(x, gone);
    let range = x.dtype.range();
    let least = range.map_or(f64::NEG_INFINITY, |r| r.0 as f64);
    let greatest = range.map_or(f64::INFINITY, |r| r.1 as f64);
    let sum = |term: fn(f64) -> f64| groups.fold(0.0, |sum, _, v| sum + term(v));
    match kind {
        Reduction::Mean => {
            let count: usize = gone.iter().map(|&a| x.shape[a]).product();
            sum(|v| v).into_iter().map(|v| v / count as f64).collect()
        }
        Reduction::Sum => sum(|v| v),
        Reduction::L1 => sum(f64::abs),
        Reduction::SumSquare => sum(|v| v * v),
        Reduction::L2 => sum(|v| v * v).into_iter().map(f64::sqrt).collect(),
        Reduction::LogSum => sum(|v| v).into_iter().map(f64::ln).collect(),
        Reduction::Prod => groups.fold(1.0, |product, _, v| product * v),
        Reduction::Max => groups.fold(least, |a, _, v| larger(a, v)),
        Reduction::Min => groups.fold(greatest, |a, _, v| smaller(a, v)),
        Reduction::LogSumExp => {
            let largest = groups.fold(least, |a, _, v| larger(a, v));
            // Of infinite numbers nothing can be subtracted.
            let base: Vec<f64> = largest.iter().map(|&v| if v.is_finite() { v } else { 0.0 }).collect();
            let sums = groups.fold(0.0, |sum, at, v| sum + (v - base[at]).exp());
            sums.into_iter().zip(&base).map(|(sum, base)| base + sum.ln()).collect()
        }
    }
}

/// Which elements are reduced together.
struct Groups<'a> {
    x: &'a Array,
    strides: Vec<usize>,
    /// How far each axis moves in the output; reduced axes do not.
    steps: Vec<usize>,
    count: usize,
}

impl<'a> Groups<'a> {
    fn new(x: &'a Array, gone: &[usize]) -> Self {
        let dims = x.shape.dims();
        let mut steps = vec![0; dims.len()];
        let mut count = 1;
        for i in (0..dims.len()).rev().filter(|i| !gone.contains(i)) {
            steps[i] = count;
            count *= dims[i];
        }
        Self { x, strides: strides(dims), steps, count }
    }

    /// Folds each group from `first` on; `f` gets the sum so far, the number of the group, and the element.
    fn fold(&self, first: f64, f: impl Fn(f64, usize, f64) -> f64) -> Vec<f64> {
        let dims = self.x.shape.dims();
        let mut out = vec![first; self.count];
        for (i, &v) in self.x.data.iter().enumerate() {
            let at: usize = self.strides.iter().zip(dims).zip(&self.steps).map(|((s, d), step)| i / s % d * step).sum();
            out[at] = f(out[at], at, v);
        }
        out
    }
}
