//! Host side of shaders/conv/tiled_gemm.wgsl.

pub(crate) use super::Params;
use crate::shader::{self, Shader};

/// The permutation for a number of pixels, and the pixels a workgroup computes: small tiles where there are few pixels, so that
/// enough workgroups exist.
pub(crate) fn shader(form: Option<&str>, pixels: usize, halves: bool) -> (&'static Shader, usize) {
    let form = form.unwrap_or(match pixels {
        0..512 => "m32",
        512..4096 => "m64",
        _ => "m128",
    });
    match (form, halves) {
        ("m128", false) => (&shader::CONV_TILED_GEMM_M128, 128),
        ("m128", true) => (&shader::CONV_TILED_GEMM_M128_F16, 128),
        ("m64", false) => (&shader::CONV_TILED_GEMM_M64, 64),
        ("m64", true) => (&shader::CONV_TILED_GEMM_M64_F16, 64),
        (_, false) => (&shader::CONV_TILED_GEMM_M32, 32),
        (_, true) => (&shader::CONV_TILED_GEMM_M32_F16, 32),
    }
}
