//! Pad: attributes before opset 11, operands since, axes since 18.

use crate::graph::{Op, PadMode};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source};
use crate::tensor::Tensor;

pub(super) fn pad(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mode = match source.text("mode", "constant")? {
        "constant" => PadMode::Constant,
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return source.broken(&format!("has the mode {other}")),
    };
    let mut operands = vec![x];
    if source.opset < 11 {
        source.at_most(1)?;
        let Some(pads) = source.ints("pads")?.or(source.ints("paddings")?) else { return source.broken("has no pads") };
        operands.push(importer.indices(source, "pads", pads)?);
        let value = source.float("value", 0.0)?;
        if value != 0.0 && mode == PadMode::Constant {
            operands.push(importer.new_constant(source, "value", Tensor::vector(vec![value]))?);
        }
    } else {
        source.at_most(4)?;
        operands.push(source.required(1)?);
        let (value, axes) = (source.input(2), source.input(3));
        match value.filter(|_| mode == PadMode::Constant) {
            Some(value) => operands.push(value),
            None if axes.is_some() => operands.push(importer.new_constant(source, "value", Tensor::vector(Vec::new()))?),
            None => {}
        }
        operands.extend(axes);
    }
    importer.emit(source, Op::Pad { mode }, &operands).map(drop)
}
