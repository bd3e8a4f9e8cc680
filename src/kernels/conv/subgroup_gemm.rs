//! Host side of shaders/conv/subgroup_gemm.wgsl.

pub(crate) use super::Params;
use crate::recording::Tile;
use crate::shader::{self, Shader};

/// The permutation for a subgroup size and a tile of 32, 28 or 16 pixels.
pub(crate) fn shader(size: u32, tile: Tile, halves: bool, textures: bool) -> &'static Shader {
    match (size, tile, halves, textures) {
        (4, Tile::P28, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P28,
        (4, Tile::P28, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P28_TEX,
        (4, Tile::P28, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P28_F16,
        (4, Tile::P28, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P28_F16_TEX,
        (4, Tile::P16, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P16,
        (4, Tile::P16, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_TEX,
        (4, Tile::P16, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_F16,
        (4, Tile::P16, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_P16_F16_TEX,
        (4, _, false, false) => &shader::CONV_SUBGROUP_GEMM_SG4,
        (4, _, false, true) => &shader::CONV_SUBGROUP_GEMM_SG4_TEX,
        (4, _, true, false) => &shader::CONV_SUBGROUP_GEMM_SG4_F16,
        (4, _, true, true) => &shader::CONV_SUBGROUP_GEMM_SG4_F16_TEX,
        (8, Tile::P28, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P28,
        (8, Tile::P28, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P28_TEX,
        (8, Tile::P28, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P28_F16,
        (8, Tile::P28, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P28_F16_TEX,
        (8, Tile::P16, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P16,
        (8, Tile::P16, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_TEX,
        (8, Tile::P16, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_F16,
        (8, Tile::P16, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_P16_F16_TEX,
        (8, _, false, false) => &shader::CONV_SUBGROUP_GEMM_SG8,
        (8, _, false, true) => &shader::CONV_SUBGROUP_GEMM_SG8_TEX,
        (8, _, true, false) => &shader::CONV_SUBGROUP_GEMM_SG8_F16,
        (8, _, true, true) => &shader::CONV_SUBGROUP_GEMM_SG8_F16_TEX,
        (16, Tile::P28, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P28,
        (16, Tile::P28, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P28_TEX,
        (16, Tile::P28, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P28_F16,
        (16, Tile::P28, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P28_F16_TEX,
        (16, Tile::P16, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P16,
        (16, Tile::P16, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_TEX,
        (16, Tile::P16, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_F16,
        (16, Tile::P16, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_P16_F16_TEX,
        (16, _, false, false) => &shader::CONV_SUBGROUP_GEMM_SG16,
        (16, _, false, true) => &shader::CONV_SUBGROUP_GEMM_SG16_TEX,
        (16, _, true, false) => &shader::CONV_SUBGROUP_GEMM_SG16_F16,
        (16, _, true, true) => &shader::CONV_SUBGROUP_GEMM_SG16_F16_TEX,
        (_, _, false, false) => &shader::CONV_SUBGROUP_GEMM_SG32,
        (_, _, false, true) => &shader::CONV_SUBGROUP_GEMM_SG32_TEX,
        (_, _, true, false) => &shader::CONV_SUBGROUP_GEMM_SG32_F16,
        (_, _, true, true) => &shader::CONV_SUBGROUP_GEMM_SG32_F16_TEX,
    }
}
