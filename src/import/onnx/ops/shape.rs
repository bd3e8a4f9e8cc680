//! Operators that change the shape and not the order of elements, Transpose, and Shape.

use super::linear::transposed;
use crate::graph::{Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::facts::free_batch;
use crate::import::onnx::source::{Done, Source};

pub(super) fn flatten(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    importer.emit(source, Op::Flatten { axis: source.axis(1)? }, &[x]).map(drop)
}

/// Reshape. A constant target that repeats the batch which the exporter froze is freed of it.
pub(super) fn reshape(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, mut shape) = (source.required(0)?, source.required(1)?);
    let mut allow_zero = source.flag("allowzero", false)?;
    if importer.constant(shape).is_some() {
        let target = importer.constant_ints(shape, "new dimensions")?;
        if target.iter().any(|&d| d < -1) || target.iter().filter(|&&d| d == -1).count() > 1 {
            return source.broken(&format!("reshapes to {target:?}"));
        }
        // Without a zero both meanings are the same; the common one lets the batch be copied.
        allow_zero &= target.contains(&0);
        if let Some(free) = free_batch(&target, importer.fact(x).flow, allow_zero, importer.frozen_batch) {
            shape = importer.indices(source, "shape", &free)?;
        }
    }
    importer.emit(source, Op::Reshape { allow_zero }, &[x, shape]).map(drop)
}

/// Transpose. Of a constant matrix it is done here, so that exporters may write a linear layer as MatMul of a Transpose.
pub(super) fn transpose(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let mut perm = Vec::new();
    for &p in source.ints("perm")?.unwrap_or_default() {
        perm.push(source.checked_size("perm", p, 0)?);
    }
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted.iter().enumerate().any(|(i, &p)| i != p) {
        return source.broken(&format!("has the perm {perm:?}, which is not a permutation"));
    }
    let name = source.output(0);
    match importer.constant(x) {
        Some(t) if t.shape().rank() == 2 && matches!(*perm, [] | [1, 0]) && !name.is_empty() && !importer.is_output(name) => {
            let turned = transposed(&t);
            importer.book(name, &turned)?;
            importer.add_constant(name, turned);
            Ok(())
        }
        _ => importer.emit(source, Op::Transpose { perm }, &[x]).map(drop),
    }
}

/// Axes: an attribute before opset 13, an operand since.
fn axes(importer: &mut Importer<'_>, source: &Source<'_>) -> Done<Option<ValueId>> {
    if source.opset >= 13 {
        source.at_most(2)?;
        if source.has("axes") {
            return source.broken("has its axes as an attribute, which this operator set no longer knows");
        }
        return Ok(source.input(1));
    }
    source.at_most(1)?;
    match source.ints("axes")? {
        Some(axes) => importer.indices(source, "axes", axes).map(Some),
        None => Ok(None),
    }
}

pub(super) fn squeeze(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let mut operands = vec![source.required(0)?];
    operands.extend(axes(importer, source)?);
    importer.emit(source, Op::Squeeze, &operands).map(drop)
}

pub(super) fn unsqueeze(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    match axes(importer, source)? {
        Some(axes) => importer.emit(source, Op::Unsqueeze, &[x, axes]).map(drop),
        None => source.broken("has no axes"),
    }
}

/// The number of elements, as a scalar: the shape of x in one row.
pub(super) fn size(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let row = importer.step(source, "row", Op::Flatten { axis: 0 }, &[x])?;
    let length = importer.step(source, "length", Op::Shape { start: 1, end: None }, &[row])?;
    importer.emit(source, Op::Squeeze, &[length]).map(drop)
}

/// Shape; a part of it since opset 15.
pub(super) fn shape(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let start = source.int("start", 0)?;
    let end = if source.has("end") { Some(source.int("end", 0)?) } else { None };
    importer.emit(source, Op::Shape { start, end }, &[x]).map(drop)
}
