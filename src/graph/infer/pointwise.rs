//! Element-wise operations, normalisations and reductions.

use super::{Context, geometry};
use crate::error::Result;
use crate::graph::{Op, Reduction};
use crate::tensor::{Shape, broadcast};

/// Batch normalisation and affine maps: x and vectors as long as its axis 1.
pub(super) fn per_channel(ctx: &Context) -> Result<Shape> {
    let [_, channels, ..] = ctx.shapes[0].dims() else {
        return Err(ctx.fail("needs an input with a channel axis"));
    };
    for i in 1..ctx.shapes.len() {
        ctx.require(i, "vector", &[*channels])?;
    }
    Ok(ctx.shapes[0].clone())
}

pub(super) fn prelu(ctx: &Context) -> Result<Shape> {
    match geometry::prelu_slope(&ctx.shapes[0], &ctx.shapes[1]) {
        Some(_) => Ok(ctx.shapes[0].clone()),
        None => Err(ctx.fail("has slopes that do not broadcast to its input")),
    }
}

pub(super) fn binary(ctx: &Context) -> Result<Shape> {
    broadcast(&ctx.shapes[0], &ctx.shapes[1]).ok_or_else(|| ctx.fail("has operands that do not broadcast to a common shape"))
}

pub(super) fn reduce(ctx: &Context, axes: &[i64], keep_dims: bool, none_if_empty: bool) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    let axes = ctx.optional_ints(1)?.unwrap_or(axes);
    let axes = geometry::reduced_axes(axes, none_if_empty, dims.len())
        .ok_or_else(|| ctx.fail(format_args!("reduces the axes {axes:?}, of which its operand lacks one or which repeat")))?;
    let mean = matches!(ctx.op, Op::Reduce { kind: Reduction::Mean, .. });
    if mean && axes.iter().any(|&a| dims[a] == 0) {
        return Err(ctx.fail("averages over an empty axis"));
    }
    let kept = dims.iter().enumerate().filter_map(|(i, &d)| match axes.binary_search(&i) {
        Ok(_) => keep_dims.then_some(1),
        Err(_) => Some(d),
    });
    Ok(kept.collect::<Vec<_>>().into())
}

pub(super) fn lrn(ctx: &Context, size: usize) -> Result<Shape> {
    if size == 0 || ctx.shapes[0].rank() < 2 {
        return Err(ctx.fail(format_args!("needs a channel axis and a window of at least one channel (it has {size})")));
    }
    Ok(ctx.shapes[0].clone())
}

/// Shape-preserving operations along one axis.
pub(super) fn along_axis(ctx: &Context, axis: i64) -> Result<Shape> {
    // ONNX before opset 13 flattens at the axis, which may then also lie behind the last one.
    let flattens =
        matches!(ctx.op, Op::Softmax { flatten: true, .. } | Op::LogSoftmax { flatten: true, .. } | Op::Hardmax { flatten: true, .. });
    if !(flattens && usize::try_from(axis) == Ok(ctx.shapes[0].rank())) {
        ctx.axis(axis)?;
    }
    Ok(ctx.shapes[0].clone())
}

/// Three operands broadcast together.
pub(super) fn choice(ctx: &Context) -> Result<Shape> {
    let pair = broadcast(&ctx.shapes[0], &ctx.shapes[1]);
    let all = pair.and_then(|s| broadcast(&s, &ctx.shapes[2]));
    all.ok_or_else(|| ctx.fail("has operands that do not broadcast to a common shape"))
}

/// Scale and shift per channel or per group; `groups` = 0 means a group per channel.
pub(super) fn group_norm(ctx: &Context, groups: usize) -> Result<Shape> {
    let [_, channels, ..] = *ctx.shapes[0].dims() else {
        return Err(ctx.fail("needs an input with a channel axis"));
    };
    if groups > 0 && !channels.is_multiple_of(groups) {
        return Err(ctx.fail(format_args!("cannot cut {channels} channels into {groups} groups")));
    }
    let per_group = groups > 0 && ctx.shapes[1].dims() == [groups];
    let count = if per_group { groups } else { channels };
    ctx.require(1, "scale", &[count])?;
    ctx.require(2, "shift", &[count])?;
    Ok(ctx.shapes[0].clone())
}

/// Layer normalisation: scale and shift broadcast to x, never beyond it.
pub(super) fn layer_norm(ctx: &Context, axis: i64) -> Result<Shape> {
    ctx.axis(axis)?;
    let x = &ctx.shapes[0];
    if ctx.shapes[1..].iter().any(|s| broadcast(x, s).as_ref() != Some(x)) {
        return Err(ctx.fail("has a scale or shift that does not broadcast to its input"));
    }
    Ok(x.clone())
}

/// Quantize and Dequantize: one scale for all, one per cell of the axis, or one per block of cells along it.
pub(super) fn quantization(ctx: &Context, axis: i64, block: usize) -> Result<Shape> {
    let (x, scale) = (&ctx.shapes[0], &ctx.shapes[1]);
    let fits = match (block, scale.dims()) {
        (0, [] | [1]) => true,
        (0, &[n]) => x.get(ctx.axis(axis)?) == Some(&n),
        (0, _) => false,
        _ => {
            let at = ctx.axis(axis)?;
            let mut wanted = x.to_vec();
            wanted[at] = wanted[at].div_ceil(block);
            wanted == scale.dims()
        }
    };
    if !fits {
        return Err(ctx.fail("has scales that fit neither its operand as a whole nor the axis they belong to"));
    }
    match ctx.shapes.get(2) {
        Some(zero) if zero != scale && (zero.len(), scale.len()) != (1, 1) => {
            Err(ctx.fail("has zero points of another shape than its scales"))
        }
        _ => Ok(x.clone()),
    }
}
