//! Convolutions and what they share: geometry, parameters, the epilogue and its operands.

mod choose;
pub(crate) mod coop_gemm;
mod cost;
pub(crate) mod depthwise;
pub(crate) mod filter;
mod fuse;
pub(crate) mod gemm;
pub(crate) mod grouped;
pub(crate) mod naive;
pub(crate) mod narrow;
pub(crate) mod slices;
pub(crate) mod subgroup_gemm;
pub(crate) mod tiled_gemm;
pub(crate) mod transpose;
pub(crate) mod winograd;
pub(crate) mod winograd_between;
pub(crate) mod winograd_input;
pub(crate) mod winograd_output;
pub(crate) mod winograd_walk;

pub(crate) use choose::form;
pub(crate) use cost::vector;
pub(crate) use filter::{Filter, order as packing_order, pack as pack_numbers};
pub(crate) use fuse::fuse;
pub(crate) use gemm::Product;

use crate::error::Result;
use crate::graph::{Epilogue, Window};
use crate::kernels::{f32_bytes, padded};
use crate::recording::{Constant, ConvAlgorithm, Method, Packed, Part, Recorder, Source};
use crate::shader::Shader;

/// Mirrors `Params` of shaders/shared/conv.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::NoUninit)]
#[allow(missing_docs, reason = "documented in the shader")]
pub(crate) struct Params {
    pub(crate) in_h: u32,
    pub(crate) in_w: u32,
    pub(crate) in_c4: u32,
    pub(crate) x_row: u32,
    pub(crate) slice_c4: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) out_c4: u32,
    pub(crate) out_c: u32,
    pub(crate) y_row: u32,
    pub(crate) y_first: u32,
    pub(crate) kernel_h: u32,
    pub(crate) kernel_w: u32,
    pub(crate) stride_h: u32,
    pub(crate) stride_w: u32,
    pub(crate) pad_h: u32,
    pub(crate) pad_w: u32,
    pub(crate) dilation_h: u32,
    pub(crate) dilation_w: u32,
    pub(crate) pixels: u32,
    pub(crate) block0: u32,
    pub(crate) x_plane: u32,
    pub(crate) w_plane: u32,
    pub(crate) y_plane: u32,
    pub(crate) group_c4: u32,
    pub(crate) group_in: u32,
    pub(crate) group_out: u32,
    pub(crate) tile_h: u32,
    pub(crate) tile_w: u32,
    pub(crate) places: u32,
    pub(crate) residual: u32,
    pub(crate) lo: f32,
    pub(crate) hi: f32,
    pub(crate) post_lo: f32,
    pub(crate) post_hi: f32,
}

/// Input, output and window of a convolution-like layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) x: Packed,
    pub(crate) y: Packed,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Top, left.
    pub(crate) pad: [usize; 2],
    /// vec4s per pixel of the tensor that is written, and the first of them.
    pub(crate) row: [usize; 2],
}

impl Geometry {
    pub(crate) fn new(x: Packed, y: Packed, window: &Window) -> Self {
        let pad = [window.padding(0, x.h).0, window.padding(1, x.w).0];
        Self { x, y, kernel: window.kernel, stride: window.stride, dilation: window.dilation, pad, row: [y.c4(), 0] }
    }

    /// A product of `[n, k]` with weights: one pixel a picture, one tap.
    pub(crate) fn product(rows: usize, k: usize, o: usize) -> Self {
        let x = Packed { n: rows, c: k, h: 1, w: 1 };
        let y = Packed { c: o, ..x };
        Self { x, y, kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad: [0; 2], row: [y.c4(), 0] }
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// `3x3 64->64 @56`, for labels.
    pub(crate) fn describe(&self) -> String {
        let at = if self.y.h == self.y.w { self.y.h.to_string() } else { format!("{}x{}", self.y.h, self.y.w) };
        let stride = if self.stride == [1, 1] { String::new() } else { format!(" s{}", self.stride[0]) };
        format!("{}x{} {}->{}{stride} @{at}", self.kernel[0], self.kernel[1], self.x.c, self.y.c)
    }

    pub(crate) fn params(&self, finish: &Finish) -> Params {
        let bound = |v: Option<f32>, default: f32| v.unwrap_or(default);
        let e = &finish.epilogue;
        Params {
            in_h: self.x.h as u32,
            in_w: self.x.w as u32,
            in_c4: self.x.c4() as u32,
            x_row: self.x.c4() as u32,
            out_h: self.y.h as u32,
            out_w: self.y.w as u32,
            out_c4: self.y.c4() as u32,
            out_c: self.y.c as u32,
            y_row: self.row[0] as u32,
            y_first: self.row[1] as u32,
            kernel_h: self.kernel[0] as u32,
            kernel_w: self.kernel[1] as u32,
            stride_h: self.stride[0] as u32,
            stride_w: self.stride[1] as u32,
            pad_h: self.pad[0] as u32,
            pad_w: self.pad[1] as u32,
            dilation_h: self.dilation[0] as u32,
            dilation_w: self.dilation[1] as u32,
            pixels: self.y.pixels() as u32,
            residual: u32::from(finish.residual.is_some()),
            lo: bound(e.lo, f32::MIN),
            hi: bound(e.hi, f32::MAX),
            post_lo: bound(e.post_lo, f32::MIN),
            post_hi: bound(e.post_hi, f32::MAX),
            ..Params::default()
        }
    }
}

/// The epilogue and its operands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finish {
    pub(crate) epilogue: Epilogue,
    pub(crate) bias: Option<Constant>,
    pub(crate) slope: Option<Constant>,
    pub(crate) residual: Option<Source>,
}

impl Finish {
    /// The table that every epilogue reads: bias `[o4]`, then slope `[o4]` (1 where there is none).
    pub(crate) fn table(&self, rec: &mut Recorder<'_>, channels: usize) -> Source {
        let c = channels.next_multiple_of(4);
        let constants: Vec<Constant> = self.bias.iter().chain(&self.slope).cloned().collect();
        let form = format!("bias {} slope {} of {channels}", self.bias.is_some(), self.slope.is_some());
        let (bias, slope) = (self.bias.clone(), self.slope.clone());
        rec.weight(&form, &constants, c as u64 * 8, move || {
            let mut table = padded(bias.as_deref(), c, 0.0);
            table.extend(padded(slope.as_deref(), c, 1.0));
            f32_bytes(&table)
        })
    }

    /// The residual, or something harmless to bind, for `shader`.
    pub(crate) fn residual_or_nothing(&self, rec: &mut Recorder<'_>, shader: &Shader) -> Source {
        self.residual.unwrap_or_else(|| if shader.has_textures() { rec.nothing_texture() } else { rec.nothing() })
    }
}

/// A convolution to record.
pub(crate) struct Call<'a> {
    pub(crate) label: &'a str,
    pub(crate) geometry: Geometry,
    pub(crate) groups: usize,
    pub(crate) x: Source,
    /// `[O, I / groups, kh, kw]`
    pub(crate) weight: &'a Constant,
    /// Scale and shift before the zero padding.
    pub(crate) pre: Option<(Constant, Constant)>,
    pub(crate) finish: Finish,
}

/// Where a convolution's output is.
pub(crate) enum Output {
    /// In a tensor of its own.
    Own(Source),
    /// In the part that was offered.
    Part,
}

/// Records a convolution by the method that suits it. Where its algorithm can, it writes to `part` when there is one.
pub(crate) fn record(rec: &mut Recorder<'_>, call: Call<'_>, part: Option<Part>) -> Result<Output> {
    let decision = choose::convolution(rec, &call);
    let method = decision.method;
    decision.note(rec, &format!("{} {}", call.label, call.geometry.describe()));
    let part = part.filter(|_| matches!(method.algorithm, ConvAlgorithm::Gemm | ConvAlgorithm::Winograd(_) | ConvAlgorithm::Narrow));
    let row = part.map_or(call.geometry.row, |p| [p.row, p.first]);
    let y = part.map_or_else(|| rec.tensor(call.geometry.y.bytes()), |p| p.whole);
    record_to(rec, &Call { geometry: Geometry { row, ..call.geometry }, ..call }, method, y)?;
    Ok(if part.is_some() { Output::Part } else { Output::Own(y) })
}

/// Records the matrix product of a dense layer in the form that suits it.
pub(crate) fn record_product(rec: &mut Recorder<'_>, product: &Product<'_>) -> Result<()> {
    let decision = choose::product(rec, product);
    let form = decision.method.form.unwrap_or_else(|| form(rec, product.geometry).0);
    decision.note(rec, &format!("{} of {} rows", product.label, product.geometry.y.n));
    gemm::record(rec, product, form)
}

fn record_to(rec: &mut Recorder<'_>, call: &Call<'_>, method: Method, y: Source) -> Result<()> {
    let form = method.form.unwrap_or_else(|| form(rec, &call.geometry).0);
    if let ConvAlgorithm::Winograd(m) = method.algorithm {
        return winograd::record(rec, call, m as usize, form.tile, y);
    }
    let label = format!("{} {}", call.label, call.geometry.describe());
    // Only the Winograd transform applies the affine while loading; elsewhere it is a pass of its own.
    let x = match &call.pre {
        Some((scale, shift)) => super::elementwise::affine::record_affine(rec, &label, call.geometry.x, call.x, scale, shift)?,
        None => call.x,
    };
    match method.algorithm {
        ConvAlgorithm::Narrow => narrow::record(rec, call, &label, x, y),
        ConvAlgorithm::Depthwise => depthwise::record(rec, call, &label, x, y),
        ConvAlgorithm::Grouped => grouped::record(rec, call, &label, x, y),
        ConvAlgorithm::Naive => naive::record(rec, call, &label, x, y),
        ConvAlgorithm::Gemm | ConvAlgorithm::Winograd(_) => {
            let filter = Filter::conv(call.weight);
            gemm::record(rec, &Product { label: &label, geometry: &call.geometry, x, filter: &filter, finish: &call.finish, y }, form)
        }
    }
}
