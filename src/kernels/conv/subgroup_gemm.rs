//! Host side of shaders/conv/subgroup_gemm.wgsl.

pub(crate) use super::Params;
use crate::recording::Tile;
use crate::shader::{self, Shader};

/// The permutation for a subgroup size and a tile of 32 or 16 pixels.
pub(crate) fn shader(size: u32, tile: Tile, halves: bool, textures: bool) -> &'static Shader {
    match (size, tile == Tile::P16, halves, textures) {
        (4, false, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4,
        (4, false, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_TEX,
        (4, false, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_F16,
        (4, false, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_F16_TEX,
        (4, true, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P16,
        (4, true, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_TEX,
        (4, true, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_F16,
        (4, true, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_F16_TEX,
        (8, false, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8,
        (8, false, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_TEX,
        (8, false, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_F16,
        (8, false, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_F16_TEX,
        (8, true, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P16,
        (8, true, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_TEX,
        (8, true, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_F16,
        (8, true, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_F16_TEX,
        (16, false, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16,
        (16, false, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_TEX,
        (16, false, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_F16,
        (16, false, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_F16_TEX,
        (16, true, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P16,
        (16, true, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_TEX,
        (16, true, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_F16,
        (16, true, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_F16_TEX,
        (_, _, false, false) => &shader::CONV_SUBGROUP_GEMM_SG32,
        (_, _, false, true) => &shader::CONV_SUBGROUP_GEMM_SG32_TEX,
        (_, _, true, false) => &shader::CONV_SUBGROUP_GEMM_SG32_F16,
        (_, _, true, true) => &shader::CONV_SUBGROUP_GEMM_SG32_F16_TEX,
    }
}

/// Subgroup sizes that have a permutation.
pub(crate) const SIZES: [u32; 4] = [4, 8, 16, 32];
