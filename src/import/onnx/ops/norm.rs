//! Normalisation: batch, local response, L2, softmax.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// Inference batch normalisation with constant parameters. `spatial = 0` (opset 7 and 8) with parameters of one entry per channel
/// is what old MXNet exporters write when they mean `spatial = 1`, and is taken so.
pub(super) fn batch_norm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(5)?;
    source.one_output(importer)?;
    if source.flag("training_mode", false)? {
        return unsupported("it is in training mode; export the model for inference (eval mode)");
    }
    let epsilon = source.float("epsilon", 1e-5)?;
    if epsilon < 0.0 {
        return source.broken(&format!("has a negative epsilon ({epsilon})"));
    }
    let mut operands = vec![source.required(0)?];
    let mut channels = None;
    for (index, what) in [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")] {
        let id = source.required(index)?;
        let tensor = importer.constant_operand(id, what)?;
        let shape = tensor.shape();
        if shape.rank() > 1 {
            return unsupported(format!("its {what} has the shape {shape}: one entry per channel is supported (spatial = 1)"));
        }
        if shape.rank() != 1 || channels.is_some_and(|c| c != tensor.len()) {
            return source.broken(&format!("has a {what} of the shape {shape}, unlike its other parameters"));
        }
        channels = Some(tensor.len());
        operands.push(id);
    }
    importer.emit(source, Op::BatchNorm { epsilon }, &operands).map(drop)
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

/// LpNormalization with p = 2. ONNX has no lower bound of the norm; this one is below the norm of any f32 vector that is not zero.
pub(super) fn lp_normalization(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    match source.int("p", 2)? {
        2 => importer.emit(source, Op::L2Normalize { axis: source.axis(-1)?, epsilon: 1e-30 }, &[x]).map(drop),
        p => unsupported(format!("its norm has p = {p}; 2 is supported")),
    }
}

/// Softmax: before opset 13 over everything from the axis on (default 1), since then over one axis (default -1).
pub(super) fn softmax(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let op = if source.opset >= 13 {
        Op::Softmax { axis: source.axis(-1)?, flatten: false }
    } else {
        let axis = source.axis(1)?;
        let last = axis == -1 || importer.fact(x).rank.is_some_and(|r| axis == r as i64 - 1);
        Op::Softmax { axis, flatten: !last }
    };
    importer.emit(source, op, &[x]).map(drop)
}
