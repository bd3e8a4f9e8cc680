//! Host side of shaders/conv/winograd_output.wgsl.

use super::Call;
pub(crate) use super::winograd::Params;
use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::shader::{self, Shader};

/// The form for F(m x m, 3x3).
pub(crate) fn shader(m: usize, textures: bool) -> &'static Shader {
    match (m, textures) {
        (4, false) => &shader::CONV_WINOGRAD_OUTPUT_F4,
        (4, true) => &shader::CONV_WINOGRAD_OUTPUT_F4_TEX,
        (_, false) => &shader::CONV_WINOGRAD_OUTPUT_F2,
        (_, true) => &shader::CONV_WINOGRAD_OUTPUT_F2_TEX,
    }
}

/// The form that pools what it makes, by the largest of 2x2.
pub(crate) fn pooled(m: usize, textures: bool) -> &'static Shader {
    match (m, textures) {
        (4, false) => &shader::CONV_WINOGRAD_OUTPUT_F4_POOL,
        (4, true) => &shader::CONV_WINOGRAD_OUTPUT_F4_POOL_TEX,
        (_, false) => &shader::CONV_WINOGRAD_OUTPUT_F2_POOL,
        (_, true) => &shader::CONV_WINOGRAD_OUTPUT_F2_POOL_TEX,
    }
}

pub(crate) fn record(
    rec: &mut Recorder<'_>,
    call: &Call<'_>,
    m: usize,
    label: &str,
    params: &Params,
    products: Source,
    y: Source,
) -> Result<()> {
    let shader = shader(m, rec.caps.textures);
    let table = call.finish.table(rec, call.geometry.y.c);
    let residual = call.finish.residual_or_nothing(rec, shader);
    let groups = rec.fold((params.tiles * params.c4).div_ceil(64) as usize);
    rec.dispatch(shader, label, groups, params, &[products, table, residual, y], 0)
}
