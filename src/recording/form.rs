//! The forms of a matrix product: its tile, and into how many slices its sums are cut.

use super::{Caps, ConvAlgorithm, GemmFamily};

/// A kernel for matrix products and the tile of a workgroup, named as in shaders/permutations.txt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tile {
    /// `conv/coop_gemm`: 64 pixels on cooperative matrices.
    Coop,
    /// `conv/tiled_gemm`, 32 pixels.
    M32,
    /// `conv/tiled_gemm`, 64 pixels.
    M64,
    /// `conv/tiled_gemm`, 128 pixels.
    M128,
    /// As [`Self::M32`], with two tiles in workgroup memory by turns.
    M32D,
    /// As [`Self::M64`], with two tiles.
    M64D,
    /// `conv/subgroup_gemm`, 32 pixels.
    P32,
    /// `conv/subgroup_gemm`, 28 pixels: maps of 14x14 and 7x7 are 7 and 1.75 of them, but 6.1 and 1.5 of 32, which are computed whole.
    P28,
    /// `conv/subgroup_gemm`, 16 pixels.
    P16,
}

/// The kernels of matrix products. Each is timed for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// `conv/coop_gemm`.
    Coop,
    /// `conv/tiled_gemm`.
    Tiled,
    /// `conv/tiled_gemm` with two tiles.
    DoubleTiled,
    /// `conv/subgroup_gemm`.
    Subgroup,
}

impl Tile {
    const ALL: [Self; 9] = [Self::Coop, Self::M32, Self::M64, Self::M128, Self::M32D, Self::M64D, Self::P32, Self::P28, Self::P16];

    /// `m32`, `p16` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coop => "coop",
            Self::M32 => "m32",
            Self::M64 => "m64",
            Self::M128 => "m128",
            Self::M32D => "m32d",
            Self::M64D => "m64d",
            Self::P32 => "p32",
            Self::P28 => "p28",
            Self::P16 => "p16",
        }
    }

    /// The tile of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Pixels that a workgroup computes.
    pub(crate) fn pixels(self) -> usize {
        match self {
            Self::P16 => 16,
            Self::P28 => 28,
            Self::M32 | Self::M32D | Self::P32 => 32,
            Self::Coop | Self::M64 | Self::M64D => 64,
            Self::M128 => 128,
        }
    }

    /// The kernel that computes it.
    pub(crate) fn kernel(self) -> Kernel {
        match self {
            Self::Coop => Kernel::Coop,
            Self::M32 | Self::M64 | Self::M128 => Kernel::Tiled,
            Self::M32D | Self::M64D => Kernel::DoubleTiled,
            Self::P32 | Self::P28 | Self::P16 => Kernel::Subgroup,
        }
    }

    /// vec4s of output channels in a block of the weights that the product reads.
    pub(crate) fn lanes(self, caps: &Caps) -> usize {
        let family = match (self.kernel(), caps.subgroup_size()) {
            (Kernel::Subgroup, Some(size)) => GemmFamily::Subgroup(size),
            _ => GemmFamily::Tiled,
        };
        family.lanes() as usize
    }

    /// The tiles of products on a device. `halves`: of weights that are stored as halves. Of tiles that should take equally long, the first is taken.
    pub(crate) fn of(caps: &Caps, halves: bool) -> Vec<Self> {
        match caps.gemm {
            // No registers for 32 lanes and more in small tiles.
            GemmFamily::Subgroup(size) if size > 16 => vec![Self::P32],
            GemmFamily::Subgroup(_) => vec![Self::P32, Self::P28, Self::P16],
            GemmFamily::Tiled => {
                let cooperative = caps.cooperative.filter(|_| halves).map(|_| Self::Coop);
                let subgroup = caps.subgroup_size().map(|_| Self::P32);
                let tiled = [Self::M32, Self::M64, Self::M128, Self::M32D, Self::M64D];
                cooperative.into_iter().chain(tiled).chain(subgroup).collect()
            }
        }
    }
}

/// The form of a matrix product. Serialised by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(into = "String")]
pub struct Form {
    /// Kernel and tile.
    pub tile: Tile,
    /// Parts that its sums are cut into, for more workgroups; `conv/slices` adds them. 1 = whole.
    pub slices: u32,
}

impl Form {
    /// `m64`, or `m32x4` for four slices.
    pub fn name(self) -> String {
        let tile = self.tile.name();
        if self.slices == 1 { tile.to_owned() } else { format!("{tile}x{}", self.slices) }
    }

    fn named(name: &str) -> Option<Self> {
        let (tile, slices) = name.split_once('x').map_or(Some((name, 1)), |(tile, n)| Some((tile, n.parse().ok().filter(|&n| n > 1)?)))?;
        Some(Self { tile: Tile::named(tile)?, slices })
    }
}

impl From<Form> for String {
    fn from(form: Form) -> Self {
        form.name()
    }
}

/// How a convolution is computed: by an algorithm, whose matrix product, if it has one, is of some form. Serialised by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Method {
    pub(crate) algorithm: ConvAlgorithm,
    pub(crate) form: Option<Form>,
}

impl Method {
    /// `gemm m32x4`, `winograd-f4 p32`, `depthwise`.
    pub(crate) fn name(self) -> String {
        let form = self.form.map(|f| format!(" {}", f.name())).unwrap_or_default();
        format!("{}{form}", self.algorithm.name())
    }

    /// The kernel of its matrix product, if it has one.
    pub(crate) fn kernel(self) -> Option<Kernel> {
        self.form.map(|form| form.tile.kernel())
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.name()
    }
}

impl TryFrom<String> for Method {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let (algorithm, form) = name.split_once(' ').map_or((name.as_str(), None), |(a, f)| (a, Some(f)));
        let named = |f: &str| Form::named(f).ok_or_else(|| format!("`{f}` is no form of a matrix product"));
        Ok(Self { algorithm: algorithm.to_owned().try_into()?, form: form.map(named).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_called_what_they_are_written_as() {
        let forms = Tile::ALL.into_iter().flat_map(|tile| [1, 2, 13].map(|slices| Some(Form { tile, slices })));
        for form in forms.chain([None]) {
            for algorithm in [ConvAlgorithm::Gemm, ConvAlgorithm::Winograd(4), ConvAlgorithm::Narrow, ConvAlgorithm::Depthwise] {
                let method = Method { algorithm, form };
                assert_eq!(Method::try_from(method.name()), Ok(method), "{}", method.name());
            }
        }
        for nonsense in ["", "gemm ", "gemm m33", "gemm m32x", "gemm m32x1", "gemm m32x0", "gemm m32x-2", "fastest m32", "gemm m32 m32"] {
            assert!(Method::try_from(nonsense.to_owned()).is_err(), "{nonsense}");
        }
    }
}
