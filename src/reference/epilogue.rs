//! The end of a convolution or linear layer.

use super::Array;
use crate::graph::{Epilogue, Operands};

/// `post(act(v) + residual)`, the part of an epilogue behind the bias.
pub(super) struct Finish<'a> {
    epilogue: &'a Epilogue,
    slope: Option<&'a [f64]>,
    residual: Option<&'a [f64]>,
}

impl<'a> Finish<'a> {
    pub(super) fn new(epilogue: &'a Epilogue, at: &Operands, inputs: &[&'a Array]) -> Self {
        let data = |p: Option<usize>| p.map(|p| inputs[p].data.as_slice());
        Self { epilogue, slope: data(at.slope), residual: data(at.residual) }
    }

    /// The stored value of the sum `v` at output channel `channel` and flat output index `index`.
    pub(super) fn apply(&self, v: f64, channel: usize, index: usize) -> f64 {
        let e = self.epilogue;
        let v = match self.slope {
            Some(slope) if v < 0.0 => v * slope[channel],
            _ => v,
        };
        let v = clamp(v, e.lo, e.hi) + self.residual.map_or(0.0, |r| r[index]);
        clamp(v, e.post_lo, e.post_hi)
    }
}

/// `min(max(v, lo), hi)`, where an absent bound does nothing and a NaN stays one.
pub(super) fn clamp(v: f64, lo: Option<f32>, hi: Option<f32>) -> f64 {
    let v = lo.map_or(v, |lo| if v < f64::from(lo) { f64::from(lo) } else { v });
    hi.map_or(v, |hi| if v > f64::from(hi) { f64::from(hi) } else { v })
}
