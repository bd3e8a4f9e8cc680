//! Conversions between element types. All floats are f32 here: a conversion between float types changes nothing.

use crate::graph::{Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::import::onnx::tensor::{dtype_of, type_name};
use crate::tensor::DType;

/// Cast between floats, whole numbers and truth values. Saturation and rounding are choices of 8-bit floats only.
pub(super) fn cast(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let target = source.int("to", 0)?;
    let target = i32::try_from(target).unwrap_or_default();
    let to = match dtype_of(target) {
        Some(to) => to,
        None if target == 0 => return source.broken("does not say to which type"),
        None => return unsupported(format!("it casts to {}", type_name(target))),
    };
    convert(importer, source, x, to)
}

/// Cast to the type of the second operand, whose content does not matter.
pub(super) fn cast_like(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, like) = (source.required(0)?, source.required(1)?);
    let to = importer.fact(like).dtype;
    convert(importer, source, x, to)
}

fn convert(importer: &mut Importer<'_>, source: &Source<'_>, x: ValueId, to: DType) -> Done {
    match importer.constant(x) {
        Some(t) if t.dtype() == to => importer.alias(source, x),
        _ => importer.emit(source, Op::Cast { to }, &[x]).map(drop),
    }
}
