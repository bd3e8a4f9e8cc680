//! Whole numbers that stand for real ones: `x = (q - zero_point) * scale`.

use super::Array;
use crate::graph::infer::geometry::ScaleIndex;
use crate::tensor::DType;

/// `clamp(round(x / scale) + zero_point)`. The quotient is rounded to f32 before it is rounded to a whole number, halves to even: that
/// is the operation, not an approximation of it. What is no number counts as 0.
pub(super) fn quantize(inputs: &[&Array], axis: i64, block: usize, to: DType) -> Vec<f64> {
    let (least, most) = to.range().unwrap_or((i64::MIN, i64::MAX));
    let quantize = |x: f64, scale: f64, zero: f64| {
        let whole = (x as f32 / scale as f32).round_ties_even();
        (if whole.is_nan() { zero } else { f64::from(whole) + zero }).clamp(least as f64, most as f64)
    };
    each(inputs, axis, block, quantize)
}

/// `(x - zero_point) * scale`.
pub(super) fn dequantize(inputs: &[&Array], axis: i64, block: usize) -> Vec<f64> {
    each(inputs, axis, block, |x, scale, zero| (x - zero) * scale)
}

/// `f(x, scale, zero_point)` of every element.
fn each(inputs: &[&Array], axis: i64, block: usize, f: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
    let (x, scale) = (inputs[0], inputs[1]);
    let index = ScaleIndex::new(&x.shape, &scale.shape, axis, block);
    let zero = |i: usize| inputs.get(2).map_or(0.0, |z| z.data[i]);
    x.data.iter().enumerate().map(|(i, &v)| (v, index.of(i))).map(|(v, at)| f(v, scale.data[at], zero(at))).collect()
}
