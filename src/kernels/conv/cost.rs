//! What a method of computing a convolution should take: for every launch the larger of its arithmetic and its traffic, plus the launch.
//!
//! Arithmetic and traffic are those that the kernels really do: whole tiles, planes written and read again, transformed weights.

use super::slices::Cut;
use super::winograd_between::{Cut as Bands, Map};
use super::{Geometry, narrow, winograd_walk};
use crate::model::Precision;
use crate::recording::{Caps, ConvAlgorithm, Form, GemmFamily, Kernel, Method, Speed, Tile};

/// What kernels of a family make of a device's speed.
struct Efficiency {
    /// Terms of a sum that cost as much as beginning and ending it.
    ends: f64,
    /// Share of the bandwidth that a product reaches on what it reads and writes.
    traffic: f64,
    /// The same for the transforms of F(2x2) and F(4x4), counted on the planes.
    transforms: [f64; 2],
    /// Share of the arithmetic peak that `conv/narrow` reaches with 4, 8 and 16 channels.
    narrow: [f64; 3],
    /// Terms of its sums that cost as much as beginning and ending them.
    narrow_ends: f64,
    /// Workgroups below which a part of the device has nothing to do.
    workgroups: f64,
    /// Workgroups below which a matrix-vector product draws a part of the bandwidth.
    streams: f64,
}

/// Share of the arithmetic peak (in f32) that a long product reaches.
fn share(tile: Tile, family: GemmFamily) -> f64 {
    match (tile, family) {
        // Fitted, see below; small tiles load a weight for fewer pixels.
        (Tile::P32, GemmFamily::Subgroup(_)) => 0.7,
        (Tile::P28, _) => 0.7 * 0.96,
        (Tile::P16, _) => 0.7 * 7.0 / 8.0,
        // Estimates, not measured: loads from workgroup memory for as many multiply-adds.
        (Tile::M32 | Tile::M32D, _) => 0.5,
        (Tile::M64 | Tile::M64D, _) => 0.55,
        (Tile::M128, _) => 0.6,
        (Tile::Coop, _) => 2.0,
        // A broadcast for every four multiply-adds, of which a graphics card makes a quarter as many a cycle.
        (Tile::P32, GemmFamily::Tiled) => 0.4,
    }
}

fn efficiency(family: GemmFamily) -> Efficiency {
    match family {
        // Fitted to `--autotune` times of 38 layers of 8 to 512 channels on lavapipe; of those, three were given an algorithm that took 4
        // to 8 % more than the fastest.
        GemmFamily::Subgroup(_) => Efficiency {
            ends: 60.0,
            traffic: 0.25,
            transforms: [0.5, 0.38],
            // Of layers of MTCNN and YuNet.
            narrow: [0.17, 0.27, 0.44],
            narrow_ends: 20.0,
            workgroups: 2.0,
            streams: 2.0,
        },
        // Estimates, not measured: planes are read out of the cache that they were written to, so they move faster than memory does.
        GemmFamily::Tiled => Efficiency {
            ends: 16.0,
            traffic: 0.75,
            transforms: [1.5, 1.5],
            narrow: [0.2, 0.25, 0.25],
            narrow_ends: 16.0,
            workgroups: 64.0,
            streams: 16.0,
        },
    }
}

/// Seconds that `method` should take for a convolution of one group. `pre`: an affine before the padding.
pub(super) fn seconds(g: &Geometry, method: Method, pre: bool, precision: Precision, caps: &Caps, speed: &Speed) -> f64 {
    let model = Model { efficiency: efficiency(caps.gemm), caps, precision, speed };
    let form = method.form.unwrap_or(Form { tile: Tile::M64, slices: 1 });
    match method.algorithm {
        ConvAlgorithm::Winograd(m) => model.winograd(g, m as usize, form.tile),
        algorithm => {
            let product = if algorithm == ConvAlgorithm::Narrow { model.narrow(g) } else { model.gemm(g, form) };
            product + if pre { model.pass(2 * g.x.bytes()) } else { 0.0 }
        }
    }
}

/// The slices, of those in `wanted`, that a product of few rows takes least in when every row reads all weights, and the seconds.
pub(crate) fn vector(g: &Geometry, wanted: &[usize], precision: Precision, caps: &Caps) -> (usize, f64) {
    let model = Model { efficiency: efficiency(caps.gemm), caps, precision, speed: &Speed::typical(caps) };
    let time = |slices: usize| (slices, model.vector(g, Cut::new(caps, g.x.c4(), slices)));
    wanted.iter().map(|&slices| time(slices)).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_else(|| time(1))
}

/// Whether one launch for both transforms between two convolutions should take less time than one for each. `stored`: something else needs
/// the map, so that it is written either way.
pub(super) fn fusing_pays(map: &Map, stored: bool, caps: &Caps, speed: &Speed) -> bool {
    let model = Model { efficiency: efficiency(caps.gemm), caps, precision: Precision::F32, speed };
    model.fused(map, stored).is_some_and(|fused| fused < 2.0 * model.transform(map.m, map.plane_bytes(), map.bytes()))
}

/// `planes` products of `pixels` sums of `terms` for each of `outputs`, over `input` bytes.
struct Product {
    planes: usize,
    pixels: usize,
    terms: usize,
    outputs: usize,
    input: u64,
    halves: bool,
}

struct Model<'a> {
    efficiency: Efficiency,
    caps: &'a Caps,
    precision: Precision,
    speed: &'a Speed,
}

impl Model<'_> {
    fn launch(&self) -> f64 {
        self.speed.launch_us * 1e-6
    }

    /// Seconds to move `bytes`.
    fn moved(&self, bytes: f64) -> f64 {
        bytes / (self.speed.gbps * 1e9)
    }

    /// An element-wise pass.
    fn pass(&self, bytes: u64) -> f64 {
        self.moved(bytes as f64) / self.efficiency.traffic + self.launch()
    }

    fn gemm(&self, g: &Geometry, form: Form) -> f64 {
        let cut = Cut::new(self.caps, g.x.c4(), form.slices as usize);
        let halves = self.precision == Precision::F16;
        let terms = g.taps() * cut.c4 * 4;
        let product = Product { planes: cut.slices, pixels: g.y.pixels(), terms, outputs: g.y.c, input: g.x.bytes(), halves };
        self.product(&product, form.tile) + self.sum(g, cut)
    }

    /// Adding slices up.
    fn sum(&self, g: &Geometry, cut: Cut) -> f64 {
        if cut.slices == 1 {
            return 0.0;
        }
        self.pass(cut.bytes(g) + g.y.bytes())
    }

    /// A product of few rows, each over all weights, as it is cut.
    fn vector(&self, g: &Geometry, cut: Cut) -> f64 {
        let e = &self.efficiency;
        let blocks = g.y.c.div_ceil(4 * self.caps.gemm.lanes() as usize);
        let weights = g.x.c4() * 4 * g.y.c.next_multiple_of(4 * self.caps.gemm.lanes() as usize);
        let bytes = g.y.pixels() * weights * if self.precision == Precision::F16 { 2 } else { 4 };
        let idle = (e.streams / (blocks * g.y.pixels() * cut.slices) as f64).max(1.0);
        idle * self.moved(bytes as f64) / e.traffic + self.launch() + self.sum(g, cut)
    }

    /// What a workgroup of the product keeps busy, of a usual one.
    fn size(&self, tile: Tile) -> f64 {
        match (tile.kernel(), self.caps.gemm) {
            // One subgroup beside 256 invocations.
            (Kernel::Subgroup, GemmFamily::Tiled) => tile.lanes(self.caps) as f64 / 256.0,
            _ => 1.0,
        }
    }

    fn product(&self, p: &Product, tile: Tile) -> f64 {
        let e = &self.efficiency;
        let block = 4 * tile.lanes(self.caps);
        let groups = (p.planes * p.pixels.div_ceil(tile.pixels()) * p.outputs.div_ceil(block)) as f64;
        let flops = groups * (2 * tile.pixels() * block) as f64 * (p.terms as f64 + e.ends);
        let idle = (e.workgroups / (groups * self.size(tile))).max(1.0);
        let weights = p.planes * p.terms * p.outputs.next_multiple_of(block) * if p.halves { 2 } else { 4 };
        let output = p.planes * p.pixels * p.outputs.next_multiple_of(4) * 4;
        let bytes = p.input as f64 + (weights + output) as f64;
        let arithmetic = idle * flops / (share(tile, self.caps.gemm) * self.speed.gflops * 1e9);
        arithmetic.max(self.moved(bytes) / e.traffic) + self.launch()
    }

    fn narrow(&self, g: &Geometry) -> f64 {
        let Some(form) = narrow::Form::of(g, self.caps) else { return f64::INFINITY };
        let e = &self.efficiency;
        let terms = g.taps() * g.x.c4() * 4;
        let groups = g.y.pixels().div_ceil(form.pixels) as f64;
        let flops = groups * (2 * form.pixels * 4 * form.vec4s) as f64 * (terms as f64 + e.narrow_ends);
        // 64 invocations beside 256 of a usual workgroup.
        let size = if self.caps.gemm == GemmFamily::Tiled { 0.25 } else { 1.0 };
        let idle = (e.workgroups / (groups * size)).max(1.0);
        let arithmetic = idle * flops / (e.narrow[form.vec4s.ilog2() as usize] * self.speed.gflops * 1e9);
        let bytes = g.x.bytes() + g.y.bytes() + (terms * form.vec4s * 16) as u64;
        arithmetic.max(self.moved(bytes as f64) / e.traffic) + self.launch()
    }

    fn winograd(&self, g: &Geometry, m: usize, tile: Tile) -> f64 {
        let tiles = g.x.n * g.y.h.div_ceil(m) * g.y.w.div_ceil(m);
        let planes = (m + 2) * (m + 2);
        let (into, out) = ((planes * tiles * g.x.c4() * 16) as u64, (planes * tiles * g.y.c4() * 16) as u64);
        let halves = self.precision == Precision::F16 && m == 2;
        let product = Product { planes, pixels: tiles, terms: g.x.c4() * 4, outputs: g.y.c, input: into, halves };
        self.transform(m, into, g.x.bytes()) + self.product(&product, tile) + self.transform(m, out, g.y.bytes())
    }

    /// A transform between planes and a map.
    fn transform(&self, m: usize, plane_bytes: u64, map: u64) -> f64 {
        self.moved((plane_bytes + map) as f64) / self.transforms(m) + self.launch()
    }

    /// The share of the bandwidth that transforms of F(m x m) reach.
    fn transforms(&self, m: usize) -> f64 {
        self.efficiency.transforms[usize::from(m == 4)]
    }

    /// Both transforms around a map; `None` where no kernel does them.
    fn fused(&self, map: &Map, stored: bool) -> Option<f64> {
        let planes = map.plane_bytes() as f64;
        let map_bytes = if stored { map.bytes() as f64 } else { 0.0 };
        let (workgroups, [read, written]) = match (self.caps.textures, self.caps.gemm) {
            // Maps of F(2x2) are small ones with few launches to save, not worth the time that another kernel takes to compile.
            (true, _) if map.m == 2 => return None,
            (true, _) => (winograd_walk::workgroups(map)?, [1.0, 1.0]),
            (false, GemmFamily::Tiled) => {
                let bands = Bands::of(map)?;
                (bands.workgroups(map), bands.traffic(map))
            }
            // Workgroup memory costs a software adapter what the map does.
            (false, GemmFamily::Subgroup(_)) => return None,
        };
        let idle = (self.efficiency.workgroups / workgroups as f64).max(1.0);
        let moved = self.moved(planes * (read + written) + map_bytes) / self.transforms(map.m);
        Some(idle * moved + self.launch())
    }
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
