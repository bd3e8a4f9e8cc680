//! Resampling by a grid, and channels moved to places and back.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

/// Maps `[N, C, H, W]` with a grid `[N, H', W', 2]`; rows and volumes likewise.
pub(super) fn grid_sample(ctx: &Context) -> Result<Shape> {
    let (x, grid) = (ctx.shapes[0].dims(), ctx.shapes[1].dims());
    if !matches!(x.len(), 3..=5) {
        return Err(ctx.unsupported("samples something other than rows, maps or volumes"));
    }
    let fits = grid.len() == x.len() && grid[0] == x[0] && grid[x.len() - 1] == x.len() - 2;
    if !fits {
        return Err(ctx.fail("has a grid that does not fit its operand"));
    }
    let places = &grid[1..x.len() - 1];
    if x[2..].contains(&0) && !places.contains(&0) {
        return Err(ctx.fail("samples an empty map"));
    }
    Ok([&x[..2], places].concat().into())
}

pub(super) fn depth_to_space(ctx: &Context, block: usize) -> Result<Shape> {
    let &[n, c, h, w] = ctx.shapes[0].dims() else { return Err(ctx.fail("needs an operand of four dimensions")) };
    let wrong = || ctx.fail(format_args!("cannot spread {c} channels over blocks of {block}x{block}"));
    let area = block.checked_mul(block).filter(|&a| a > 0 && c.is_multiple_of(a)).ok_or_else(wrong)?;
    match (h.checked_mul(block), w.checked_mul(block)) {
        (Some(h), Some(w)) => Ok(Shape::from([n, c / area, h, w])),
        _ => Err(wrong()),
    }
}

pub(super) fn space_to_depth(ctx: &Context, block: usize) -> Result<Shape> {
    let &[n, c, h, w] = ctx.shapes[0].dims() else { return Err(ctx.fail("needs an operand of four dimensions")) };
    let wrong = || ctx.fail(format_args!("cannot cut {h}x{w} cells into blocks of {block}x{block}"));
    if block == 0 || !h.is_multiple_of(block) || !w.is_multiple_of(block) {
        return Err(wrong());
    }
    let channels = block.checked_mul(block).and_then(|a| a.checked_mul(c)).ok_or_else(wrong)?;
    Ok(Shape::from([n, channels, h / block, w / block]))
}
