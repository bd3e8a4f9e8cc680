//! Operations whose output depends on the content of an index operand.

use super::{Context, MAX_ELEMENTS, geometry};
use crate::error::Result;
use crate::graph::{PadMode, Resize};
use crate::tensor::{Shape, broadcast};

pub(super) fn slice(ctx: &Context) -> Result<Shape> {
    let (starts, ends) = (ctx.ints(1)?, ctx.ints(2)?);
    let (axes, steps) = (ctx.optional_ints(3)?, ctx.optional_ints(4)?);
    let taken = geometry::slice_axes(&ctx.shapes[0], starts, ends, axes, steps).map_err(|why| ctx.fail(why))?;
    Ok(taken.iter().map(|a| a.len).collect::<Vec<_>>().into())
}

pub(super) fn pad(ctx: &Context, mode: PadMode) -> Result<Shape> {
    if ctx.shapes.get(2).is_some_and(|s| s.len() > 1) {
        return Err(ctx.fail("has a padding value that is not a single number"));
    }
    let dims = ctx.shapes[0].dims();
    let axes = ctx.optional_ints(3)?;
    let pads = geometry::pad_axes(dims.len(), ctx.ints(1)?, axes).map_err(|why| ctx.fail(why))?;
    let along = |(&n, &(before, after)): (&usize, &(i64, i64))| {
        let cells = n as i64;
        let wrong = || ctx.fail(format_args!("pads {n} cells by {before} and {after}"));
        let kept = cells.checked_add(before.min(0)).and_then(|k| k.checked_add(after.min(0))).filter(|&k| k >= 0).ok_or_else(wrong)?;
        let (before, after) = (before.max(0), after.max(0));
        let most = match mode {
            PadMode::Constant => i64::MAX,
            // A mirror shows each cell but the edge once; a longer one would need a mirror in the mirror.
            PadMode::Reflect => (kept - 1).max(0),
            PadMode::Edge | PadMode::Wrap => i64::from(kept > 0).saturating_mul(i64::MAX),
        };
        if before.max(after) > most {
            return Err(wrong());
        }
        let total = kept.checked_add(before).and_then(|t| t.checked_add(after)).ok_or_else(wrong)?;
        usize::try_from(total).map_err(|_| wrong())
    };
    dims.iter().zip(&pads).map(along).collect::<Result<Vec<_>>>().map(Shape::from)
}

/// Dimensions given as i64.
fn target_shape(ctx: &Context, target: &[i64]) -> Result<Shape> {
    let dims = target.iter().map(|&d| usize::try_from(d).ok().filter(|&d| d <= MAX_ELEMENTS)).collect::<Option<Vec<_>>>();
    dims.map(Shape::from).ok_or_else(|| ctx.fail(format_args!("asks for the shape {target:?}")))
}

pub(super) fn expand(ctx: &Context) -> Result<Shape> {
    let target = target_shape(ctx, ctx.ints(1)?)?;
    broadcast(&ctx.shapes[0], &target).ok_or_else(|| ctx.fail(format_args!("has an operand that does not broadcast to {target}")))
}

pub(super) fn constant_of_shape(ctx: &Context) -> Result<Shape> {
    target_shape(ctx, ctx.ints(0)?)
}

pub(super) fn resize(ctx: &Context, resize: &Resize) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    if dims.contains(&0) {
        return Err(ctx.fail("resamples an empty tensor"));
    }
    let axes = geometry::resize_axes(dims, resize, ctx.tensor(1)?).map_err(|why| ctx.fail(why))?;
    // Rank 4: H and W; rank 3: the last axis.
    for (i, (&n, axis)) in dims.iter().zip(&axes).enumerate() {
        let free = i >= 2 && matches!(dims.len(), 3 | 4);
        if !free && (axis.output != n || axis.scale != 1.0) {
            return Err(ctx.unsupported(format_args!("resamples the axis {i}, and only height and width can be resampled")));
        }
    }
    Ok(axes.iter().map(|a| a.output).collect::<Vec<_>>().into())
}

pub(super) fn tile(ctx: &Context) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn range(ctx: &Context) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}
