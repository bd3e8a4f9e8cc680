//! Host side of shaders/linear/gemv.wgsl.

use crate::error::Result;
pub(crate) use crate::kernels::conv::Params;
use crate::kernels::conv::{Filter, Finish, Geometry, gemm};
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
    let table = finish.table(rec, g.y.c);
    let residual = finish.residual_or_nothing(rec, shader);
    for (chunk, w) in gemm::weight_chunks(rec, filter, lanes, halves) {
        let params = Params { block0: chunk.start as u32, ..g.params(finish) };
        let outputs = (chunk.end * lanes * 4).min(g.y.c) - chunk.start * lanes * 4;
        let flops = 2 * (g.y.n * outputs * filter.channels * filter.kernel[0] * filter.kernel[1]) as u64;
        let groups = [chunk.len() as u32, g.y.n as u32, 1];
        rec.dispatch(shader, label, groups, &params, &[x, w, table, residual, y], flops)?;
    }
    Ok(())
}
