//! Host side of shaders/elementwise/unary.wgsl.

use crate::error::Result;
use crate::graph::Unary;
use crate::kernels::missing;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) c4: u32,
    pub(crate) c: u32,
    pub(crate) kind: u32,
    pub(crate) a: f32,
    pub(crate) b: f32,
}

/// The shader's `kind`, and its two numbers.
fn code(unary: Unary) -> Option<(u32, f32, f32)> {
    Some(match unary {
        Unary::Sigmoid => (0, 0.0, 0.0),
        Unary::HardSigmoid { alpha, beta } => (1, alpha, beta),
        Unary::HardSwish => (2, 0.0, 0.0),
        Unary::Tanh => (3, 0.0, 0.0),
        Unary::Softplus => (4, 0.0, 0.0),
        Unary::Exp => (5, 0.0, 0.0),
        Unary::Log => (6, 0.0, 0.0),
        Unary::Sqrt => (7, 0.0, 0.0),
        Unary::Reciprocal => (8, 0.0, 0.0),
        Unary::Abs => (9, 0.0, 0.0),
        Unary::Neg => (10, 0.0, 0.0),
        Unary::Elu { alpha } => (11, alpha, 0.0),
        Unary::Clip { lo, hi } => (12, lo.unwrap_or(f32::MIN), hi.unwrap_or(f32::MAX)),
        Unary::Relu => (12, 0.0, f32::MAX),
        // LeakyRelu is lowered to the affine kernel.
        _ => return None,
    })
}

/// Records the pass over a packed map (a plain tensor is one pixel of as many channels as it has elements).
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, unary: Unary, shape: Packed, x: Source) -> Result<Source> {
    let y = rec.tensor(shape.bytes());
    let (kind, a, b) = code(unary).ok_or_else(|| missing(label, unary.kind()))?;
    let params = Params { total: shape.vec4s() as u32, c4: shape.c4() as u32, c: shape.c as u32, kind, a, b };
    let groups = rec.fold(shape.vec4s().div_ceil(64));
    rec.dispatch(&shader::ELEMENTWISE_UNARY, label, groups, &params, &[x, y], (shape.pixels() * shape.c) as u64)?;
    Ok(y)
}
