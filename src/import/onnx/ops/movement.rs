//! Operators that move elements: Concat, Split, Slice, Expand, Tile, blocks of channels; and those that do nothing: Identity, Dropout.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::DType;

pub(super) fn identity(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    match importer.constant(x) {
        Some(_) => importer.alias(source, x),
        None => importer.emit(source, Op::Identity, &[x]).map(drop),
    }
}

/// Dropout does nothing at inference. The ratio does not matter then; with training on it has to be 0.
pub(super) fn dropout(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let x = source.required(0)?;
    let op = training(importer, source)?;
    let operands = match op {
        Op::Dropout => vec![x, source.required(1)?, source.required(2)?],
        _ => vec![x],
    };
    importer.emit(source, op, &operands)?;
    if source.output(1).is_empty() {
        return Ok(());
    }
    // Nothing was dropped: the mask is true everywhere. Before opset 10 it has the type of x.
    let dtype = if source.opset < 10 { importer.fact(x).dtype } else { DType::Bool };
    let shape = importer.step(source, "shape", Op::Shape { start: 0, end: None }, &[x])?;
    importer.emit_at(source, 1, Op::ConstantOfShape { value: 1.0, dtype }, &[shape]).map(drop)
}

/// [`Op::Identity`], or [`Op::Dropout`] when only the operands will tell.
fn training(importer: &Importer<'_>, source: &Source<'_>) -> Done<Op> {
    let Some(training) = source.input(2) else { return Ok(Op::Identity) };
    if importer.constant(training).is_none() {
        return if source.input(1).is_some() {
            Ok(Op::Dropout)
        } else {
            unsupported("its training mode is not a constant; export the model for inference (eval mode)")
        };
    }
    if importer.constant_number(training, "training mode")? == 0.0 {
        return Ok(Op::Identity);
    }
    match source.input(1) {
        Some(ratio) if importer.constant_number(ratio, "ratio")? == 0.0 => Ok(Op::Identity),
        _ => unsupported("it is in training mode; export the model for inference (eval mode)"),
    }
}

pub(super) fn concat(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    if !source.has("axis") {
        return source.broken("has no axis");
    }
    let operands = (0..source.inputs.len().max(1)).map(|i| source.required(i)).collect::<Done<Vec<_>>>()?;
    importer.emit(source, Op::Concat { axis: source.axis(0)? }, &operands).map(drop)
}

/// Split: sizes are an attribute before opset 13, an operand since; `num_outputs` (18) asks for equal parts.
pub(super) fn split(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let axis = source.axis(0)?;
    let outputs = source.node.output.len();
    let uneven = || source.broken(&format!("has {outputs} outputs, but splits into another number of parts"));
    if source.int("num_outputs", outputs as i64)? != outputs as i64 {
        return uneven();
    }
    let mut operands = vec![x];
    let mut sizes = Vec::new();
    if source.opset >= 13 {
        source.at_most(2)?;
        match source.input(1) {
            Some(id) if importer.constant(id).is_some() => sizes = importer.constant_ints(id, "sizes")?,
            computed => operands.extend(computed),
        }
    } else {
        source.at_most(1)?;
        sizes = source.ints("split")?.unwrap_or_default().to_vec();
    }
    if !sizes.is_empty() && sizes.len() != outputs {
        return uneven();
    }
    let mut parts = Vec::with_capacity(sizes.len());
    for v in sizes {
        match usize::try_from(v) {
            Ok(n) => parts.push(n),
            Err(_) => return source.broken(&format!("has a part of the size {v}")),
        }
    }
    importer.emit_all(source, Op::Split { axis, sizes: parts }, &operands).map(drop)
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

pub(super) fn tile(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    importer.emit(source, Op::Tile, &operands).map(drop)
}

/// DepthToSpace and SpaceToDepth.
pub(super) fn blocks(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    if !source.has("blocksize") {
        return source.broken("has no blocksize");
    }
    let block = source.size("blocksize", 1)?;
    let column_row_depth = match source.text("mode", "DCR")? {
        "DCR" => false,
        "CRD" => true,
        other => return source.broken(&format!("has the mode {other}")),
    };
    let op = match source.node.op_type.as_str() {
        "SpaceToDepth" => Op::SpaceToDepth { block, column_row_depth },
        _ => Op::DepthToSpace { block, column_row_depth },
    };
    importer.emit(source, op, &[x]).map(drop)
}
