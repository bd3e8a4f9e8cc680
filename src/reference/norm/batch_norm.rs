//! Batch normalisation and the affine map it becomes, over axis 1.

use crate::reference::Array;

/// `(x - mean) / sqrt(variance + epsilon) * scale + bias`.
pub(in crate::reference) fn batch_norm(epsilon: f32, inputs: &[&Array]) -> Vec<f64> {
    let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|i| inputs[i].data.as_slice());
    per_channel(inputs[0], |c, v| (v - mean[c]) / (variance[c] + f64::from(epsilon)).sqrt() * scale[c] + bias[c])
}

/// `x * scale + shift`.
pub(in crate::reference) fn affine(x: &Array, scale: &[f64], shift: &[f64]) -> Vec<f64> {
    per_channel(x, |c, v| v * scale[c] + shift[c])
}

fn per_channel(x: &Array, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let (channels, plane) = (x.shape[1], x.shape[2..].iter().product::<usize>());
    x.data.iter().enumerate().map(|(i, &v)| f(i / plane % channels, v)).collect()
}
