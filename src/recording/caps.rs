//! What a plan has to know about a device, as plain data.

/// Subgroup sizes that `conv/subgroup_gemm` has forms for.
const SUBGROUP_SIZES: [u32; 4] = [4, 8, 16, 32];

/// The matrix-product kernel that suits a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GemmFamily {
    /// `conv/subgroup_gemm` with this subgroup size (4, 8, 16 or 32): registers and broadcasts, for software adapters.
    Subgroup(u32),
    /// `conv/tiled_gemm`: workgroup memory, for real GPUs and wherever subgroups are missing. `--autotune` times other kernels beside it.
    Tiled,
}

impl GemmFamily {
    /// vec4s of output channels in a block of packed weights.
    pub fn lanes(self) -> u32 {
        match self {
            Self::Subgroup(size) => size,
            Self::Tiled => 16,
        }
    }
}

/// The cooperative matrices (tensor cores) that `conv/coop_gemm` multiplies: halves times halves, summed in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Cooperative {
    /// Rows and columns of every matrix: 8 or 16.
    pub size: u32,
    /// Invocations that hold one together.
    pub subgroup: u32,
}

/// Capabilities and limits of a device that planning depends on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Caps {
    /// Which matrix product to use.
    pub gemm: GemmFamily,
    /// Bytes one storage binding can cover.
    pub max_binding: u64,
    /// Workgroups along one dimension of a dispatch.
    pub max_groups: u32,
    /// The probed subgroup size, when subgroup operations work as reported.
    pub subgroup: Option<u32>,
    /// Whether kernels that load a lot do so through textures: software adapters.
    pub textures: bool,
    /// The cooperative matrices that products of halves use in place of `conv/tiled_gemm`: experimental, asked for, and compared with it.
    pub cooperative: Option<Cooperative>,
}

impl Caps {
    /// What every WebGPU device has.
    pub fn baseline() -> Self {
        Self { gemm: GemmFamily::Tiled, max_binding: 128 << 20, max_groups: 65_535, subgroup: None, textures: false, cooperative: None }
    }

    /// The subgroup size that `conv/subgroup_gemm` would run with, where it has a form for that.
    pub(crate) fn subgroup_size(&self) -> Option<u32> {
        match self.gemm {
            GemmFamily::Subgroup(size) => Some(size),
            GemmFamily::Tiled => self.subgroup.filter(|size| SUBGROUP_SIZES.contains(size)),
        }
    }

    /// A grid of `count` workgroups folded to two dimensions; shaders unfold it with shared/index.
    pub(crate) fn fold(&self, count: usize) -> [u32; 3] {
        let width = (self.max_groups / 2).max(1) as usize;
        if count <= width {
            return [count.max(1) as u32, 1, 1];
        }
        [width as u32, count.div_ceil(width) as u32, 1]
    }
}
