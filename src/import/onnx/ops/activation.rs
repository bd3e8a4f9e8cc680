//! Element-wise functions of one operand, and PRelu.

use crate::graph::{Op, Unary};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// Functions whose parameters are attributes.
pub(super) fn plain(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let unary = match source.node.op_type.as_str() {
        "Relu" => Unary::Relu,
        "LeakyRelu" => Unary::LeakyRelu { alpha: source.float("alpha", 0.01)? },
        "Elu" => Unary::Elu { alpha: source.float("alpha", 1.0)? },
        "Sigmoid" => Unary::Sigmoid,
        "HardSigmoid" => Unary::HardSigmoid { alpha: source.float("alpha", 0.2)?, beta: source.float("beta", 0.5)? },
        "HardSwish" => Unary::HardSwish,
        "Tanh" => Unary::Tanh,
        "Softplus" => Unary::Softplus,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Abs" => Unary::Abs,
        "Neg" => Unary::Neg,
        _ => return unsupported(""),
    };
    source.at_most(1)?;
    let x = source.required(0)?;
    importer.emit(source, Op::Unary(unary), &[x]).map(drop)
}

/// Clip: bounds are attributes before opset 11, constant operands since.
pub(super) fn clip(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let (lo, hi) = if source.opset < 11 {
        source.at_most(1)?;
        (source.bound("min")?, source.bound("max")?)
    } else {
        source.at_most(3)?;
        let bound = |index| source.input(index).map(|id| importer.constant_number(id, "bound")).transpose();
        (bound(1)?, bound(2)?)
    };
    if [lo, hi].into_iter().flatten().any(f32::is_nan) {
        return source.broken("has a bound that is not a number (NaN)");
    }
    // An infinite bound that never applies is none: the model file keeps finite numbers only. Exporters also write the largest float.
    let lo = lo.filter(|&v| v > f32::MIN);
    let hi = hi.filter(|&v| v < f32::MAX);
    if [lo, hi].into_iter().flatten().any(f32::is_infinite) {
        return source.broken("has bounds that leave nothing (infinite)");
    }
    importer.emit(source, Op::Unary(Unary::Clip { lo, hi }), &[x]).map(drop)
}

/// PRelu with a constant slope. A rank-1 slope as long as the channels means per channel, as old exporters write it.
pub(super) fn prelu(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, slope) = (source.required(0)?, source.required(1)?);
    importer.constant_operand(slope, "slope")?;
    importer.emit(source, Op::PRelu, &[x, slope]).map(drop)
}
