//! Host side of shaders/quantize/linear.wgsl.

use crate::error::Result;
use crate::graph::infer::geometry::ScaleIndex;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;
use crate::tensor::DType;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) len: u32,
    pub(crate) axis: u32,
    pub(crate) limit: u32,
    pub(crate) inner: u32,
    pub(crate) block: u32,
    pub(crate) outer_stride: u32,
    pub(crate) axis_stride: u32,
    pub(crate) inner_stride: u32,
    pub(crate) has_zero: u32,
    pub(crate) least: i32,
    pub(crate) most: i32,
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To whole numbers of this type.
    Quantize(DType),
    Dequantize,
    /// To whole numbers of this type and back.
    Both(DType),
}

/// The memory of the operand, and which scale its elements have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    len: usize,
    limit: usize,
    index: ScaleIndex,
}

impl View {
    /// Row-major.
    pub(crate) fn plain(len: usize, index: ScaleIndex) -> Self {
        if index.is_flat() {
            return Self { len, limit: len, index: ScaleIndex { axis: len.next_multiple_of(4), inner: 1, ..index } };
        }
        Self { len, limit: index.axis, index }
    }

    /// Packed, with one scale or one per channel.
    pub(crate) fn packed(dims: Packed, index: ScaleIndex) -> Self {
        Self { len: dims.vec4s() * 4, limit: dims.c, index: ScaleIndex { axis: dims.c4() * 4, inner: 1, ..index } }
    }
}

/// Operands of every kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands {
    pub(crate) x: Source,
    pub(crate) scale: Source,
    pub(crate) zero: Option<Source>,
}

/// Records the pass; the result lies as the operand does.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, kind: Kind, view: &View, operands: Operands) -> Result<Source> {
    let total = view.len.div_ceil(4);
    let y = rec.tensor(total as u64 * 16);
    let flat = view.index.is_flat();
    let (shader, to) = match (kind, flat) {
        (Kind::Quantize(to), false) => (&shader::QUANTIZE_LINEAR_QUANTIZE, to),
        (Kind::Quantize(to), true) => (&shader::QUANTIZE_LINEAR_QUANTIZE_FLAT, to),
        (Kind::Dequantize, false) => (&shader::QUANTIZE_LINEAR_DEQUANTIZE, DType::I32),
        (Kind::Dequantize, true) => (&shader::QUANTIZE_LINEAR_DEQUANTIZE_FLAT, DType::I32),
        (Kind::Both(to), false) => (&shader::QUANTIZE_LINEAR_BOTH, to),
        (Kind::Both(to), true) => (&shader::QUANTIZE_LINEAR_BOTH_FLAT, to),
    };
    let bound = |v: i64| v.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let (least, most) = to.range().map_or((i32::MIN, i32::MAX), |(least, most)| (bound(least), bound(most)));
    let ScaleIndex { axis, inner, block, outer_stride, axis_stride, inner_stride } = view.index;
    let params = Params {
        total: total as u32,
        len: view.len as u32,
        axis: axis as u32,
        limit: view.limit as u32,
        inner: inner as u32,
        block: block as u32,
        outer_stride: outer_stride as u32,
        axis_stride: axis_stride as u32,
        inner_stride: inner_stride as u32,
        has_zero: u32::from(operands.zero.is_some()),
        least,
        most,
    };
    let zero = operands.zero.unwrap_or_else(|| rec.nothing());
    let groups = rec.fold(total.div_ceil(64));
    rec.dispatch(shader, label, groups, &params, &[operands.x, operands.scale, zero, y], (view.len * 2) as u64)?;
    Ok(y)
}
