//! The matrix product that convolutions, linear layers and Winograd's planes share: its kernels, splitting of weights that exceed one
//! binding, and of sums into slices.

use super::slices::{self, Cut};
use super::{Filter, Finish, Geometry, coop_gemm, subgroup_gemm, tiled_gemm};
use crate::error::Result;
use crate::model::Precision;
use crate::recording::{Caps, Form, Kernel, Recorder, Source, Tile};
use crate::shader::Shader;

/// The permutation of a tile.
pub(crate) fn shader(caps: &Caps, tile: Tile, halves: bool) -> &'static Shader {
    let cooperative = caps.cooperative.filter(|_| halves).and_then(coop_gemm::shader);
    match (tile.kernel(), cooperative, caps.subgroup_size()) {
        (Kernel::Coop, Some(shader), _) => shader,
        (Kernel::Subgroup, _, Some(size)) => subgroup_gemm::shader(size, tile, halves, caps.textures),
        _ => tiled_gemm::shader(tile, halves),
    }
}

/// A product to record: `y = finish(x * filter)`.
pub(crate) struct Product<'a> {
    pub(crate) label: &'a str,
    pub(crate) geometry: &'a Geometry,
    pub(crate) x: Source,
    pub(crate) filter: &'a Filter,
    pub(crate) finish: &'a Finish,
    pub(crate) y: Source,
}

/// Records a product in a form.
pub(crate) fn record(rec: &mut Recorder<'_>, product: &Product<'_>, form: Form) -> Result<()> {
    let g = product.geometry;
    let shader = shader(rec.caps, form.tile, rec.precision == Precision::F16);
    let lanes = form.tile.lanes(rec.caps);
    let cut = Cut::new(rec.caps, g.x.c4(), form.slices as usize);
    let tiles = g.y.pixels().div_ceil(form.tile.pixels()) as u32;
    record_blocks(rec, product, shader, lanes, cut, |blocks| [tiles, blocks])
}

/// Records a product by a kernel whose weights are packed for `lanes` and whose grid for so many blocks of outputs is `grid`, in as many
/// dispatches as the weights need bindings, and the addition of its slices.
pub(crate) fn record_blocks(
    rec: &mut Recorder<'_>,
    product: &Product<'_>,
    shader: &'static Shader,
    lanes: usize,
    cut: Cut,
    grid: impl Fn(u32) -> [u32; 2],
) -> Result<()> {
    let &Product { label, geometry: g, x, filter, finish, y } = product;
    let halves = rec.precision == Precision::F16;
    let plain = Finish::default();
    let (step, out, whole) =
        if cut.slices > 1 { (&plain, rec.tensor(cut.bytes(g)), cut.params(g, lanes, halves)) } else { (finish, y, g.params(finish)) };
    let table = step.table(rec, g.y.c);
    let residual = step.residual_or_nothing(rec, shader);
    for (chunk, w) in weight_chunks(rec, filter, lanes, halves) {
        let params = super::Params { block0: chunk.start as u32, ..whole };
        let [columns, rows] = grid(chunk.len() as u32);
        let outputs = (chunk.end * lanes * 4).min(g.y.c) - chunk.start * lanes * 4;
        let flops = 2 * (g.y.pixels() * outputs * filter.kernel[0] * filter.kernel[1] * filter.channels) as u64;
        rec.dispatch(shader, label, [columns, rows, cut.slices as u32], &params, &[x, w, table, residual, out], flops)?;
    }
    if cut.slices > 1 { slices::record(rec, label, g, cut.slices, out, finish, y) } else { Ok(()) }
}

/// Packed weights by ranges of output blocks, each within one binding.
fn weight_chunks(rec: &mut Recorder<'_>, filter: &Filter, lanes: usize, halves: bool) -> Vec<(std::ops::Range<usize>, Source)> {
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
