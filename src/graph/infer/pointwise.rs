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

pub(super) fn reduce(ctx: &Context, axes: &[i64], keep_dims: bool) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    let axes = geometry::reduced_axes(axes, dims.len())
        .ok_or_else(|| ctx.fail(format_args!("reduces the axes {axes:?}, of which its operand lacks one or which repeat")))?;
    let selects = matches!(ctx.op, Op::Reduce { kind: Reduction::Max | Reduction::Min | Reduction::Mean, .. });
    if selects && axes.iter().any(|&a| dims[a] == 0) {
        return Err(ctx.fail("reduces an empty axis"));
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
    let flattens = matches!(ctx.op, Op::Softmax { flatten: true, .. }) && usize::try_from(axis) == Ok(ctx.shapes[0].rank());
    if !flattens {
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

pub(super) fn layer_norm(ctx: &Context, _axis: i64) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
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
