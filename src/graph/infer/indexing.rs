//! Operations whose output depends on the content of an index operand.

use super::{Context, MAX_ELEMENTS, geometry};
use crate::error::Result;
use crate::graph::PadMode;
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
        // Every other mode repeats cells, of which there have to be some.
        if mode != PadMode::Constant && kept == 0 && before.max(after) > 0 {
            return Err(wrong());
        }
        let total = kept.checked_add(before).and_then(|t| t.checked_add(after)).ok_or_else(wrong)?;
        usize::try_from(total).map_err(|_| wrong())
    };
    dims.iter().zip(&pads).map(along).collect::<Result<Vec<_>>>().map(Shape::from)
}

/// Dimensions given as whole numbers.
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

pub(super) fn tile(ctx: &Context) -> Result<Shape> {
    let (dims, repeats) = (ctx.shapes[0].dims(), ctx.ints(1)?);
    let wrong = || ctx.fail(format_args!("repeats its operand {repeats:?} times"));
    if repeats.len() != dims.len() {
        return Err(wrong());
    }
    let along = |(&n, &times): (&usize, &i64)| usize::try_from(times).ok().and_then(|t| n.checked_mul(t)).ok_or_else(wrong);
    dims.iter().zip(repeats).map(along).collect::<Result<Vec<_>>>().map(Shape::from)
}

pub(super) fn range(ctx: &Context) -> Result<Shape> {
    let tensors = [ctx.tensor(0)?, ctx.tensor(1)?, ctx.tensor(2)?];
    let number = |i: usize| tensors[i].to_f64().first().copied();
    let whole = |i: usize| tensors[i].as_i64().and_then(|v| v.first().copied()).map(i128::from);
    if tensors.iter().any(|t| t.len() != 1) {
        return Err(ctx.fail("has a start, limit or delta that is not a single number"));
    }
    let count = match (whole(0), whole(1), whole(2), [0, 1, 2].map(|i| number(i).unwrap_or(f64::NAN))) {
        (Some(start), Some(limit), Some(delta), _) if delta != 0 => {
            let (span, step) = if delta > 0 { (limit - start, delta) } else { (start - limit, -delta) };
            (span.max(0) as u128).div_ceil(step as u128) as f64
        }
        (None, None, None, [start, limit, delta]) if delta != 0.0 => ((limit - start) / delta).ceil().max(0.0),
        _ => f64::NAN,
    };
    if count.is_finite() && count <= MAX_ELEMENTS as f64 {
        return Ok(Shape::from([count as usize]));
    }
    Err(ctx.fail(format_args!(
        "counts from {} to {} by {}",
        number(0).unwrap_or_default(),
        number(1).unwrap_or_default(),
        number(2).unwrap_or_default()
    )))
}

/// Dropout that may be given a training flag: nothing may be dropped.
pub(super) fn dropout(ctx: &Context) -> Result<Shape> {
    let on = |i: usize| ctx.tensor(i).map(|t| t.to_f64().iter().any(|&v| v != 0.0));
    if on(2)? && on(1)? {
        return Err(ctx.unsupported("is in training mode, in which it drops elements at random"));
    }
    Ok(ctx.shapes[0].clone())
}
