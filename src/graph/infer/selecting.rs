//! Extremes and running sums along an axis.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn arg_reduce(ctx: &Context, axis: i64, keep_dims: bool) -> Result<Shape> {
    let axis = ctx.axis(axis)?;
    let mut dims = ctx.shapes[0].to_vec();
    if dims[axis] == 0 {
        return Err(ctx.fail("looks for the extreme of an empty axis"));
    }
    if keep_dims {
        dims[axis] = 1;
    } else {
        dims.remove(axis);
    }
    Ok(dims.into())
}

pub(super) fn top_k(ctx: &Context, axis: i64) -> Result<Shape> {
    let axis = ctx.axis(axis)?;
    let &[k] = ctx.ints(1)? else {
        return Err(ctx.fail(format_args!("needs one number of elements to pick (k), but k has the shape {}", ctx.shapes[1])));
    };
    let mut dims = ctx.shapes[0].to_vec();
    let n = dims[axis];
    dims[axis] =
        usize::try_from(k).ok().filter(|&k| k <= n).ok_or_else(|| ctx.fail(format_args!("picks {k} elements (k) along an axis of {n}")))?;
    Ok(dims.into())
}

pub(super) fn cum_sum(ctx: &Context) -> Result<Shape> {
    let &[axis] = ctx.ints(1)? else {
        return Err(ctx.fail(format_args!("sums along one axis, but its axis has the shape {}", ctx.shapes[1])));
    };
    ctx.axis(axis)?;
    Ok(ctx.shapes[0].clone())
}
