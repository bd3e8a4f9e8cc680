//! Host side of shaders/conv/coop_gemm.wgsl. Operands are those of tiled_gemm's halves, weights packed alike.

pub(crate) use super::Params;
use crate::recording::Cooperative;
use crate::shader::{self, Shader};

/// The permutation for these matrices and subgroups, where there is one.
pub(crate) fn shader(with: Cooperative) -> Option<&'static Shader> {
    match (with.size, with.subgroup) {
        (16, 32) => Some(&shader::CONV_COOP_GEMM_M16_SG32),
        (16, 64) => Some(&shader::CONV_COOP_GEMM_M16_SG64),
        (8, 8) => Some(&shader::CONV_COOP_GEMM_M8_SG8),
        (8, 32) => Some(&shader::CONV_COOP_GEMM_M8_SG32),
        _ => None,
    }
}
