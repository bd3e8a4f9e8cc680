//! Algorithms by name, and overrides of their choice.

use super::GemmFamily;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvAlgorithm {
    /// The matrix product of [`super::Caps::gemm`].
    Gemm,
    /// Winograd F(m x m, 3x3) around that product; m is 2 or 4.
    Winograd(u32),
    /// One filter per channel.
    Depthwise,
    /// Any number of groups.
    Grouped,
    /// One invocation per output number: the yardstick.
    Naive,
}

/// Overrides for tests and benchmarks. The default overrides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Force {
    /// The algorithm of every convolution it can compute.
    pub conv: Option<ConvAlgorithm>,
    /// A form of `conv/tiled_gemm`, `conv/depthwise`, `conv/transpose` or `linear/gemv`, as permutations.txt names it ("m32", "l16", "any").
    pub form: Option<&'static str>,
    /// The matrix product.
    pub gemm: Option<GemmFamily>,
    /// Loads through textures or not.
    pub textures: Option<bool>,
}
