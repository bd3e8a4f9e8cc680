//! Host side of shaders/pool/window.wgsl.

use crate::error::Result;
use crate::graph::Pool;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) in_h: u32,
    pub(crate) in_w: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) c4: u32,
    pub(crate) pixels: u32,
    pub(crate) kernel_h: u32,
    pub(crate) kernel_w: u32,
    pub(crate) stride_h: u32,
    pub(crate) stride_w: u32,
    pub(crate) pad_h: u32,
    pub(crate) pad_w: u32,
    pub(crate) dilation_h: u32,
    pub(crate) dilation_w: u32,
    pub(crate) padded_h: u32,
    pub(crate) padded_w: u32,
    pub(crate) kind: u32,
    pub(crate) count_pad: u32,
}

pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, pool: &Pool, x: Source, from: Packed, to: Packed) -> Result<Source> {
    let y = rec.tensor(to.bytes());
    let window = &pool.window;
    let ((top, bottom), (left, right)) = (window.padding(0, from.h), window.padding(1, from.w));
    let params = Params {
        in_h: from.h as u32,
        in_w: from.w as u32,
        out_h: to.h as u32,
        out_w: to.w as u32,
        c4: to.c4() as u32,
        pixels: to.pixels() as u32,
        kernel_h: window.kernel[0] as u32,
        kernel_w: window.kernel[1] as u32,
        stride_h: window.stride[0] as u32,
        stride_w: window.stride[1] as u32,
        pad_h: top as u32,
        pad_w: left as u32,
        dilation_h: window.dilation[0] as u32,
        dilation_w: window.dilation[1] as u32,
        padded_h: (top + from.h + bottom) as u32,
        padded_w: (left + from.w + right) as u32,
        kind: super::code(pool.kind),
        count_pad: u32::from(pool.count_include_pad),
    };
    let label = format!("{label} {}x{} {} @{}", window.kernel[0], window.kernel[1], to.c, to.h);
    let groups = rec.fold(to.vec4s().div_ceil(64));
    let flops = (to.pixels() * to.c * window.kernel[0] * window.kernel[1]) as u64;
    rec.dispatch(&shader::POOL_WINDOW, &label, groups, &params, &[x, y], flops)?;
    Ok(y)
}
