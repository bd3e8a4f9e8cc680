//! Host side of shaders/conv/transpose.wgsl.

use super::grouped::Span;
use super::{Filter, Finish, Geometry, Product, gemm};
use crate::error::Result;
use crate::graph::ConvTranspose;
use crate::kernels::f32_bytes;
use crate::recording::{Constant, Packed, Recorder, Source};
use crate::shader;

/// Input channels from which the matrix product pays for writing all products and reading them again.
const COLUMNS_CHANNELS: usize = 16;

/// Mirrors the shader's `Reach`: one axis.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Reach {
    pub(crate) cells: u32,
    pub(crate) kernel: u32,
    pub(crate) stride: u32,
    pub(crate) pad: u32,
    pub(crate) divisor: u32,
    pub(crate) step: u32,
    pub(crate) back: u32,
    pub(crate) inverse: u32,
}

impl Reach {
    fn new(conv: &ConvTranspose, axis: usize, cells: usize) -> Self {
        let (stride, dilation) = (conv.window.stride[axis], conv.window.dilation[axis]);
        let divisor = gcd(stride, dilation);
        let (step, back) = (stride / divisor, dilation / divisor);
        let before = conv.output(axis, cells).map_or(0, |(_, before)| before);
        Self {
            cells: cells as u32,
            kernel: conv.window.kernel[axis] as u32,
            stride: stride as u32,
            pad: before as u32,
            divisor: divisor as u32,
            step: step as u32,
            back: back as u32,
            inverse: (0..step).find(|v| back * v % step == 1 % step).unwrap_or(0) as u32,
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) rows: Reach,
    pub(crate) columns: Reach,
    pub(crate) total: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) out_c4: u32,
    pub(crate) in_c4: u32,
    pub(crate) group_c4: u32,
    pub(crate) group_in: u32,
    pub(crate) group_out: u32,
}

/// A transposed convolution to record.
pub(crate) struct Call<'a> {
    pub(crate) label: &'a str,
    pub(crate) conv: &'a ConvTranspose,
    pub(crate) from: Packed,
    pub(crate) to: Packed,
    pub(crate) x: Source,
    /// `[I, O / groups, kh, kw]`
    pub(crate) weight: &'a Constant,
    pub(crate) bias: Option<Constant>,
}

impl Call<'_> {
    fn taps(&self) -> usize {
        self.conv.window.kernel[0] * self.conv.window.kernel[1]
    }

    /// The products of all input places with all taps, as a map of that many channels.
    fn columns(&self) -> Packed {
        Packed { n: self.from.pixels(), c: self.taps() * self.to.c4() * 4, h: 1, w: 1 }
    }

    /// Whether a matrix product computes the products; else every output place multiplies for itself.
    fn by_columns(&self, rec: &Recorder<'_>) -> bool {
        let fits = self.conv.groups == 1 && self.columns().bytes() <= rec.caps.max_binding;
        fits && rec.force.form != Some("direct") && (self.from.c >= COLUMNS_CHANNELS || rec.force.form == Some("columns"))
    }
}

/// Records the transposed convolution and returns its output.
pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>) -> Result<Source> {
    let y = rec.tensor(call.to.bytes());
    let [kh, kw] = call.conv.window.kernel;
    let label = format!("{} {kh}x{kw} {}->{} @{}x{}", call.label, call.from.c, call.to.c, call.to.h, call.to.w);
    let columns = call.by_columns(rec);
    let shader = match (columns, rec.caps.textures) {
        (true, false) => &shader::CONV_TRANSPOSE_COLUMNS,
        (true, true) => &shader::CONV_TRANSPOSE_COLUMNS_TEX,
        (false, false) => &shader::CONV_TRANSPOSE_DIRECT,
        (false, true) => &shader::CONV_TRANSPOSE_DIRECT_TEX,
    };
    let span = Span::new(call.conv.groups, call.from.c, call.to.c);
    let (x, w, flops) = if columns {
        let nothing = if rec.caps.textures { rec.nothing_texture() } else { rec.nothing() };
        (products(rec, call, &label)?, nothing, 0)
    } else {
        (call.x, weights(rec, call, span), 2 * (call.from.pixels() * call.taps() * call.from.c * span.group_out) as u64)
    };
    let params = Params {
        rows: Reach::new(call.conv, 0, call.from.h),
        columns: Reach::new(call.conv, 1, call.from.w),
        total: call.to.vec4s() as u32,
        out_h: call.to.h as u32,
        out_w: call.to.w as u32,
        out_c4: call.to.c4() as u32,
        in_c4: if columns { call.columns().c4() } else { call.from.c4() } as u32,
        group_c4: span.c4 as u32,
        group_in: span.group_in as u32,
        group_out: span.group_out as u32,
    };
    let table = Finish { bias: call.bias.clone(), ..Finish::default() }.table(rec, call.to.c);
    let groups = rec.fold(call.to.vec4s().div_ceil(64));
    rec.dispatch(shader, &label, groups, &params, &[x, w, table, y], flops)?;
    Ok(y)
}

/// `x` times the filter of every tap.
fn products(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str) -> Result<Source> {
    let columns = call.columns();
    let g = Geometry::product(columns.n, call.from.c, columns.c);
    let out = rec.tensor(columns.bytes());
    let (label, filter, finish) = (format!("{label} (products)"), Filter::taps(call.weight), Finish::default());
    let (form, price) = super::form(rec, &g);
    rec.prices.extend(price);
    gemm::record(rec, &Product { label: &label, geometry: &g, x: call.x, filter: &filter, finish: &finish, y: out }, form)?;
    Ok(out)
}

/// The weights as `[o4][tap][group_c4][4 k]` vec4s of outputs.
fn weights(rec: &mut Recorder<'_>, call: &Call<'_>, span: Span) -> Source {
    let (taps, len) = (call.taps(), span.len(call.taps()));
    let weight = call.weight.clone();
    let form = format!("transposed {} of {}", call.conv.groups, call.from.c);
    rec.weight(&form, std::slice::from_ref(call.weight), len as u64 * 4, move || {
        let mut out = vec![0f32; len];
        for (i, &v) in weight.to_f32().iter().enumerate() {
            let (tap, o, channel) = (i % taps, i / taps % span.group_out, i / taps / span.group_out);
            let o = channel / span.group_in * span.group_out + o;
            out[span.place(o, tap, taps, channel % span.group_in)] = v;
        }
        f32_bytes(&out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;

    #[test]
    fn taps_follow_from_stride_and_dilation() {
        for (stride, dilation) in [(1, 1), (2, 1), (3, 2), (4, 2), (2, 2), (6, 4), (5, 3)] {
            let window = Window { stride: [stride; 2], dilation: [dilation; 2], ..Window::square(7, 1, 0) };
            let conv = ConvTranspose { window, groups: 1, bias: false, output_padding: [0; 2], output_shape: None };
            let r = Reach::new(&conv, 0, 9);
            for at in 0..64 {
                let first = (0..7).find(|k| (at + 64 * stride - k * dilation) % stride == 0);
                let found = (at as u32).is_multiple_of(r.divisor).then(|| (at as u32 / r.divisor % r.step) * r.inverse % r.step);
                assert_eq!(first, found.filter(|&k| k < 7).map(|k| k as usize), "{stride} {dilation} {at}");
            }
        }
    }
}
