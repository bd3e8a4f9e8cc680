//! Operations that only change the shape, permute, join or cut.

use super::{Context, geometry};
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn flatten(ctx: &Context, axis: i64) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    // One past the last axis is allowed: everything becomes the first dimension.
    let at = if usize::try_from(axis) == Ok(dims.len()) { dims.len() } else { ctx.axis(axis)? };
    let product = |part: &[usize]| Shape::from(part).checked_len();
    match (product(&dims[..at]), product(&dims[at..])) {
        (Some(a), Some(b)) => Ok(Shape::from([a, b])),
        _ => Err(ctx.fail("flattens a tensor that is too large")),
    }
}

pub(super) fn reshape(ctx: &Context, allow_zero: bool) -> Result<Shape> {
    let (dims, target) = (ctx.shapes[0].dims(), ctx.ints(1)?);
    let wrong = || ctx.fail(format_args!("cannot give its operand the shape {target:?}"));
    let mut out = Vec::with_capacity(target.len());
    let mut unknown = None;
    for (i, &t) in target.iter().enumerate() {
        out.push(match t {
            -1 if unknown.replace(i).is_none() => 1,
            0 if !allow_zero => *dims.get(i).ok_or_else(wrong)?,
            t => usize::try_from(t).map_err(|_| wrong())?,
        });
    }
    let total = ctx.shapes[0].len();
    let known = Shape::from(out.as_slice()).checked_len().ok_or_else(wrong)?;
    if let Some(i) = unknown {
        if known == 0 || !total.is_multiple_of(known) {
            return Err(wrong());
        }
        out[i] = total / known;
    } else if known != total {
        return Err(wrong());
    }
    Ok(out.into())
}

pub(super) fn transpose(ctx: &Context, perm: &[usize]) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    let perm = geometry::permutation(perm, dims.len())
        .ok_or_else(|| ctx.fail(format_args!("permutes its axes by {perm:?}, which is no permutation of them")))?;
    Ok(perm.iter().map(|&p| dims[p]).collect::<Vec<_>>().into())
}

pub(super) fn squeeze(ctx: &Context) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    let Some(axes) = ctx.optional_ints(1)? else {
        return Ok(dims.iter().copied().filter(|&d| d != 1).collect::<Vec<_>>().into());
    };
    let axes = geometry::axes(axes, dims.len()).filter(|a| a.iter().all(|&i| dims[i] == 1));
    let axes = axes.ok_or_else(|| ctx.fail("removes axes that are missing, repeated or longer than 1"))?;
    Ok(dims.iter().enumerate().filter(|(i, _)| axes.binary_search(i).is_err()).map(|(_, &d)| d).collect::<Vec<_>>().into())
}

pub(super) fn unsqueeze(ctx: &Context) -> Result<Shape> {
    let added = ctx.ints(1)?;
    let dims = ctx.shapes[0].dims();
    let rank = dims.len() + added.len();
    let axes =
        geometry::axes(added, rank).ok_or_else(|| ctx.fail(format_args!("inserts the axes {added:?}, which do not exist or repeat")))?;
    let mut rest = dims.iter().copied();
    let out = (0..rank).map(|i| if axes.binary_search(&i).is_ok() { 1 } else { rest.next().unwrap_or(1) });
    Ok(out.collect::<Vec<_>>().into())
}

pub(super) fn concat(ctx: &Context, axis: i64) -> Result<Shape> {
    let at = ctx.axis(axis)?;
    let mut out = ctx.shapes[0].to_vec();
    for other in &ctx.shapes[1..] {
        let fits = other.rank() == out.len() && (0..out.len()).all(|i| i == at || other[i] == out[i]);
        let sum = fits.then(|| out[at].checked_add(other[at])).flatten();
        out[at] = sum.ok_or_else(|| ctx.fail(format_args!("joins along the axis {axis} operands that differ along another")))?;
    }
    Ok(out.into())
}

/// The sizes come with the operation or as operand 1.
pub(super) fn split(ctx: &Context, axis: i64, sizes: &[usize]) -> Result<Vec<Shape>> {
    let at = ctx.axis(axis)?;
    let given = ctx.optional_ints(1)?.unwrap_or_default();
    let given: Option<Vec<_>> = given.iter().map(|&n| usize::try_from(n).ok()).collect();
    let given = given.ok_or_else(|| ctx.fail("cuts parts of negative sizes"))?;
    let sizes = if sizes.is_empty() { &given } else { sizes };
    if sizes.is_empty() {
        return Err(ctx.fail("does not say into how many parts it cuts"));
    }
    let dims = ctx.shapes[0].dims();
    if sizes.iter().try_fold(0usize, |a, &s| a.checked_add(s)) != Some(dims[at]) {
        return Err(ctx.fail(format_args!("cuts {} cells into parts of {sizes:?}", dims[at])));
    }
    let part = |&size: &usize| {
        let mut out = dims.to_vec();
        out[at] = size;
        Shape::from(out)
    };
    Ok(sizes.iter().map(part).collect())
}
