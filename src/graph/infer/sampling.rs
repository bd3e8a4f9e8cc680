//! Resampling by a grid, and channels moved to places and back.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn grid_sample(ctx: &Context) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn depth_to_space(ctx: &Context, _block: usize) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}

pub(super) fn space_to_depth(ctx: &Context, _block: usize) -> Result<Shape> {
    Err(ctx.unsupported("is not supported"))
}
