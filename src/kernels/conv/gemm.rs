//! The matrix product that convolutions, linear layers and Winograd's planes share: which kernel, which form, and splitting of weights
//! that exceed one binding.

use super::{Filter, Finish, Geometry, coop_gemm, subgroup_gemm, tiled_gemm};
use crate::error::Result;
use crate::model::Precision;
use crate::recording::{GemmFamily, Recorder, Source};
use crate::shader::Shader;

/// The permutation for a product over `pixels`, and the pixels one workgroup computes. A forced form is one of tiled_gemm.
pub(crate) fn shader(rec: &Recorder<'_>, pixels: usize, halves: bool) -> (&'static Shader, usize) {
    let cooperative = rec.caps.cooperative.filter(|_| halves && rec.force.form.is_none()).and_then(coop_gemm::shader);
    match rec.caps.gemm {
        GemmFamily::Subgroup(size) => subgroup_gemm::shader(size, pixels, halves, rec.caps.textures),
        GemmFamily::Tiled => match cooperative {
            Some(shader) => (shader, coop_gemm::TILE),
            None => tiled_gemm::shader(rec.force.form, pixels, halves),
        },
    }
}

/// Records `y = finish(x * filter)`. Output blocks are split over as many dispatches as the weights need bindings.
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
    let lanes = rec.caps.gemm.lanes() as usize;
    let (shader, tile) = shader(rec, g.y.pixels(), halves);
    let table = finish.table(rec, g.y.c);
    let residual = finish.residual_or_nothing(rec, shader);
    for (chunk, w) in weight_chunks(rec, filter, lanes, halves) {
        let params = super::Params { block0: chunk.start as u32, ..g.params(finish) };
        let groups = [g.y.pixels().div_ceil(tile) as u32, chunk.len() as u32, 1];
        let outputs = (chunk.end * lanes * 4).min(g.y.c) - chunk.start * lanes * 4;
        let flops = 2 * (g.y.pixels() * outputs * g.taps() * g.x.c) as u64;
        rec.dispatch(shader, label, groups, &params, &[x, w, table, residual, y], flops)?;
    }
    Ok(())
}

/// Packed weights by ranges of output blocks, each within one binding.
pub(crate) fn weight_chunks(rec: &mut Recorder<'_>, filter: &Filter, lanes: usize, halves: bool) -> Vec<(std::ops::Range<usize>, Source)> {
    let blocks = filter.outputs.div_ceil(4 * lanes);
    let block_bytes = filter.block_vec4s(lanes, halves) as u64 * 16;
    let per_binding = ((rec.caps.max_binding / block_bytes.max(1)) as usize).max(1);
    (0..blocks)
        .step_by(per_binding)
        .map(|start| {
            let chunk = start..(start + per_binding).min(blocks);
            let form = filter.form("product", lanes, chunk.clone(), halves);
            let (f, c) = (filter.clone(), chunk.clone());
            let w = rec.weight_in_place(&form, std::slice::from_ref(&filter.constant), chunk.len() as u64 * block_bytes, move |out| {
                f.pack(lanes, c.clone(), halves, out);
            });
            (chunk, w)
        })
        .collect()
}
