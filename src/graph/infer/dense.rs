//! Convolutions, linear layers and pooling.

use super::{Context, geometry};
use crate::error::{Error, Result};
use crate::graph::{AutoPad, Conv, ConvTranspose, Epilogue, Linear, LocallyConnected, Operands, Pool, Window};
use crate::tensor::Shape;

/// Largest kernel, stride, dilation and padding, so that their products and sums fit 32 bits.
const MAX_WINDOW: usize = 1 << 15;

pub(super) fn conv(ctx: &Context, conv: &Conv) -> Result<Shape> {
    let [n, c, h, w] = picture(ctx, 0, "input")?;
    let [o, i, kh, kw] = picture(ctx, 1, "weight")?;
    let at = conv.operands();
    check_window(ctx, &conv.window)?;
    if [kh, kw] != conv.window.kernel {
        let [y, x] = conv.window.kernel;
        return Err(ctx.fail(format_args!("has a {y}x{x} kernel, but weights for {kh}x{kw}")));
    }
    let g = conv.groups;
    if g == 0 || c % g != 0 || o % g != 0 || c / g != i {
        return Err(
            ctx.fail(format_args!("cannot cut {c} input and {o} output channels into {g} groups with weights for {i} channels each"))
        );
    }
    let [oh, ow] = window_output(ctx, &conv.window, [h, w], false)?;
    for (operand, what) in [(at.pre_scale, "scale"), (at.pre_shift, "shift")] {
        operand.map_or(Ok(()), |p| ctx.require(p, what, &[c]))?;
    }
    let out = Shape::from([n, o, oh, ow]);
    epilogue(ctx, &conv.epilogue, &at, &[o], o, &out)?;
    Ok(out)
}

pub(super) fn locally_connected(ctx: &Context, local: &LocallyConnected) -> Result<Shape> {
    let [n, c, h, w] = picture(ctx, 0, "input")?;
    let &[ty, tx, o, i, kh, kw] = ctx.shapes[1].dims() else {
        return Err(ctx.fail("needs weights of the six axes tile row, tile column, output, input, kernel row, kernel column"));
    };
    check_window(ctx, &local.window)?;
    if [kh, kw] != local.window.kernel || i != c || local.tile.contains(&0) || o == 0 {
        let [y, x] = local.window.kernel;
        return Err(ctx.fail(format_args!("has weights that do not fit {c} channels and a {y}x{x} kernel")));
    }
    let [oh, ow] = window_output(ctx, &local.window, [h, w], false)?;
    let tiles = [oh.div_ceil(local.tile[0]), ow.div_ceil(local.tile[1])];
    if [ty, tx] != tiles {
        return Err(ctx.fail(format_args!("has {ty}x{tx} filter banks, but its {oh}x{ow} output has {}x{} tiles", tiles[0], tiles[1])));
    }
    let out = Shape::from([n, o, oh, ow]);
    epilogue(ctx, &local.epilogue, &local.operands(), &[ty, tx, o], o, &out)?;
    Ok(out)
}

pub(super) fn linear(ctx: &Context, linear: &Linear) -> Result<Shape> {
    let [n, rest @ ..] = ctx.shapes[0].dims() else {
        return Err(ctx.fail("needs an input with a batch axis"));
    };
    let &[o, k] = ctx.shapes[1].dims() else {
        return Err(ctx.fail("needs weights of the two axes output and input"));
    };
    // Not a product of `rest` alone: with n = 0 the checked size of the whole would say nothing about it.
    let features = Shape::from(rest).checked_len();
    if features != Some(k) || [*n, o, k].contains(&0) {
        return Err(ctx.fail(format_args!("has weights for {k} features, which its input does not have")));
    }
    if !linear.flatten_order.is_empty() && geometry::permutation(&linear.flatten_order, rest.len()).is_none() {
        return Err(
            ctx.fail(format_args!("flattens its input in an order ({:?}) that is no permutation of its axes", linear.flatten_order))
        );
    }
    let out = Shape::from([*n, o]);
    epilogue(ctx, &linear.epilogue, &linear.operands(), &[o], o, &out)?;
    Ok(out)
}

pub(super) fn pool(ctx: &Context, pool: &Pool) -> Result<Shape> {
    let [n, c, h, w] = picture(ctx, 0, "input")?;
    check_window(ctx, &pool.window)?;
    for (axis, cells) in [h, w].into_iter().enumerate() {
        let (before, after) = pool.window.padding(axis, cells);
        // A window that lies in the padding alone would have no cell to take.
        if before.max(after) >= pool.window.extent(axis) {
            return Err(ctx.fail(format_args!(
                "pads with {before} and {after} cells, which is not less than its window ({})",
                pool.window.extent(axis)
            )));
        }
    }
    let [oh, ow] = window_output(ctx, &pool.window, [h, w], pool.ceil)?;
    Ok(Shape::from([n, c, oh, ow]))
}

pub(super) fn global_pool(ctx: &Context) -> Result<Shape> {
    match ctx.shapes[0].dims() {
        dims @ [n, c, _, ..] if !dims.contains(&0) => {
            let mut out = vec![1; dims.len()];
            (out[0], out[1]) = (*n, *c);
            Ok(Shape::from(out))
        }
        _ => Err(ctx.fail("needs an input of the axes batch, channel, height, width")),
    }
}

/// The four axes of an operand, none of them empty.
fn picture(ctx: &Context, i: usize, what: &str) -> Result<[usize; 4]> {
    match ctx.shapes[i].dims() {
        &[a, b, c, d] if a > 0 && b > 0 && c > 0 && d > 0 => Ok([a, b, c, d]),
        _ => Err(ctx.fail(format_args!("needs {what} with four axes and no empty one"))),
    }
}

fn check_window(ctx: &Context, window: &Window) -> Result<()> {
    let positive = window.kernel.iter().chain(&window.stride).chain(&window.dilation);
    if positive.clone().any(|&v| v == 0) {
        return Err(ctx.fail("has a kernel, stride or dilation of 0"));
    }
    if positive.chain(&window.pads).any(|&v| v > MAX_WINDOW) {
        return Err(ctx.fail(format_args!("has a kernel, stride, dilation or padding above {MAX_WINDOW}")));
    }
    Ok(())
}

fn window_output(ctx: &Context, window: &Window, cells: [usize; 2], ceil: bool) -> Result<[usize; 2]> {
    let along = |axis: usize| {
        window.output(axis, cells[axis], ceil).filter(|&n| n > 0).ok_or_else(|| {
            let [y, x] = [window.extent(0), window.extent(1)];
            let hint = if window.auto == AutoPad::Explicit { " even with its padding" } else { "" };
            Error::Caller(format!(
                "{} Give a larger picture.",
                ctx.sentence(format_args!("has a {y}x{x} window that does not fit its input of {}x{} cells{hint}", cells[0], cells[1]))
            ))
        })
    };
    Ok([along(0)?, along(1)?])
}

/// Checks the optional operands: `bias` is the shape of the bias, `channels` the number of slopes, `out` the residual's shape.
fn epilogue(ctx: &Context, epilogue: &Epilogue, at: &Operands, bias: &[usize], channels: usize, out: &Shape) -> Result<()> {
    at.bias.map_or(Ok(()), |p| ctx.require(p, "bias", bias))?;
    at.slope.map_or(Ok(()), |p| ctx.require(p, "slope", &[channels]))?;
    at.residual.map_or(Ok(()), |p| ctx.require(p, "residual", out))?;
    let bounds = [epilogue.lo, epilogue.hi, epilogue.post_lo, epilogue.post_hi];
    if bounds.iter().flatten().any(|b| b.is_nan()) {
        return Err(ctx.fail("has a bound that is not a number"));
    }
    Ok(())
}

pub(super) fn conv_transpose(ctx: &Context, conv: &ConvTranspose) -> Result<Shape> {
    let [n, c, h, w] = picture(ctx, 0, "input")?;
    let [i, o, kh, kw] = picture(ctx, 1, "weight")?;
    check_window(ctx, &conv.window)?;
    if [kh, kw] != conv.window.kernel {
        let [y, x] = conv.window.kernel;
        return Err(ctx.fail(format_args!("has a {y}x{x} kernel, but weights for {kh}x{kw}")));
    }
    if conv.groups == 0 || c != i || c % conv.groups != 0 {
        return Err(ctx.fail(format_args!("cannot cut {c} input channels into {} groups with weights for {i} channels", conv.groups)));
    }
    let outputs = o.checked_mul(conv.groups).ok_or_else(|| ctx.fail("has more output channels than can be counted"))?;
    if conv.bias {
        ctx.require(2, "bias", &[outputs])?;
    }
    if conv.output_padding.iter().any(|&p| p > MAX_WINDOW) {
        return Err(ctx.fail(format_args!("has an output padding above {MAX_WINDOW}")));
    }
    let along = |axis: usize, cells: usize| {
        conv.output(axis, cells).map(|(cells, _)| cells).ok_or_else(|| {
            let what = if axis == 0 { "rows" } else { "columns" };
            ctx.fail(format_args!("cannot make an output of {cells} {what} with its pads or of the wanted shape"))
        })
    };
    Ok(Shape::from([n, outputs, along(0, h)?, along(1, w)?]))
}

/// NumPy's `matmul`.
pub(super) fn matmul(ctx: &Context) -> Result<Shape> {
    let (a, b) = (ctx.shapes[0].dims(), ctx.shapes[1].dims());
    let Some(product) = geometry::Product::of(a, b) else {
        return Err(ctx.fail("has operands that cannot be multiplied as matrices"));
    };
    let mut out = product.batch.to_vec();
    out.extend((a.len() > 1).then_some(product.m));
    out.extend((b.len() > 1).then_some(product.n));
    Ok(Shape::from(out))
}
