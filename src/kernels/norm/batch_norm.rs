//! Host side of shaders/norm/batch_norm.wgsl.

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
    pub(crate) epsilon: f32,
}

/// `parameters`: scale, bias, mean and variance, row-major.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    epsilon: f32,
    x: Source,
    shape: Packed,
    parameters: [Source; 4],
) -> Result<Source> {
    let y = rec.tensor(shape.bytes());
    let params = Params { pixels: shape.pixels() as u32, c: shape.c as u32, c4: shape.c4() as u32, epsilon };
    let groups = rec.fold((shape.vec4s() * 4).div_ceil(64));
    let [scale, bias, mean, variance] = parameters;
    rec.dispatch(
        &shader::NORM_BATCH_NORM,
        label,
        groups,
        &params,
        &[x, scale, bias, mean, variance, y],
        6 * (shape.pixels() * shape.c) as u64,
    )?;
    Ok(y)
}
