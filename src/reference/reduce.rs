//! Reductions over some axes.

use super::Array;
use super::pool::{larger, smaller};
use crate::graph::Reduction;
use crate::graph::infer::geometry;

/// One value per place of the axes that stay.
pub(super) fn reduce(kind: Reduction, axes: &[i64], x: &Array) -> Vec<f64> {
    let dims = x.shape.dims();
    let gone = geometry::reduced_axes(axes, dims.len()).unwrap_or_default();
    // How far each axis moves in the output; reduced axes do not.
    let mut steps = vec![0; dims.len()];
    let mut kept = 1;
    for i in (0..dims.len()).rev().filter(|i| gone.binary_search(i).is_err()) {
        steps[i] = kept;
        kept *= dims[i];
    }
    let first = match kind {
        Reduction::Max => f64::NEG_INFINITY,
        Reduction::Min => f64::INFINITY,
        Reduction::Prod => 1.0,
        _ => 0.0,
    };
    let own = crate::tensor::strides(dims);
    let mut out = vec![first; kept];
    for (i, &v) in x.data.iter().enumerate() {
        let at: usize = own.iter().zip(dims).zip(&steps).map(|((s, d), step)| i / s % d * step).sum();
        let sum = out[at];
        out[at] = match kind {
            Reduction::Mean | Reduction::Sum | Reduction::LogSum => sum + v,
            Reduction::LogSumExp => sum + v.exp(),
            Reduction::Prod => sum * v,
            Reduction::Max => larger(sum, v),
            Reduction::Min => smaller(sum, v),
            Reduction::L1 => sum + v.abs(),
            Reduction::L2 | Reduction::SumSquare => sum + v * v,
        };
    }
    let count: usize = gone.iter().map(|&a| dims[a]).product();
    match kind {
        Reduction::Mean => out.iter_mut().for_each(|v| *v /= count as f64),
        Reduction::L2 => out.iter_mut().for_each(|v| *v = v.sqrt()),
        Reduction::LogSum | Reduction::LogSumExp => out.iter_mut().for_each(|v| *v = v.ln()),
        _ => {}
    }
    out
}
