//! Host side of shaders/elementwise/unary.wgsl.

use super::affine::Flat;
use super::wrap;
use crate::error::Result;
use crate::graph::Unary;
use crate::kernels::missing;
use crate::recording::{Packed, Recorder, Source};
use crate::shader::{self, Shader};
use crate::tensor::DType;

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
    pub(crate) lo: i32,
    pub(crate) hi: i32,
    pub(crate) wrap: u32,
    pub(crate) scale: f32,
    pub(crate) shift: f32,
}

/// A form of the shader, its `kind`, and its numbers.
type Code = (&'static Shader, u32, [f32; 2], [i32; 2]);

fn code(unary: Unary, dtype: DType) -> Option<Code> {
    if !dtype.is_float() {
        return whole(unary);
    }
    Some(match unary {
        Unary::IsNan => (&shader::ELEMENTWISE_UNARY_WHOLE, 5, [0.0; 2], [0; 2]),
        Unary::IsInf { negative, positive } => (&shader::ELEMENTWISE_UNARY_WHOLE, 6, [0.0; 2], [negative.into(), positive.into()]),
        _ => {
            let (form, kind, numbers) = common(unary).or_else(|| activation(unary)).or_else(|| function(unary))?;
            (form, kind, numbers, [0; 2])
        }
    })
}

type FloatCode = Option<(&'static Shader, u32, [f32; 2])>;

fn common(unary: Unary) -> FloatCode {
    let (kind, a, b) = match unary {
        Unary::Sigmoid => (0, 0.0, 0.0),
        Unary::HardSigmoid { alpha, beta } => (1, alpha, beta),
        Unary::HardSwish => (2, 0.0, 0.0),
        Unary::Tanh => (3, 0.0, 0.0),
        Unary::Softplus => (4, 0.0, 0.0),
        Unary::Reciprocal => (5, 0.0, 0.0),
        Unary::Abs => (6, 0.0, 0.0),
        Unary::Neg => (7, 0.0, 0.0),
        Unary::Elu { alpha } => (8, alpha, 0.0),
        Unary::Clip { lo, hi } => (9, lo.unwrap_or(f32::NEG_INFINITY), hi.unwrap_or(f32::INFINITY)),
        Unary::Relu => (9, 0.0, f32::INFINITY),
        // LeakyRelu is lowered to the affine kernel.
        _ => return None,
    };
    Some((&shader::ELEMENTWISE_UNARY_COMMON, kind, [a, b]))
}

fn activation(unary: Unary) -> FloatCode {
    let (kind, a, b) = match unary {
        Unary::Celu { alpha } => (0, alpha, 0.0),
        Unary::Selu { alpha, gamma } => (1, alpha, gamma),
        Unary::ThresholdedRelu { alpha } => (2, alpha, 0.0),
        Unary::Shrink { lambda, bias } => (3, lambda, bias),
        Unary::Mish => (4, 0.0, 0.0),
        Unary::Swish { alpha } => (5, alpha, 0.0),
        Unary::Gelu => (6, 0.0, 0.0),
        Unary::GeluTanh => (7, 0.0, 0.0),
        Unary::Softsign => (8, 0.0, 0.0),
        Unary::Sign => (9, 0.0, 0.0),
        Unary::Floor => (10, 0.0, 0.0),
        Unary::Ceil => (11, 0.0, 0.0),
        Unary::Round => (12, 0.0, 0.0),
        Unary::Erf => (13, 0.0, 0.0),
        _ => return None,
    };
    Some((&shader::ELEMENTWISE_UNARY_ACTIVATION, kind, [a, b]))
}

fn function(unary: Unary) -> FloatCode {
    let kind = match unary {
        Unary::Exp => 0,
        Unary::Log => 1,
        Unary::Sin => 2,
        Unary::Cos => 3,
        Unary::Tan => 4,
        Unary::Asin => 5,
        Unary::Acos => 6,
        Unary::Atan => 7,
        Unary::Sinh => 8,
        Unary::Cosh => 9,
        Unary::Asinh => 10,
        Unary::Acosh => 11,
        Unary::Atanh => 12,
        Unary::Sqrt => 13,
        _ => return None,
    };
    Some((&shader::ELEMENTWISE_UNARY_FUNCTION, kind, [0.0; 2]))
}

/// Functions of whole numbers and truth values.
fn whole(unary: Unary) -> Option<Code> {
    // A cast saturates and cuts fractions off, which a result of a whole number's type loses as well.
    let bound = |v: Option<f32>, none: i32| v.map_or(none, |v| v as i32);
    let (kind, bounds) = match unary {
        Unary::Relu => (0, [0, i32::MAX]),
        Unary::Clip { lo, hi } => (0, [bound(lo, i32::MIN), bound(hi, i32::MAX)]),
        Unary::Abs => (1, [0; 2]),
        Unary::Neg => (2, [0; 2]),
        Unary::Sign => (3, [0; 2]),
        Unary::Not => (4, [0; 2]),
        _ => return None,
    };
    Some((&shader::ELEMENTWISE_UNARY_WHOLE, kind, [0.0; 2], bounds))
}

/// Whether a kernel scales and shifts the results of `unary` of such elements, too.
pub(crate) fn scales(unary: Unary, dtype: DType) -> bool {
    dtype.is_float() && common(unary).is_some()
}

/// Records the pass over a packed map (a plain tensor is one pixel of as many channels as it has elements) of elements of type `dtype`: of a
/// function, and of its results scaled and shifted if [`scales`] says so.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    (unary, scaled): (Unary, Option<Flat>),
    dtype: DType,
    shape: Packed,
    x: Source,
) -> Result<Source> {
    let y = rec.tensor(shape.bytes());
    let (form, kind, [a, b], [lo, hi]) = code(unary, dtype).ok_or_else(|| missing(label, unary.kind()))?;
    let (total, c4, c) = (shape.vec4s() as u32, shape.c4() as u32, shape.c as u32);
    // Changes no number that is not below the normal ones, not even -0.
    let (scale, shift) = scaled.map_or((1.0, -0.0), |flat| (flat.scale, flat.shift));
    let params = Params { total, c4, c, kind, a, b, lo, hi, wrap: wrap(dtype), scale, shift };
    let groups = rec.fold(shape.vec4s().div_ceil(64));
    rec.dispatch(form, label, groups, &params, &[x, y], (shape.pixels() * shape.c) as u64)?;
    Ok(y)
}
