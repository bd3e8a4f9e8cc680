//! Host side of shaders/elementwise/binary.wgsl.

use crate::error::Result;
use crate::graph::Binary;
use crate::kernels::missing;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) h: u32,
    pub(crate) w: u32,
    pub(crate) c4: u32,
    pub(crate) c: u32,
    pub(crate) kind: u32,
    pub(crate) a_n: u32,
    pub(crate) a_h: u32,
    pub(crate) a_w: u32,
    pub(crate) a_c: u32,
    pub(crate) a_splat: u32,
    pub(crate) b_n: u32,
    pub(crate) b_h: u32,
    pub(crate) b_w: u32,
    pub(crate) b_c: u32,
    pub(crate) b_splat: u32,
}

fn code(binary: Binary) -> Option<u32> {
    Some(match binary {
        Binary::Add => 0,
        Binary::Sub => 1,
        Binary::Mul => 2,
        Binary::Div => 3,
        Binary::Max => 4,
        Binary::Min => 5,
        Binary::Pow => 6,
        _ => return None,
    })
}

/// Strides n, h, w, c in vec4s (0 = broadcast) and whether the operand's one channel is splatted.
fn strides(operand: Packed, out: Packed) -> ([u32; 4], u32) {
    let row = operand.c4();
    let stride = |size: usize, stride: usize| if size == 1 { 0 } else { stride as u32 };
    let c = if operand.c == 1 { 0 } else { 1 };
    (
        [stride(operand.n, operand.h * operand.w * row), stride(operand.h, operand.w * row), stride(operand.w, row), c],
        u32::from(operand.c == 1 && out.c > 1),
    )
}

/// Records `out = binary(a, b)`; dimensions of size 1 are broadcast.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    binary: Binary,
    (a, a_shape): (Source, Packed),
    (b, b_shape): (Source, Packed),
    out: Packed,
) -> Result<Source> {
    let y = rec.tensor(out.bytes());
    let ([a_n, a_h, a_w, a_c], a_splat) = strides(a_shape, out);
    let ([b_n, b_h, b_w, b_c], b_splat) = strides(b_shape, out);
    let params = Params {
        total: out.vec4s() as u32,
        h: out.h as u32,
        w: out.w as u32,
        c4: out.c4() as u32,
        c: out.c as u32,
        kind: code(binary).ok_or_else(|| missing(label, binary.kind()))?,
        a_n,
        a_h,
        a_w,
        a_c,
        a_splat,
        b_n,
        b_h,
        b_w,
        b_c,
        b_splat,
    };
    let groups = rec.fold(out.vec4s().div_ceil(64));
    rec.dispatch(&shader::ELEMENTWISE_BINARY, label, groups, &params, &[a, b, y], (out.pixels() * out.c) as u64)?;
    Ok(y)
}
