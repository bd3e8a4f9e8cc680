//! Normalisation: batch, instance, group, layer, local response, by a norm, softmax and its kin.

use crate::graph::{Binary, Op, Reduction, Unary, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::import::onnx::tensor::dtype_of;
use crate::tensor::Tensor;

/// Inference batch normalisation. `spatial = 0` (opset 6 to 8) with parameters of one entry per channel is what old MXNet exporters
/// write when they mean `spatial = 1`, and is taken so; with more entries each place has its own.
pub(super) fn batch_norm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(5)?;
    if source.flag("training_mode", false)? {
        return unsupported("it is in training mode; export the model for inference (eval mode)");
    }
    source.one_output(importer)?;
    let epsilon = epsilon(source)?;
    let x = source.required(0)?;
    let (mut parameters, mut shape, mut per_place) = ([x; 4], None, false);
    for (slot, (index, what)) in parameters.iter_mut().zip([(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")]) {
        *slot = source.required(index)?;
        per_place |= importer.fact(*slot).rank.is_some_and(|r| r > 1);
        let Some(tensor) = importer.constant(*slot) else { continue };
        if tensor.shape().rank() == 0 || shape.as_ref().is_some_and(|s| s != tensor.shape()) {
            return source.broken(&format!("has a {what} of the shape {}, unlike its other parameters", tensor.shape()));
        }
        shape = Some(tensor.shape().clone());
    }
    let [scale, bias, mean, variance] = parameters;
    if !per_place {
        return importer.emit(source, Op::BatchNorm { epsilon }, &[x, scale, bias, mean, variance]).map(drop);
    }
    if source.opset >= 9 || source.flag("spatial", true)? {
        return source.broken("has parameters that are not vectors with an entry per channel");
    }
    let centred = importer.step(source, "centred", Op::Binary(Binary::Sub), &[x, mean])?;
    let deviation = deviation(importer, source, variance, epsilon)?;
    let normal = importer.step(source, "normal", Op::Binary(Binary::Div), &[centred, deviation])?;
    let scaled = importer.step(source, "scaled", Op::Binary(Binary::Mul), &[normal, scale])?;
    importer.emit(source, Op::Binary(Binary::Add), &[scaled, bias]).map(drop)
}

/// `sqrt(variance + epsilon)`.
fn deviation(importer: &mut Importer<'_>, source: &Source<'_>, variance: ValueId, epsilon: f32) -> Done<ValueId> {
    let epsilon = importer.new_constant(source, "epsilon", Tensor::vector(vec![epsilon]))?;
    let sum = importer.step(source, "variance_epsilon", Op::Binary(Binary::Add), &[variance, epsilon])?;
    importer.step(source, "deviation", Op::Unary(Unary::Sqrt), &[sum])
}

fn epsilon(source: &Source<'_>) -> Done<f32> {
    match source.float("epsilon", 1e-5)? {
        e if e < 0.0 => source.broken(&format!("has a negative epsilon ({e})")),
        e => Ok(e),
    }
}

/// The type that statistics are kept in: all floats are f32 here, which no other choice betters.
fn check_stash(source: &Source<'_>) -> Done {
    let stash = source.int("stash_type", 1)?;
    match i32::try_from(stash).ok().and_then(dtype_of) {
        Some(dtype) if dtype.is_float() => Ok(()),
        _ => source.broken(&format!("has stash_type = {stash}, which is no float")),
    }
}

pub(super) fn instance_norm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let operands = [source.required(0)?, source.required(1)?, source.required(2)?];
    importer.emit(source, Op::GroupNorm { groups: 0, epsilon: epsilon(source)? }, &operands).map(drop)
}

/// GroupNormalization: scale and bias are per group before opset 21, per channel since.
pub(super) fn group_norm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    check_stash(source)?;
    if !source.has("num_groups") {
        return source.broken("has no num_groups");
    }
    let groups = source.size("num_groups", 1)?;
    let operands = [source.required(0)?, source.required(1)?, source.required(2)?];
    importer.emit(source, Op::GroupNorm { groups, epsilon: epsilon(source)? }, &operands).map(drop)
}

/// LayerNormalization and RMSNormalization.
pub(super) fn layer_norm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let rms = source.node.op_type == "RMSNormalization";
    source.at_most(if rms { 2 } else { 3 })?;
    check_stash(source)?;
    let (axis, epsilon) = (source.axis(-1)?, epsilon(source)?);
    let x = source.required(0)?;
    let mut operands = vec![x, source.required(1)?];
    operands.extend(source.input(2));
    importer.emit(source, Op::LayerNorm { axis, epsilon, rms }, &operands)?;
    let used = |importer: &Importer<'_>, index| importer.is_read(source.output(index));
    if rms || !(used(importer, 1) || used(importer, 2)) {
        return Ok(());
    }
    let Some(axes) = trailing_axes(importer, x, axis) else {
        return unsupported("its further outputs are used and the rank of its operand is not known");
    };
    let mean = |axes| Op::Reduce { kind: Reduction::Mean, axes, keep_dims: true, none_if_empty: false };
    let centre = if used(importer, 1) {
        importer.emit_at(source, 1, mean(axes.clone()), &[x])?
    } else {
        importer.step(source, "mean", mean(axes.clone()), &[x])?
    };
    if !used(importer, 2) {
        return Ok(());
    }
    let centred = importer.step(source, "centred", Op::Binary(Binary::Sub), &[x, centre])?;
    let squares = importer.step(source, "squares", Op::Binary(Binary::Mul), &[centred, centred])?;
    let variance = importer.step(source, "variance", mean(axes), &[squares])?;
    let deviation = deviation(importer, source, variance, epsilon)?;
    importer.emit_at(source, 2, Op::Unary(Unary::Reciprocal), &[deviation]).map(drop)
}

/// The axes from `axis` to the last.
fn trailing_axes(importer: &Importer<'_>, x: ValueId, axis: i64) -> Option<Vec<i64>> {
    if axis < 0 {
        return Some((axis..0).collect());
    }
    let rank = i64::try_from(importer.fact(x).rank?).ok()?;
    (axis < rank).then(|| (axis..rank).collect())
}

/// `(x - mean) / (deviation + 1e-9)` over some axes.
pub(super) fn mean_variance(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let axes = source.ints("axes")?.unwrap_or(&[0, 2, 3]).to_vec();
    if axes.is_empty() || axes.iter().any(|a| a.abs_diff(0) > 64) {
        return source.broken(&format!("has the axes {axes:?}"));
    }
    let mean = Op::Reduce { kind: Reduction::Mean, axes, keep_dims: true, none_if_empty: false };
    let centre = importer.step(source, "mean", mean.clone(), &[x])?;
    let centred = importer.step(source, "centred", Op::Binary(Binary::Sub), &[x, centre])?;
    let squares = importer.step(source, "squares", Op::Binary(Binary::Mul), &[centred, centred])?;
    let variance = importer.step(source, "variance", mean, &[squares])?;
    let root = importer.step(source, "root", Op::Unary(Unary::Sqrt), &[variance])?;
    let epsilon = importer.new_constant(source, "epsilon", Tensor::vector(vec![1e-9]))?;
    let divisor = importer.step(source, "divisor", Op::Binary(Binary::Add), &[root, epsilon])?;
    importer.emit(source, Op::Binary(Binary::Div), &[centred, divisor]).map(drop)
}

pub(super) fn lrn(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    if !source.has("size") {
        return source.broken("has no size");
    }
    let op = Op::Lrn {
        size: source.size("size", 1)?,
        alpha: source.float("alpha", 1e-4)?,
        beta: source.float("beta", 0.75)?,
        bias: source.float("bias", 1.0)?,
    };
    importer.emit(source, op, &[x]).map(drop)
}

/// Below the norm of any vector of f32 that is not zero (and whose squares are not either): ONNX has no lower bound, but divides nothing by 0.
const LEAST_NORM: f32 = 1e-30;

/// LpNormalization with p = 1 or 2, all that ONNX knows.
pub(super) fn lp_normalization(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let axis = source.axis(-1)?;
    match source.int("p", 2)? {
        2 => importer.emit(source, Op::L2Normalize { axis, epsilon: LEAST_NORM }, &[x]).map(drop),
        1 => {
            let sum = Op::Reduce { kind: Reduction::L1, axes: vec![axis], keep_dims: true, none_if_empty: false };
            let norm = importer.step(source, "norm", sum, &[x])?;
            let least = importer.new_constant(source, "least", Tensor::vector(vec![LEAST_NORM]))?;
            let divisor = importer.step(source, "divisor", Op::Binary(Binary::Max), &[norm, least])?;
            importer.emit(source, Op::Binary(Binary::Div), &[x, divisor]).map(drop)
        }
        p => source.broken(&format!("has a norm with p = {p}; the operator defines 1 and 2")),
    }
}

/// Softmax, LogSoftmax and Hardmax: before opset 13 over everything from the axis on (default 1), since then over one axis (default -1).
pub(super) fn softmax(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let (axis, flatten) = if source.opset >= 13 {
        (source.axis(-1)?, false)
    } else {
        let axis = source.axis(1)?;
        let last = axis == -1 || importer.fact(x).rank.is_some_and(|r| axis == r as i64 - 1);
        (axis, !last)
    };
    let op = match source.node.op_type.as_str() {
        "Softmax" => Op::Softmax { axis, flatten },
        "LogSoftmax" => Op::LogSoftmax { axis, flatten },
        "Hardmax" => Op::Hardmax { axis, flatten },
        _ => return unsupported(""),
    };
    importer.emit(source, op, &[x]).map(drop)
}
