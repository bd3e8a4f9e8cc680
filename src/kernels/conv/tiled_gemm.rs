//! Host side of shaders/conv/tiled_gemm.wgsl.

pub(crate) use super::Params;
use crate::recording::Tile;
use crate::shader::{self, Shader};

/// The permutation of a tile; of those of other kernels, the middle one.
pub(crate) fn shader(tile: Tile, halves: bool) -> &'static Shader {
    match (tile, halves) {
        (Tile::M128, false) => &shader::CONV_TILED_GEMM_M128,
        (Tile::M128, true) => &shader::CONV_TILED_GEMM_M128_F16,
        (Tile::M32, false) => &shader::CONV_TILED_GEMM_M32,
        (Tile::M32, true) => &shader::CONV_TILED_GEMM_M32_F16,
        (Tile::M32D, false) => &shader::CONV_TILED_GEMM_M32D,
        (Tile::M32D, true) => &shader::CONV_TILED_GEMM_M32D_F16,
        (Tile::M64D, false) => &shader::CONV_TILED_GEMM_M64D,
        (Tile::M64D, true) => &shader::CONV_TILED_GEMM_M64D_F16,
        (_, false) => &shader::CONV_TILED_GEMM_M64,
        (_, true) => &shader::CONV_TILED_GEMM_M64_F16,
    }
}
