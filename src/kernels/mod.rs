//! The host side of every shader: its parameters, when it applies, how it is dispatched and what it costs. Mirrors `shaders/`.
//!
//! A kernel records dispatches into a [`Recorder`](crate::recording::Recorder) and knows nothing of networks.

pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod image;
pub(crate) mod linear;
pub(crate) mod local;
pub(crate) mod movement;
pub(crate) mod norm;
pub(crate) mod pool;
pub(crate) mod probe;
pub(crate) mod quantize;
pub(crate) mod sample;
pub(crate) mod select;

use crate::error::Error;
use crate::tensor::Tensor;

/// f32 values as bytes.
pub(crate) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

/// A vector of `len` values: the constant (one value is repeated), or `default`, and 0 behind its end. `default` also fills an absent
/// constant's spare lanes, where it is multiplied by 0.
pub(crate) fn padded(constant: Option<&Tensor>, len: usize, default: f32) -> Vec<f32> {
    let Some(constant) = constant else { return vec![default; len] };
    let data = constant.to_f32();
    if data.len() == 1 {
        return vec![data[0]; len];
    }
    let mut out = data.into_owned();
    out.resize(len, 0.0);
    out
}

/// What has no kernel yet.
pub(crate) fn missing(label: &str, what: &str) -> Error {
    Error::Unsupported(format!("The layer `{label}` needs the function {what}, which has no kernel."))
}
