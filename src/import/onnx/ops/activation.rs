//! Element-wise functions of one operand, Clip and PRelu.

use crate::graph::{Binary, Op, Unary, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::Tensor;

/// Functions whose parameters are attributes.
pub(super) fn plain(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let unary = match source.node.op_type.as_str() {
        "Relu" => Unary::Relu,
        "LeakyRelu" => Unary::LeakyRelu { alpha: source.float("alpha", 0.01)? },
        "Elu" => Unary::Elu { alpha: source.float("alpha", 1.0)? },
        "Celu" => Unary::Celu { alpha: celu_alpha(source)? },
        "Selu" => Unary::Selu { alpha: source.float("alpha", 1.673_263_2)?, gamma: source.float("gamma", 1.050_701)? },
        "ThresholdedRelu" => Unary::ThresholdedRelu { alpha: source.float("alpha", 1.0)? },
        "Shrink" => Unary::Shrink { lambda: source.float("lambd", 0.5)?, bias: source.float("bias", 0.0)? },
        "Sigmoid" => Unary::Sigmoid,
        "HardSigmoid" => Unary::HardSigmoid { alpha: source.float("alpha", 0.2)?, beta: source.float("beta", 0.5)? },
        "HardSwish" => Unary::HardSwish,
        "Swish" => Unary::Swish { alpha: source.float("alpha", 1.0)? },
        "Mish" => Unary::Mish,
        "Gelu" => match source.text("approximate", "none")? {
            "none" => Unary::Gelu,
            "tanh" => Unary::GeluTanh,
            other => return source.broken(&format!("has `approximate` = `{other}`, which has to be none or tanh")),
        },
        "Softsign" => Unary::Softsign,
        "Softplus" => Unary::Softplus,
        _ => function(source)?,
    };
    source.at_most(1)?;
    let x = source.required(0)?;
    let fact = importer.fact(x);
    if matches!(unary, Unary::Erf | Unary::Shrink { .. }) && !fact.dtype.is_float() && !fact.poisoned {
        return unsupported(format!("its operand holds whole numbers ({}); only floats are supported there", fact.dtype));
    }
    importer.emit(source, Op::Unary(unary), &[x]).map(drop)
}

/// Functions without parameters.
fn function(source: &Source<'_>) -> Done<Unary> {
    Ok(match source.node.op_type.as_str() {
        "Abs" => Unary::Abs,
        "Acos" => Unary::Acos,
        "Acosh" => Unary::Acosh,
        "Asin" => Unary::Asin,
        "Asinh" => Unary::Asinh,
        "Atan" => Unary::Atan,
        "Atanh" => Unary::Atanh,
        "Ceil" => Unary::Ceil,
        "Cos" => Unary::Cos,
        "Cosh" => Unary::Cosh,
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "Floor" => Unary::Floor,
        "Log" => Unary::Log,
        "Neg" => Unary::Neg,
        "Reciprocal" => Unary::Reciprocal,
        "Round" => Unary::Round,
        "Sign" => Unary::Sign,
        "Sin" => Unary::Sin,
        "Sinh" => Unary::Sinh,
        "Sqrt" => Unary::Sqrt,
        "Tan" => Unary::Tan,
        "Tanh" => Unary::Tanh,
        _ => return unsupported(""),
    })
}

fn celu_alpha(source: &Source<'_>) -> Done<f32> {
    match source.float("alpha", 1.0)? {
        0.0 => source.broken("has `alpha` = 0, by which it divides"),
        alpha => Ok(alpha),
    }
}

/// Clip: bounds are attributes before opset 11, operands since.
pub(super) fn clip(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    if source.opset < 11 {
        source.at_most(1)?;
        return clip_to(importer, source, x, [source.bound("min")?, source.bound("max")?]);
    }
    source.at_most(3)?;
    if source.has("min") || source.has("max") {
        return source.broken("has its bounds as attributes, which this operator set no longer knows");
    }
    let bounds = [source.input(1), source.input(2)];
    let constant = |id: Option<ValueId>| id.is_none_or(|id| importer.constant(id).is_some());
    if bounds.into_iter().all(constant) {
        let number = |id: Option<ValueId>| id.map(|id| importer.constant_number(id, "bound")).transpose();
        let numbers = [number(bounds[0])?, number(bounds[1])?];
        // Whole numbers beyond 24 bits are not all floats.
        let exact = |v: Option<f32>| v.is_none_or(|v| v.abs() < 16_777_216.0);
        if importer.fact(x).dtype.is_float() || numbers.into_iter().all(exact) {
            return clip_to(importer, source, x, numbers);
        }
    }
    // In this order, so that the upper bound wins where they cross.
    match bounds {
        [None, None] => importer.emit(source, Op::Identity, &[x]).map(drop),
        [Some(lo), None] => importer.emit(source, Op::Binary(Binary::Max), &[x, lo]).map(drop),
        [None, Some(hi)] => importer.emit(source, Op::Binary(Binary::Min), &[x, hi]).map(drop),
        [Some(lo), Some(hi)] => {
            let raised = importer.step(source, "raised", Op::Binary(Binary::Max), &[x, lo])?;
            importer.emit(source, Op::Binary(Binary::Min), &[raised, hi]).map(drop)
        }
    }
}

fn clip_to(importer: &mut Importer<'_>, source: &Source<'_>, x: ValueId, [lo, hi]: [Option<f32>; 2]) -> Done {
    if [lo, hi].into_iter().flatten().any(f32::is_nan) {
        return source.broken("has a bound that is not a number (NaN)");
    }
    // An infinite bound that never applies is none: the model file keeps finite numbers only. Exporters also write the largest float.
    let lo = lo.filter(|&v| v > f32::MIN);
    let hi = hi.filter(|&v| v < f32::MAX);
    if [lo, hi].into_iter().flatten().any(f32::is_infinite) {
        return source.broken("has bounds that leave nothing (infinite)");
    }
    // Where they cross the upper bound wins.
    let lo = lo.map(|lo| hi.map_or(lo, |hi| lo.min(hi)));
    importer.emit(source, Op::Unary(Unary::Clip { lo, hi }), &[x]).map(drop)
}

/// PRelu. A rank-1 slope as long as the channels means per channel, as old exporters write it.
pub(super) fn prelu(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, slope) = (source.required(0)?, source.required(1)?);
    let fact = importer.fact(x);
    if fact.dtype.is_float() || fact.poisoned {
        return importer.emit(source, Op::PRelu, &[x, slope]).map(drop);
    }
    let Some(zero) = Tensor::integers(fact.dtype, [], vec![0]) else { return unsupported("its operand has no zero") };
    let zero = importer.new_constant(source, "zero", zero)?;
    let negative = importer.step(source, "negative", Op::Binary(Binary::Less), &[x, zero])?;
    let scaled = importer.step(source, "scaled", Op::Binary(Binary::Mul), &[x, slope])?;
    importer.emit(source, Op::Where, &[negative, scaled, x]).map(drop)
}
