//! Element-wise functions of several operands, broadcast as NumPy does.

use crate::graph::{Binary, Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{Data, Tensor};

/// Operators of exactly two operands.
pub(super) fn binary(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let binary = match source.node.op_type.as_str() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        _ => return unsupported(""),
    };
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    importer.emit(source, Op::Binary(binary), &operands).map(drop)
}

/// Max, Min, Sum and Mean of any number of operands, as a chain from left to right.
pub(super) fn variadic(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let name = source.node.op_type.as_str();
    let binary = match name {
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        "Sum" | "Mean" => Binary::Add,
        _ => return unsupported(""),
    };
    let operands: Vec<ValueId> = (0..source.inputs.len()).map(|i| source.required(i)).collect::<Done<_>>()?;
    let Some((&first, rest)) = operands.split_first() else { return source.broken("has no operand") };
    let Some((&last, middle)) = rest.split_last() else { return importer.alias(source, first) };
    let mut sum = first;
    for &operand in middle {
        sum = importer.step(source, "partial", Op::Binary(binary), &[sum, operand])?;
    }
    if name != "Mean" {
        return importer.emit(source, Op::Binary(binary), &[sum, last]).map(drop);
    }
    sum = importer.step(source, "sum", Op::Binary(binary), &[sum, last])?;
    let factor = Tensor::new([], Data::F32(vec![1.0 / operands.len() as f32]));
    let Some(factor) = factor else { return source.broken("has too many operands") };
    let factor = importer.new_constant(source, "factor", factor)?;
    importer.emit(source, Op::Binary(Binary::Mul), &[sum, factor]).map(drop)
}
