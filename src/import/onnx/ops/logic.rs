//! Comparisons, truth values, and what chooses by them.

use crate::graph::{Binary, Op, Unary};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::ops::arithmetic;
use crate::import::onnx::source::{Done, Source, unsupported};

/// Comparisons, And, Or and Xor.
pub(super) fn binary(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let binary = match source.node.op_type.as_str() {
        "And" => Binary::And,
        "Equal" => Binary::Equal,
        "Greater" => Binary::Greater,
        "GreaterOrEqual" => Binary::GreaterOrEqual,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessOrEqual,
        "Or" => Binary::Or,
        "Xor" => Binary::Xor,
        _ => return unsupported(""),
    };
    let operands = arithmetic::operands(importer, source)?;
    importer.emit(source, Op::Binary(binary), &operands).map(drop)
}

/// Not, IsNaN and IsInf.
pub(super) fn unary(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let unary = match source.node.op_type.as_str() {
        "IsInf" => Unary::IsInf { negative: source.flag("detect_negative", true)?, positive: source.flag("detect_positive", true)? },
        "IsNaN" => Unary::IsNan,
        "Not" => Unary::Not,
        _ => return unsupported(""),
    };
    source.at_most(1)?;
    let x = source.required(0)?;
    importer.emit(source, Op::Unary(unary), &[x]).map(drop)
}

pub(super) fn choice(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let operands = [source.required(0)?, source.required(1)?, source.required(2)?];
    importer.emit(source, Op::Where, &operands).map(drop)
}
