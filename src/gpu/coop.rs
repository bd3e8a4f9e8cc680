//! Whether a device's cooperative matrices may be used: products on them against those of `conv/tiled_gemm` on the same device.
//!
//! naga declares the Vulkan memory model for such shaders but does not say which memory accesses other invocations see (wgpu issue 8805),
//! so what a driver makes of them has to be seen: whole numbers, whose products have to be equal, noise within a bound, each several times.

use std::sync::Arc;

use super::{Gpu, Work, numbers};
use crate::error::{Error, Result};
use crate::kernels::conv::{Filter, Finish, Geometry, Params, coop_gemm, tiled_gemm};
use crate::random::mix;
use crate::recording::{Cooperative, GemmFamily, Launch, Packed, Tile};
use crate::shader::Shader;
use crate::tensor::Tensor;

/// A convolution with padding, or (planes) several matrix products.
struct Product {
    /// Pictures, height, width.
    map: [usize; 3],
    channels: usize,
    outputs: usize,
    kernel: usize,
    planes: usize,
}

const fn product(map: [usize; 3], channels: usize, outputs: usize) -> Product {
    Product { map, channels, outputs, kernel: 1, planes: 1 }
}

/// Sums of 16 to 1000 products; pixels and outputs on the tile of 64, beside it, and few of them; a grid that fills a large device.
const PRODUCTS: [Product; 10] = [
    product([1, 8, 8], 16, 64),
    product([1, 1, 1], 16, 3),
    product([1, 13, 5], 48, 66),
    Product { planes: 3, ..product([1, 1, 37], 48, 20) },
    product([1, 9, 7], 64, 130),
    product([3, 43, 1], 100, 61),
    Product { kernel: 3, ..product([2, 9, 7], 64, 68) },
    product([1, 37, 1], 1000, 200),
    Product { kernel: 3, ..product([1, 32, 16], 64, 128) },
    product([1, 64, 128], 64, 128),
];
const REPEATS: usize = 3;

/// What operands hold.
#[derive(Clone, Copy, PartialEq)]
enum Data {
    /// Whole numbers: x up to 15, w -3 to 12, so that sums outgrow halves and every f32 sum is exact.
    Whole,
    /// Uniform in [-1, 1).
    Noise,
}

impl Data {
    fn value(self, i: usize, seed: u32) -> f32 {
        let h = (mix(u64::from(seed) << 32 | i as u64) >> 32) as u32;
        match (self, seed) {
            (Self::Noise, _) => (h >> 8) as f32 / 8_388_608.0 - 1.0,
            (Self::Whole, WEIGHTS) => (h % 16) as f32 - 3.0,
            (Self::Whole, _) => (h % 16) as f32,
        }
    }
}

const INPUT: u32 = 1;
const WEIGHTS: u32 = 2;
const BIAS: u32 = 3;
const SLOPE: u32 = 4;
const RESIDUAL: u32 = 5;

/// The matrices to use, if any, and the sentence that says why.
///
/// # Errors
/// A device that is lost or out of memory. A shader that the driver refuses is a reason, not an error.
pub(super) fn decide(gpu: &Gpu, subgroup: Option<u32>, gemm: GemmFamily) -> Result<(Option<Cooperative>, Option<String>)> {
    let report = gpu.adapter();
    let no = |why: String| Ok((None, Some(why)));
    if report.cooperative_sizes.is_empty() {
        return no(format!(
            "The adapter {} ({}) offers no cooperative matrices that multiply halves into sums of f32, 16x16 or 8x8: --experimental-coop changes nothing.",
            report.name, report.backend
        ));
    }
    let forms = subgroup.into_iter().flat_map(|subgroup| report.cooperative_sizes.iter().map(move |&size| Cooperative { size, subgroup }));
    let Some((with, shader)) = forms.filter_map(|with| Some((with, coop_gemm::shader(with)?))).next() else {
        let subgroups = subgroup.map_or_else(|| "of several sizes".to_owned(), |n| format!("of {n}"));
        return no(format!(
            "No kernel multiplies cooperative matrices of {:?} with subgroups {subgroups}: --experimental-coop changes nothing.",
            report.cooperative_sizes
        ));
    };
    let name = format!("Cooperative matrices of {0}x{0} with subgroups of {1}", with.size, with.subgroup);
    match first_difference(gpu, shader, &PRODUCTS) {
        Ok(None) => {
            let unused = match gemm {
                GemmFamily::Tiled => "",
                GemmFamily::Subgroup(_) => " Networks on this adapter keep to conv/subgroup_gemm, unless LOOKALIKE_GEMM=tiled is set.",
            };
            let runs = 2 * REPEATS * PRODUCTS.len();
            Ok((Some(with), Some(format!("{name} are used for products of halves: {runs} agree with conv/tiled_gemm.{unused}"))))
        }
        Ok(Some(difference)) => no(format!("{name} are not used, conv/tiled_gemm is: they differ from it, {difference}.")),
        Err(Error::Device(e)) => no(format!("{name} are not used, conv/tiled_gemm is: {e}")),
        Err(e) => Err(e),
    }
}

/// The worst place of the first of `products` in which `shader`, of tiles of 64 pixels, differs from `conv/tiled_gemm`.
fn first_difference(gpu: &Gpu, shader: &'static Shader, products: &[Product]) -> Result<Option<String>> {
    for p in products {
        for data in [Data::Whole, Data::Noise] {
            let (runs, bounds) = p.run(gpu, shader, data)?;
            let [want, got @ ..] = runs.as_slice() else { continue };
            let width = p.outputs.next_multiple_of(4);
            if let Some((at, got, want)) = worst(want, got, |at| bounds.bound(at / width, at % width)) {
                let kind = if data == Data::Whole { "whole numbers" } else { "noise" };
                let [n, h, w] = p.map;
                return Ok(Some(format!(
                    "worst in {kind}, {}x{} of {} channels to {}, {n}x{h}x{w} pixels, {} planes, at pixel {}, channel {}: {got} instead of {want}",
                    p.kernel,
                    p.kernel,
                    p.channels,
                    p.outputs,
                    p.planes,
                    at / width,
                    at % width
                )));
            }
        }
    }
    Ok(None)
}

/// Where a repetition is furthest beyond its bound, or differs from the first one, and what it and the yardstick hold there.
fn worst(want: &[f32], runs: &[Vec<f32>], bound: impl Fn(usize) -> f64) -> Option<(usize, f32, f32)> {
    let (mut ratio, mut found) = (1.0, None);
    for run in runs {
        for (i, (&got, &want)) in run.iter().zip(want).enumerate() {
            let again = runs[0].get(i).is_some_and(|first| first.to_bits() == got.to_bits());
            let error = (f64::from(got) - f64::from(want)).abs();
            // A NaN and a number that is not repeated are as wrong as can be.
            let r = if !again || error.is_nan() { f64::INFINITY } else { error / bound(i).max(f64::MIN_POSITIVE) };
            if r > ratio {
                (ratio, found) = (r, Some((i, got, want)));
            }
        }
        if run.len() != want.len() {
            return Some((run.len().min(want.len()), f32::NAN, f32::NAN));
        }
    }
    found
}

/// How far results may be apart: 0 for whole numbers, else by norms of rows of x and w.
struct Bounds {
    /// Of every pixel of every plane, and of every output of every plane; empty for whole numbers.
    x: Vec<f64>,
    w: Vec<f64>,
    /// Of one plane.
    pixels: usize,
    outputs: usize,
    terms: usize,
}

impl Bounds {
    /// Roundings of x to either neighbouring half, 2^-10, and of additions that may truncate on one side, and are f32 on the other.
    fn bound(&self, row: usize, output: usize) -> f64 {
        let w = self.w.get(row / self.pixels * self.outputs + output).filter(|_| output < self.outputs);
        let (Some(x), Some(w)) = (self.x.get(row), w) else { return 0.0 };
        (2f64.powi(-10) + self.terms as f64 * 2f64.powi(-22)) * x * w + 2f64.powi(-20)
    }
}

impl Product {
    /// What `conv/tiled_gemm` and, so often, `shader` make of `data`: `[plane][pixel][outputs in vec4s]`.
    fn run(&self, gpu: &Gpu, shader: &'static Shader, data: Data) -> Result<(Vec<Vec<f32>>, Bounds)> {
        let [n, h, w] = self.map;
        let (x, y) = (Packed { n, c: self.channels, h, w }, Packed { n, c: self.outputs, h, w });
        let geometry = Geometry { x, y, kernel: [self.kernel; 2], pad: [self.kernel / 2; 2], ..Geometry::product(1, 1, self.outputs) };
        let (pixels, planes) = (y.pixels(), self.planes);
        // Lanes beyond the last channel hold 0.
        let rows = |rows: usize, channels: usize, seed: u32| -> Vec<f32> {
            let width = channels.next_multiple_of(4);
            (0..rows * width).map(|i| if i % width < channels { data.value(i, seed) } else { 0.0 }).collect()
        };
        let input = rows(planes * pixels, self.channels, INPUT);
        let residual = rows(planes * pixels, self.outputs, RESIDUAL);
        let table = [rows(1, self.outputs, BIAS), rows(1, self.outputs, SLOPE).iter().map(|s| s / 16.0).collect()].concat();

        let taps = self.kernel * self.kernel;
        let shape = [self.outputs, self.channels, self.kernel, self.kernel];
        let filters = shape.iter().product::<usize>();
        let weights: Vec<f32> = (0..planes * filters).map(|i| data.value(i, WEIGHTS)).collect();
        let (lanes, mut packed) = (GemmFamily::Tiled.lanes() as usize, Vec::new());
        for plane in weights.chunks_exact(filters) {
            let tensor = Tensor::from_f32(shape, plane.to_vec()).unwrap_or_else(|| Tensor::zeros(shape));
            let filter = Filter::conv(&Arc::new(tensor));
            let (start, blocks) = (packed.len(), self.outputs.div_ceil(4 * lanes));
            packed.resize(start + blocks * filter.block_vec4s(lanes, true) * 16, 0);
            filter.pack(lanes, 0..blocks, true, &mut packed[start..]);
        }

        let params = Params {
            residual: 1,
            x_plane: (pixels * x.c4()) as u32,
            w_plane: (packed.len() / planes / 16) as u32,
            y_plane: (pixels * y.c4()) as u32,
            ..geometry.params(&Finish::default())
        };
        let launch = |shader: &'static Shader, tile: usize| Launch {
            shader,
            groups: [pixels.div_ceil(tile) as u32, self.outputs.div_ceil(4 * lanes) as u32, planes as u32],
            params: bytemuck::bytes_of(&params).to_vec(),
            flops: 0,
        };
        let what = "the check of cooperative matrices";
        let operands = [gpu.filled(what, &input)?, gpu.filled(what, &packed)?, gpu.filled(what, &table)?, gpu.filled(what, &residual)?];
        let bytes = (planes * pixels * y.c4() * 16) as u64;
        let results = (0..=REPEATS).map(|_| gpu.blank(what, bytes)).collect::<Result<Vec<_>>>()?;
        let mut work = Work::new(gpu, what);
        let usual = match pixels {
            0..512 => Tile::M32,
            512..4096 => Tile::M64,
            _ => Tile::M128,
        };
        for (i, result) in results.iter().enumerate() {
            let (shader, tile) = if i == 0 { (tiled_gemm::shader(usual, true), usual) } else { (shader, Tile::Coop) };
            let [x, w, table, residual] = &operands;
            work.launch(&launch(shader, tile.pixels()), &[x, w, table, residual, result])?;
        }
        let reads: Vec<_> = results.iter().map(|r| (r, bytes)).collect();
        let done = work.run(&reads)?;
        let runs = (0..results.len()).map(|i| Ok(numbers::<f32>(done.part(i))?.to_vec())).collect::<Result<Vec<_>>>()?;

        let norms = |values: &[f32], width: usize| -> Vec<f64> {
            let norm = |row: &[f32]| row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
            if data == Data::Whole { Vec::new() } else { values.chunks_exact(width).map(norm).collect() }
        };
        // A window of k x k pixels has at most k^2 times the square of the largest norm; no window is told from another.
        let largest = |norms: Vec<f64>| vec![norms.iter().copied().fold(0.0, f64::max) * self.kernel as f64; norms.len()];
        let of_x = norms(&input, x.c4() * 4);
        let bounds = Bounds {
            x: if self.kernel > 1 { largest(of_x) } else { of_x },
            w: norms(&weights, self.channels * taps),
            pixels,
            outputs: self.outputs,
            terms: self.channels * taps,
        };
        Ok((runs, bounds))
    }
}

#[cfg(test)]
mod tests;
