//! Which kernel runs a convolution.

use super::Geometry;
use crate::recording::{Caps, ConvAlgorithm, Force, GemmFamily};

/// Smallest channel counts at which Winograd's transforms pay for themselves.
const WINOGRAD_CHANNELS: usize = 32;
/// Output pixels (of all pictures) from which the larger tiles win; below, the 36 planes of weights are the traffic. A product over 16
/// tiles (14x14) fills a small tile of the subgroup kernel, but leaves a GPU idle.
fn winograd_f4_pixels(gemm: GemmFamily) -> usize {
    match gemm {
        GemmFamily::Subgroup(_) => 14 * 14,
        GemmFamily::Tiled => 24 * 24,
    }
}

/// Chooses by geometry alone, so the same adapter always gets the same plan and the same bits.
pub(super) fn choose(g: &Geometry, groups: usize, caps: &Caps, force: &Force) -> ConvAlgorithm {
    if let Some(forced) = force.conv {
        return forced;
    }
    if groups > 1 {
        return if groups == g.x.c && groups == g.y.c { ConvAlgorithm::Depthwise } else { ConvAlgorithm::Grouped };
    }
    if winograd_applies(g) && g.x.c >= WINOGRAD_CHANNELS && g.y.c >= WINOGRAD_CHANNELS {
        let m = if g.y.pixels() >= winograd_f4_pixels(caps.gemm) { 4 } else { 2 };
        // The planes between the transforms have to fit a binding each way.
        let tiles = g.x.n * g.y.h.div_ceil(m) * g.y.w.div_ceil(m);
        let planes = (m + 2) * (m + 2) * tiles * g.x.c4().max(g.y.c4()) * 16;
        if planes as u64 <= caps.max_binding {
            return ConvAlgorithm::Winograd(m as u32);
        }
    }
    ConvAlgorithm::Gemm
}

/// Whether the shape is Winograd's: 3x3, stride 1, no dilation.
fn winograd_applies(g: &Geometry) -> bool {
    g.kernel == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1]
}
