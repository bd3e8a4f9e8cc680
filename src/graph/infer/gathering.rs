//! Elements and slices picked by index.
//!
//! Indices that are known are checked here; those that are computed from pictures are clamped to the axis when they are used.

use super::{Context, geometry};
use crate::error::Result;
use crate::tensor::Shape;

/// Requires the known ones among the indices of operand 1 to lie within an axis of `n` cells.
fn in_range<'a>(ctx: &Context, mut known: impl Iterator<Item = &'a i64>, n: usize) -> Result<()> {
    match known.find(|&&i| geometry::index(i, n).is_none()) {
        Some(bad) => Err(ctx.fail(format_args!("picks the index {bad} of {n} cells"))),
        None if n == 0 && !ctx.shapes[1].contains(&0) => Err(ctx.fail("picks from an empty axis")),
        None => Ok(()),
    }
}

/// Operand 1, when it is known before anything runs.
fn known<'a>(ctx: &'a Context<'_>) -> &'a [i64] {
    ctx.constants.get(1).and_then(|c| c.as_ref()).and_then(|t| t.as_i64()).unwrap_or_default()
}

pub(super) fn gather(ctx: &Context, axis: i64) -> Result<Shape> {
    let at = ctx.axis(axis)?;
    let dims = ctx.shapes[0].dims();
    in_range(ctx, known(ctx).iter(), dims[at])?;
    Ok([&dims[..at], ctx.shapes[1].dims(), &dims[at + 1..]].concat().into())
}

pub(super) fn gather_elements(ctx: &Context, axis: i64) -> Result<Shape> {
    let at = ctx.axis(axis)?;
    let (dims, picked) = (ctx.shapes[0].dims(), ctx.shapes[1].dims());
    let fits = dims.len() == picked.len() && (0..dims.len()).all(|i| i == at || picked[i] <= dims[i]);
    if !fits {
        return Err(ctx.fail("has indices that reach beyond its operand"));
    }
    in_range(ctx, known(ctx).iter(), dims[at])?;
    Ok(picked.into())
}

pub(super) fn gather_nd(ctx: &Context, batch_dims: usize) -> Result<Shape> {
    let (dims, picked) = (ctx.shapes[0].dims(), ctx.shapes[1].dims());
    let parts = picked
        .split_last()
        .filter(|(_, lead)| lead.len() >= batch_dims && dims.len() >= batch_dims && lead[..batch_dims] == dims[..batch_dims]);
    let Some((&depth, lead)) = parts else {
        return Err(ctx.fail(format_args!("has indices that do not share its first {batch_dims} axes")));
    };
    let Some(rest) = dims[batch_dims..].get(depth..).filter(|_| depth > 0) else {
        return Err(ctx.fail(format_args!("picks by tuples of {depth} indices, which its operand does not have room for")));
    };
    for (i, &n) in dims[batch_dims..][..depth].iter().enumerate() {
        in_range(ctx, known(ctx).iter().skip(i).step_by(depth), n)?;
    }
    Ok([lead, rest].concat().into())
}
