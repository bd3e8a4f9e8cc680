//! Host side of shaders/norm/lrn.wgsl.

use crate::error::Result;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) pixels: u32,
    pub(crate) c: u32,
    pub(crate) c4: u32,
    pub(crate) size: u32,
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
    pub(crate) bias: f32,
}

/// `alpha` as ONNX gives it, not yet divided by `size`.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    (size, alpha, beta, bias): (usize, f32, f32, f32),
    x: Source,
    from: Packed,
) -> Result<Source> {
    let y = rec.tensor(from.bytes());
    let params = Params {
        pixels: from.pixels() as u32,
        c: from.c as u32,
        c4: from.c4() as u32,
        size: size as u32,
        alpha: alpha / size as f32,
        beta,
        bias,
    };
    let shader = if rec.caps.textures { &shader::NORM_LRN_TEX } else { &shader::NORM_LRN_PLAIN };
    let groups = rec.fold(from.vec4s().div_ceil(64));
    rec.dispatch(shader, label, groups, &params, &[x, y], (from.pixels() * from.c * (2 * size + 3)) as u64)?;
    Ok(y)
}
