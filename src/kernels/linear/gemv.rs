//! Host side of shaders/linear/gemv.wgsl.

use crate::error::Result;
pub(crate) use crate::kernels::conv::Params;
use crate::kernels::conv::slices::{self, Cut};
use crate::kernels::conv::{Filter, Finish, Geometry, gemm, vector_slices};
use crate::model::Precision;
use crate::recording::{Recorder, Source};
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

/// Records one row after another over the same weights that the matrix product would use.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    g: &Geometry,
    x: Source,
    filter: &Filter,
    finish: &Finish,
    y: Source,
) -> Result<()> {
    let halves = rec.precision == Precision::F16;
    let lanes = match rec.force.form {
        Some("l4") => 4,
        Some("l8") => 8,
        Some("l16") => 16,
        Some("l32") => 32,
        _ => rec.caps.gemm.lanes() as usize,
    };
    let shader = permutation(lanes, halves, rec.caps.textures);
    let wanted = rec.force.slices.map_or_else(|| SLICES.to_vec(), |n| vec![n as usize]);
    let cut = Cut::new(rec.caps, g.x.c4(), vector_slices(g, &wanted, rec.precision, rec.caps));
    let plain = Finish::default();
    let (step, out, whole) =
        if cut.slices > 1 { (&plain, rec.tensor(cut.bytes(g)), cut.params(g, lanes, halves)) } else { (finish, y, g.params(finish)) };
    let table = step.table(rec, g.y.c);
    let residual = step.residual_or_nothing(rec, shader);
    for (chunk, w) in gemm::weight_chunks(rec, filter, lanes, halves) {
        let params = Params { block0: chunk.start as u32, ..whole };
        let outputs = (chunk.end * lanes * 4).min(g.y.c) - chunk.start * lanes * 4;
        let flops = 2 * (g.y.n * outputs * filter.channels * filter.kernel[0] * filter.kernel[1]) as u64;
        let groups = [chunk.len() as u32, g.y.n as u32, cut.slices as u32];
        rec.dispatch(shader, label, groups, &params, &[x, w, table, residual, out], flops)?;
    }
    if cut.slices > 1 { slices::record(rec, label, g, cut.slices, out, finish, y) } else { Ok(()) }
}
