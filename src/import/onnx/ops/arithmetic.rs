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
    let operands = operands(importer, source)?;
    importer.emit(source, Op::Binary(binary), &operands).map(drop)
}

/// Mod: with the sign of the divisor, or (`fmod`) of the dividend.
pub(super) fn modulo(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let binary = if source.flag("fmod", false)? { Binary::Fmod } else { Binary::Mod };
    let operands = operands(importer, source)?;
    let fact = importer.fact(operands[0]);
    if binary == Binary::Mod && fact.dtype.is_float() && !fact.poisoned {
        return source.broken("takes the remainder of floats, for which `fmod` has to be 1");
    }
    importer.emit(source, Op::Binary(binary), &operands).map(drop)
}

/// The two operands of an operator, broadcast as NumPy does. Before opset 7 the attribute `axis` may say which axis of the first operand
/// the first of the second is aligned to; the second one then gets axes of size 1 behind its own.
pub(super) fn operands(importer: &mut Importer<'_>, source: &Source<'_>) -> Done<[ValueId; 2]> {
    source.at_most(2)?;
    let (a, b) = (source.required(0)?, source.required(1)?);
    if source.opset >= 7 {
        return match source.has("axis") || source.has("broadcast") {
            true => source.broken("has the attributes `axis` or `broadcast`, which this operator set no longer knows"),
            false => Ok([a, b]),
        };
    }
    if !source.flag("broadcast", false)? || !source.has("axis") {
        return Ok([a, b]);
    }
    let (Some(whole), Some(own)) = (importer.fact(a).rank, importer.fact(b).rank) else {
        return unsupported("it aligns its operands by `axis`, and their numbers of dimensions are not known");
    };
    let axis = source.axis(0)?;
    let axis = if axis < 0 { axis + whole as i64 } else { axis };
    let behind = usize::try_from(axis).ok().and_then(|axis| whole.checked_sub(axis)).and_then(|left| left.checked_sub(own));
    match behind {
        None => source.broken(&format!("aligns an operand of {own} dimensions to the axis {axis} of one of {whole}")),
        Some(0) => Ok([a, b]),
        Some(behind) => {
            let axes: Vec<i64> = (own..own + behind).map(|axis| axis as i64).collect();
            let axes = importer.indices(source, "axes", &axes)?;
            Ok([a, importer.step(source, "aligned", Op::Unsqueeze, &[b, axes])?])
        }
    }
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
