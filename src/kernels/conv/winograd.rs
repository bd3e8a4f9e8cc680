//! Winograd convolution F(m x m, 3x3) (Lavin and Gray 2016): input transform, batched product, output transform.

use super::filter::{order, pack};
use super::{Call, Finish, Geometry, gemm, winograd_input, winograd_output};
use crate::error::Result;
use crate::model::Precision;
use crate::recording::{Packed, Recorder, Source, Tile};

/// Mirrors `Params` of shaders/shared/winograd.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Params {
    pub(crate) in_h: u32,
    pub(crate) in_w: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) c4: u32,
    pub(crate) tiles_h: u32,
    pub(crate) tiles_w: u32,
    pub(crate) tiles: u32,
    pub(crate) pad_h: u32,
    pub(crate) pad_w: u32,
    pub(crate) affine: u32,
    pub(crate) residual: u32,
    pub(crate) y_row: u32,
    pub(crate) y_first: u32,
    pub(crate) lo: f32,
    pub(crate) hi: f32,
    pub(crate) post_lo: f32,
    pub(crate) post_hi: f32,
    pub(crate) pooled_h: u32,
    pub(crate) pooled_w: u32,
}

impl Params {
    fn new(call: &Call<'_>, m: usize) -> Self {
        let g = &call.geometry;
        let (tiles_h, tiles_w) = (g.y.h.div_ceil(m), g.y.w.div_ceil(m));
        let p = g.params(&call.finish);
        Self {
            in_h: p.in_h,
            in_w: p.in_w,
            out_h: p.out_h,
            out_w: p.out_w,
            c4: 0,
            tiles_h: tiles_h as u32,
            tiles_w: tiles_w as u32,
            tiles: (g.x.n * tiles_h * tiles_w) as u32,
            pad_h: p.pad_h,
            pad_w: p.pad_w,
            affine: u32::from(call.pre.is_some()),
            residual: p.residual,
            y_row: p.y_row,
            y_first: p.y_first,
            lo: p.lo,
            hi: p.hi,
            post_lo: p.post_lo,
            post_hi: p.post_hi,
            pooled_h: 0,
            pooled_w: 0,
        }
    }
}

/// Whether transformed weights are stored as halves. Those of F(4x4) stay f32: rounding them costs two digits too many.
pub(super) fn halves(rec: &Recorder<'_>, m: usize) -> bool {
    rec.precision == Precision::F16 && m == 2
}

/// Records the three steps. `tile`: of the product.
pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, m: usize, tile: Tile, y: Source) -> Result<()> {
    let g = call.geometry;
    let params = Params::new(call, m);
    let (tiles, planes) = (params.tiles as usize, (m + 2) * (m + 2));
    let label = |step: &str| format!("{} {} f{m}.{step}", call.label, g.describe());

    let v = rec.tensor((planes * tiles * g.x.c4() * 16) as u64);
    winograd_input::record(rec, call, m, &label("input"), &Params { c4: g.x.c4() as u32, ..params }, v)?;

    let halves = halves(rec, m);
    let lanes = tile.lanes(rec.caps);
    let blocks = g.y.c.div_ceil(4 * lanes);
    let plane_vec4s = blocks * g.x.c4() * 4 * lanes / if halves { 2 } else { 1 };
    let weight = call.weight.clone();
    let form = format!("winograd {m} lanes {lanes} halves {halves}");
    let bytes = (planes * plane_vec4s * 16) as u64;
    let u = rec.weight_in_place(&form, std::slice::from_ref(call.weight), bytes, move |out| {
        pack_filter(&weight.to_f32(), g.y.c, g.x.c, m, lanes, halves, out);
    });

    let products = rec.tensor((planes * tiles * g.y.c4() * 16) as u64);
    let plain = Finish::default();
    let product = Geometry {
        x: Packed { n: tiles, c: g.x.c, h: 1, w: 1 },
        y: Packed { n: tiles, c: g.y.c, h: 1, w: 1 },
        ..Geometry::product(tiles, g.x.c, g.y.c)
    };
    let shader = gemm::shader(rec.caps, tile, halves);
    let table = plain.table(rec, g.y.c);
    let nothing = plain.residual_or_nothing(rec, shader);
    let product_params = super::Params {
        x_plane: (tiles * g.x.c4()) as u32,
        w_plane: plane_vec4s as u32,
        y_plane: (tiles * g.y.c4()) as u32,
        ..product.params(&plain)
    };
    let groups = [tiles.div_ceil(tile.pixels()) as u32, blocks as u32, planes as u32];
    // Counted as the direct convolution it replaces, so that GFLOP/s compare between algorithms.
    let flops = 2 * (g.y.pixels() * g.y.c * 9 * g.x.c) as u64;
    rec.dispatch(shader, &label("product"), groups, &product_params, &[v, u, table, nothing, products], flops)?;

    winograd_output::record(rec, call, m, &label("output"), &Params { c4: g.y.c4() as u32, ..params }, products, y)
}

/// `U = G g Gᵀ` of every filter, in f64, packed `[plane][block][c4][4 k][lane][4 o]` into `bytes`.
fn pack_filter(w: &[f32], outputs: usize, inputs: usize, m: usize, lanes: usize, halves: bool, bytes: &mut [u8]) {
    let r = std::f64::consts::SQRT_2;
    let g4 = [
        [1.0, 0.0, 0.0],
        [-2.0 / 3.0, -r / 3.0, -1.0 / 3.0],
        [-2.0 / 3.0, r / 3.0, -1.0 / 3.0],
        [1.0 / 6.0, r / 6.0, 1.0 / 3.0],
        [1.0 / 6.0, -r / 6.0, 1.0 / 3.0],
        [0.0, 0.0, 1.0],
    ];
    let g2 = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    pack(bytes, halves, |out| {
        if m == 4 { transform(&g4, w, outputs, inputs, lanes, halves, out) } else { transform(&g2, w, outputs, inputs, lanes, halves, out) }
    });
}

/// [`pack_filter`] with the matrix G. In the order of the result, some vec4s of every plane at once: planes lie powers of two apart, so a vec4 of each
/// would drive the others out of the cache.
fn transform<const N: usize>(g: &[[f64; 3]; N], w: &[f32], outputs: usize, inputs: usize, lanes: usize, halves: bool, out: &mut [f32]) {
    const VEC4S: usize = 16;
    let (c4s, blocks) = (inputs.div_ceil(4), outputs.div_ceil(4 * lanes));
    let plane = blocks * c4s * 16 * lanes;
    let order = order(lanes, halves);
    let mut stage = vec![[0.0; 4 * VEC4S]; N * N];
    let mut at = 0;
    for (block, c4) in (0..blocks).flat_map(|block| (0..c4s).map(move |c4| (block, c4))) {
        for part in order.chunks(VEC4S) {
            for (i, &(k, lane)) in part.iter().enumerate() {
                let (o, c) = ((block * lanes + lane) * 4, c4 * 4 + k);
                let inside = if c < inputs { outputs.saturating_sub(o).min(4) } else { 0 };
                let mut filters = [[0.0; 4]; 9];
                for j in 0..inside {
                    let filter = &w[((o + j) * inputs + c) * 9..][..9];
                    filters.iter_mut().zip(filter).for_each(|(tap, &v)| tap[j] = f64::from(v));
                }
                sandwich(g, &filters, |p, v| stage[p][4 * i..][..4].copy_from_slice(&v.map(|v| v as f32)));
            }
            for (p, staged) in stage.iter().enumerate() {
                out[p * plane + at..][..4 * part.len()].copy_from_slice(&staged[..4 * part.len()]);
            }
            at += 4 * part.len();
        }
    }
}

/// `G g Gᵀ` of four 3x3 filters side by side, which fit a vector register: `set` is given each element's place and value, row by row.
#[inline]
fn sandwich<const N: usize>(g: &[[f64; 3]; N], f: &[[f64; 4]; 9], mut set: impl FnMut(usize, [f64; 4])) {
    let sum = |w: &[f64; 3], v: [&[f64; 4]; 3]| -> [f64; 4] { std::array::from_fn(|j| w[0] * v[0][j] + w[1] * v[1][j] + w[2] * v[2][j]) };
    for (a, row) in g.iter().enumerate() {
        let left: [[f64; 4]; 3] = std::array::from_fn(|x| sum(row, [&f[x], &f[3 + x], &f[6 + x]]));
        for (b, column) in g.iter().enumerate() {
            set(a * N + b, sum(column, [&left[0], &left[1], &left[2]]));
        }
    }
}
