//! Host side of shaders/conv/subgroup_gemm.wgsl.

pub(crate) use super::Params;
use crate::shader::{self, Shader};

/// The permutation for a subgroup size, and the pixels a workgroup computes.
pub(crate) fn shader(size: u32, halves: bool) -> (&'static Shader, usize) {
    let shader = match (size, halves) {
        (4, false) => &shader::CONV_SUBGROUP_GEMM_SG4,
        (4, true) => &shader::CONV_SUBGROUP_GEMM_SG4_F16,
        (8, false) => &shader::CONV_SUBGROUP_GEMM_SG8,
        (8, true) => &shader::CONV_SUBGROUP_GEMM_SG8_F16,
        (16, false) => &shader::CONV_SUBGROUP_GEMM_SG16,
        (16, true) => &shader::CONV_SUBGROUP_GEMM_SG16_F16,
        (_, false) => &shader::CONV_SUBGROUP_GEMM_SG32,
        (_, true) => &shader::CONV_SUBGROUP_GEMM_SG32_F16,
    };
    (shader, 32)
}

/// Subgroup sizes that have a permutation.
pub(crate) const SIZES: [u32; 4] = [4, 8, 16, 32];
