//! Operators that move elements: Concat, Split, Slice, Gather, Expand; and those that do nothing: Identity, Dropout.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

pub(super) fn identity(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    match importer.constant(x) {
        Some(_) => importer.alias(source, x),
        None => importer.emit(source, Op::Identity, &[x]).map(drop),
    }
}

/// Dropout does nothing at inference. The ratio does not matter then; a constant training flag has to be off.
pub(super) fn dropout(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    source.one_output(importer)?;
    let x = source.required(0)?;
    if let Some(training) = source.input(2)
        && importer.constant_number(training, "training mode")? != 0.0
    {
        return unsupported("it is in training mode; export the model for inference (eval mode)");
    }
    importer.emit(source, Op::Identity, &[x]).map(drop)
}

pub(super) fn concat(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    if !source.has("axis") {
        return source.broken("has no axis");
    }
    let operands = (0..source.inputs.len().max(1)).map(|i| source.required(i)).collect::<Done<Vec<_>>>()?;
    importer.emit(source, Op::Concat { axis: source.axis(0)? }, &operands).map(drop)
}

/// Split: sizes are an attribute before opset 13, a constant operand since; `num_outputs` (18) asks for equal parts.
pub(super) fn split(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let axis = source.axis(0)?;
    let sizes = if source.opset >= 13 {
        source.at_most(2)?;
        source.input(1).map(|id| importer.constant_ints(id, "sizes")).transpose()?.unwrap_or_default()
    } else {
        source.at_most(1)?;
        source.ints("split")?.unwrap_or_default().to_vec()
    };
    let outputs = source.node.output.len();
    let parts = source.int("num_outputs", outputs as i64)?;
    if parts != outputs as i64 || (!sizes.is_empty() && sizes.len() != outputs) {
        return source.broken(&format!("has {outputs} outputs, but splits into another number of parts"));
    }
    let mut parts = Vec::with_capacity(sizes.len());
    for v in sizes {
        match usize::try_from(v) {
            Ok(n) => parts.push(n),
            Err(_) => return source.broken(&format!("has a part of the size {v}")),
        }
    }
    importer.emit_all(source, Op::Split { axis, sizes: parts }, &[x]).map(drop)
}

/// Slice: attributes before opset 10, operands since.
pub(super) fn slice(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mut operands = vec![x];
    if source.opset < 10 {
        source.at_most(1)?;
        let (Some(starts), Some(ends)) = (source.ints("starts")?, source.ints("ends")?) else {
            return source.broken("has no starts or ends");
        };
        let axes = source.ints("axes")?;
        if starts.len() != ends.len() || axes.is_some_and(|a| a.len() != starts.len()) {
            return source.broken("has starts, ends and axes of different lengths");
        }
        operands.push(importer.indices(source, "starts", starts)?);
        operands.push(importer.indices(source, "ends", ends)?);
        if let Some(axes) = axes {
            operands.push(importer.indices(source, "axes", axes)?);
        }
    } else {
        source.at_most(5)?;
        operands.push(source.required(1)?);
        operands.push(source.required(2)?);
        let (axes, steps) = (source.input(3), source.input(4));
        match (axes, steps) {
            (Some(axes), _) => operands.push(axes),
            (None, Some(_)) => operands.push(importer.indices(source, "axes", &[])?),
            (None, None) => {}
        }
        operands.extend(steps);
    }
    importer.emit(source, Op::Slice, &operands).map(drop)
}

pub(super) fn expand(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    importer.emit(source, Op::Expand, &operands).map(drop)
}

pub(super) fn gather(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    importer.emit(source, Op::Gather { axis: source.axis(0)? }, &operands).map(drop)
}
