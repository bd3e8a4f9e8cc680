//! Algorithms by name, and overrides of their choice.

use super::GemmFamily;

/// How a convolution is computed. Serialised by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ConvAlgorithm {
    /// The matrix product of [`super::Caps::gemm`].
    Gemm,
    /// Winograd F(m x m, 3x3) around that product; m is 2 or 4.
    Winograd(u32),
    /// The matrix product of few output channels, without a residual.
    Narrow,
    /// One filter per channel.
    Depthwise,
    /// Any number of groups.
    Grouped,
    /// One invocation per output number: the yardstick.
    Naive,
}

impl ConvAlgorithm {
    /// `gemm`, `winograd-f4`, `narrow` and so on.
    pub fn name(self) -> String {
        match self {
            Self::Gemm => "gemm".to_owned(),
            Self::Winograd(m) => format!("winograd-f{m}"),
            Self::Narrow => "narrow".to_owned(),
            Self::Depthwise => "depthwise".to_owned(),
            Self::Grouped => "grouped".to_owned(),
            Self::Naive => "naive".to_owned(),
        }
    }
}

impl From<ConvAlgorithm> for String {
    fn from(algorithm: ConvAlgorithm) -> Self {
        algorithm.name()
    }
}

impl TryFrom<String> for ConvAlgorithm {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let all = [Self::Gemm, Self::Winograd(2), Self::Winograd(4), Self::Narrow, Self::Depthwise, Self::Grouped, Self::Naive];
        all.into_iter().find(|a| a.name() == name).ok_or_else(|| format!("`{name}` is no algorithm of a convolution"))
    }
}

/// Overrides for tests and benchmarks. The default overrides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Force {
    /// The algorithm of every convolution it can compute.
    pub conv: Option<ConvAlgorithm>,
    /// A form of `conv/depthwise`, `conv/transpose` or `linear/gemv`, as permutations.txt names it ("l16", "any"), or a tile of matrix products
    /// ("m32", "p16").
    pub form: Option<&'static str>,
    /// Slices that matrix products are cut into, as far as they have channels for so many. Layers whose tile or slices are forced are never narrow.
    pub slices: Option<u32>,
    /// The matrix product.
    pub gemm: Option<GemmFamily>,
    /// Loads through textures or not.
    pub textures: Option<bool>,
    /// Winograd's output transform and what reads its map (the input transform of the next convolution, or 2x2 maximum pooling) in one launch wherever
    /// a kernel can, or nowhere.
    pub fuse: Option<bool>,
    /// Kernels that a plan should have at most where its adapter compiles them slowly (12), if nothing else is forced and nothing timed.
    pub kernels: Option<usize>,
}

impl Force {
    /// Whether methods are chosen freely.
    pub(crate) fn is_free(&self) -> bool {
        Self { kernels: None, ..self.clone() } == Self::default()
    }
}
