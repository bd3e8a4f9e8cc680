//! Extremes and running sums along an axis.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn arg_reduce(ctx: &Context, _axis: i64, _keep_dims: bool) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn top_k(ctx: &Context, _axis: i64) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn cum_sum(ctx: &Context) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}
