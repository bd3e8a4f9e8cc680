//! Scans of a gallery: the largest score of every block of 32 rows, for every probe. Host side of shaders/shared/search.wgsl.

pub(crate) mod cutoff;
pub(crate) mod distance_scan;
pub(crate) mod probes;
pub(crate) mod rescore;
pub(crate) mod subgroup_distance_scan;
pub(crate) mod subgroup_scan;
pub(crate) mod tiled_scan;

use crate::recording::{Caps, GemmFamily};
use crate::shader::Shader;

/// Rows of a block, of which one maximum is kept.
pub(crate) const BLOCK: usize = 32;

/// Parts of a dispatch, at most.
pub(crate) const PARTS: usize = 128;

/// Mirrors the shaders' `Part`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
pub(crate) struct Part {
    pub(crate) probes: u32,
    pub(crate) probe_vec4s: u32,
    pub(crate) steps: u32,
    pub(crate) first_block: u32,
    pub(crate) end_block: u32,
    pub(crate) row_stride: u32,
    pub(crate) first_out: u32,
    pub(crate) first_probe: u32,
}

/// Mirrors the shaders' `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Zeroable, bytemuck::Pod)]
pub(crate) struct Params {
    pub(crate) parts: [Part; PARTS],
}

/// How rows are stored on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    F32,
    F16,
    I8,
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::F32, Self::F16, Self::I8];

    /// Numbers in 16 bytes of a row.
    pub(crate) fn per_step(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 8,
            Self::I8 => 16,
        }
    }

    /// Steps of 16 bytes of a row of `dimension` numbers: what the widest kernel takes at once divides them.
    pub(crate) fn steps(self, dimension: usize) -> usize {
        let unit = if self == Self::F16 { 2 } else { 4 };
        dimension.div_ceil(self.per_step()).next_multiple_of(unit)
    }

    /// vec4s of a probe: f32 for rows of floats, int8 for rows of int8.
    pub(crate) fn probe_vec4s(self, dimension: usize) -> usize {
        self.steps(dimension) * if self == Self::F16 { 2 } else { 1 }
    }

    /// Bytes of a block of rows.
    pub(crate) fn block_bytes(self, dimension: usize) -> usize {
        self.steps(dimension) * BLOCK * 16
    }
}

/// What a score is, as the kernels that need no host know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Score {
    Cosine,
    Product,
    Distance,
}

/// What a scan sums over the numbers of a row and a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Terms {
    /// Their products.
    Products,
    /// `w |x - y|`; rows of floats.
    Differences,
    /// `w (x - y)² / (x + y)`; rows of floats.
    ChiSquared,
}

/// The kernel that suits a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// `search/subgroup_scan` or `search/subgroup_distance_scan` of this subgroup size; rows and probes are textures.
    Subgroup(u32),
    /// `search/tiled_scan` or `search/distance_scan`; rows and probes are storage buffers.
    Tiled,
}

impl Family {
    pub(crate) fn of(caps: &Caps) -> Self {
        match caps.gemm {
            GemmFamily::Subgroup(size) if caps.textures && subgroup_scan::SIZES.contains(&size) => Self::Subgroup(size),
            _ => Self::Tiled,
        }
    }
}

/// A form of a kernel and what one workgroup of it computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) shader: &'static Shader,
    /// Probes of a tile.
    pub(crate) probes: usize,
    /// Blocks of a tile.
    pub(crate) blocks: usize,
}

/// The form for `probes` at once.
pub(crate) fn form(family: Family, format: Format, terms: Terms, probes: usize) -> Form {
    match (family, terms) {
        (Family::Subgroup(size), Terms::Products) => subgroup_scan::form(size, format, probes),
        (Family::Tiled, Terms::Products) => tiled_scan::form(format, probes),
        (Family::Subgroup(size), _) => subgroup_distance_scan::form(size, format, terms),
        (Family::Tiled, _) => distance_scan::form(format, terms),
    }
}
