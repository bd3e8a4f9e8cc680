//! Host side of shaders/conv/subgroup_gemm.wgsl.

pub(crate) use super::Params;
use crate::shader::{self, Shader};

/// The permutation for a subgroup size, and the pixels a workgroup computes.
pub(crate) fn shader(size: u32, halves: bool, textures: bool) -> (&'static Shader, usize) {
    let shader = match (size, halves, textures) {
        (4, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4,
        (4, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_TEX,
        (4, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_F16,
        (4, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_F16_TEX,
        (8, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8,
        (8, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_TEX,
        (8, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_F16,
        (8, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_F16_TEX,
        (16, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16,
        (16, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_TEX,
        (16, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_F16,
        (16, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_F16_TEX,
        (_, false, false) => &shader::CONV_SUBGROUP_GEMM_SG32,
        (_, false, true) => &shader::CONV_SUBGROUP_GEMM_SG32_TEX,
        (_, true, false) => &shader::CONV_SUBGROUP_GEMM_SG32_F16,
        (_, true, true) => &shader::CONV_SUBGROUP_GEMM_SG32_F16_TEX,
    };
    (shader, 32)
}

/// Subgroup sizes that have a permutation.
pub(crate) const SIZES: [u32; 4] = [4, 8, 16, 32];
