//! Elements and slices picked by index.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn gather(ctx: &Context, axis: i64) -> Result<Shape> {
    let at = ctx.axis(axis)?;
    let dims = ctx.shapes[0].dims();
    let n = dims[at] as i64;
    if let Some(bad) = ctx.ints(1)?.iter().find(|&&i| i < -n || i >= n) {
        return Err(ctx.fail(format_args!("picks the index {bad} of {n} cells")));
    }
    Ok([&dims[..at], ctx.shapes[1].dims(), &dims[at + 1..]].concat().into())
}

pub(super) fn gather_elements(ctx: &Context, _axis: i64) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn gather_nd(ctx: &Context, _batch_dims: usize) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}
