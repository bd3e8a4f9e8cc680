//! Host side of shaders/linear/gemv.wgsl.

use crate::error::Result;
pub(crate) use crate::kernels::conv::Params;
use crate::kernels::conv::slices::{self, Cut};
use crate::kernels::conv::{Product, gemm, vector};
use crate::model::Precision;
use crate::recording::{Price, Recorder};
use crate::shader::{self, Shader};

/// The permutation whose weight packing has this many lanes.
fn permutation(lanes: usize, halves: bool, textures: bool) -> &'static Shader {
    match (lanes, halves, textures) {
        (4, false, false) => &shader::LINEAR_GEMV_L4,
        (4, false, true) => &shader::LINEAR_GEMV_L4_TEX,
        (4, true, false) => &shader::LINEAR_GEMV_L4_F16,
        (4, true, true) => &shader::LINEAR_GEMV_L4_F16_TEX,
        (8, false, false) => &shader::LINEAR_GEMV_L8,
        (8, false, true) => &shader::LINEAR_GEMV_L8_TEX,
        (8, true, false) => &shader::LINEAR_GEMV_L8_F16,
        (8, true, true) => &shader::LINEAR_GEMV_L8_F16_TEX,
        (16, false, false) => &shader::LINEAR_GEMV_L16,
        (16, false, true) => &shader::LINEAR_GEMV_L16_TEX,
        (16, true, false) => &shader::LINEAR_GEMV_L16_F16,
        (16, true, true) => &shader::LINEAR_GEMV_L16_F16_TEX,
        (_, false, false) => &shader::LINEAR_GEMV_L32,
        (_, false, true) => &shader::LINEAR_GEMV_L32_TEX,
        (_, true, false) => &shader::LINEAR_GEMV_L32_F16,
        (_, true, true) => &shader::LINEAR_GEMV_L32_F16_TEX,
    }
}

/// Slices that it may be cut into.
const SLICES: [usize; 4] = [1, 2, 4, 8];

/// Lanes that its weights are packed for.
fn lanes(rec: &Recorder<'_>) -> usize {
    match rec.force.form {
        Some("l4") => 4,
        Some("l8") => 8,
        Some("l16") => 16,
        Some("l32") => 32,
        _ => rec.caps.gemm.lanes() as usize,
    }
}

/// The form for a device.
pub(crate) fn shader(rec: &Recorder<'_>) -> &'static Shader {
    permutation(lanes(rec), rec.precision == Precision::F16, rec.caps.textures)
}

/// Records one row after another over the same weights that the matrix product would use.
pub(crate) fn record(rec: &mut Recorder<'_>, product: &Product<'_>) -> Result<()> {
    let (g, shader, lanes) = (product.geometry, shader(rec), lanes(rec));
    let adding = slices::shader(rec.caps);
    let wanted = match rec.force.slices {
        Some(forced) => vec![forced as usize],
        None if rec.admits(adding) => SLICES.to_vec(),
        None => vec![1],
    };
    let (slices, seconds) = vector(g, &wanted, rec.precision, rec.caps);
    let cut = Cut::new(rec.caps, g.x.c4(), slices);
    let kernels = if cut.slices > 1 { vec![shader, adding] } else { vec![shader] };
    rec.prices.push(Price { seconds, kernels });
    let rows = g.y.n as u32;
    gemm::record_blocks(rec, product, shader, lanes, cut, |blocks| [blocks, rows])
}
