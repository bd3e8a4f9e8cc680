//! The host side of every shader: its parameters, when it applies, how it is dispatched and what it costs. Mirrors `shaders/`.
//!
//! A kernel records dispatches into a [`Recorder`](crate::recording::Recorder) and knows nothing of networks.

pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod image;
pub(crate) mod linear;
pub(crate) mod local;
pub(crate) mod margin;
pub(crate) mod movement;
pub(crate) mod norm;
pub(crate) mod pool;
pub(crate) mod probe;
pub(crate) mod quantize;
pub(crate) mod sample;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod train;

use crate::error::{Error, Result};
use crate::recording::Recorder;
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

/// Refuses work of more rounds of loops, all of an invocation together, than a software adapter may do: llvmpipe of 2022 silently leaves
/// an invocation at the 65,535th, however the loops are nested.
pub(crate) fn check_rounds(rec: &Recorder<'_>, label: &str, rounds: usize) -> Result<()> {
    const MOST: usize = 65_000;
    if !rec.caps.textures || rounds <= MOST {
        return Ok(());
    }
    // Not a limit of the batch: a smaller one has lines as long.
    Err(Error::Unsupported(format!(
        "The layer `{label}` needs {rounds} rounds of an invocation, but software adapters stop silently after 65535. Use another adapter or smaller pictures."
    )))
}

/// What has no kernel yet.
pub(crate) fn missing(label: &str, what: &str) -> Error {
    Error::Unsupported(format!("The layer `{label}` needs the function {what}, which has no kernel."))
}
