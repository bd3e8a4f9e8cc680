//! Host side of shaders/conv/winograd_input.wgsl.

use super::Call;
pub(crate) use super::winograd::Params;
use crate::error::Result;
use crate::kernels::{f32_bytes, padded};
use crate::recording::{Recorder, Source};
use crate::shader::{self, Shader};

/// The form for F(m x m, 3x3).
pub(crate) fn shader(m: usize, textures: bool) -> &'static Shader {
    match (m, textures) {
        (4, false) => &shader::CONV_WINOGRAD_INPUT_F4,
        (4, true) => &shader::CONV_WINOGRAD_INPUT_F4_TEX,
        (_, false) => &shader::CONV_WINOGRAD_INPUT_F2,
        (_, true) => &shader::CONV_WINOGRAD_INPUT_F2_TEX,
    }
}

pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, m: usize, label: &str, params: &Params, v: Source) -> Result<()> {
    let shader = shader(m, rec.caps.textures);
    let c = params.c4 as usize * 4;
    let affine = match call.pre.clone() {
        Some((scale, shift)) => rec.weight("scale shift", &[scale.clone(), shift.clone()], c as u64 * 8, move || {
            let mut table = padded(Some(&scale), c, 0.0);
            table.extend(padded(Some(&shift), c, 0.0));
            f32_bytes(&table)
        }),
        None => rec.nothing(),
    };
    let groups = rec.fold((params.tiles * params.c4).div_ceil(64) as usize);
    rec.dispatch(shader, label, groups, params, &[call.x, affine, v], 0)
}
