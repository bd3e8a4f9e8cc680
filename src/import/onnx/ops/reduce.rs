//! Reductions. Axes are an attribute before opset 18 (ReduceSum: 13), a constant operand since.

use crate::graph::{Op, Reduction};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

pub(super) const ATTRIBUTES: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];

pub(super) fn reduce(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let name = source.node.op_type.as_str();
    let kind = match name {
        "ReduceMean" => Reduction::Mean,
        "ReduceSum" => Reduction::Sum,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceSumSquare" => Reduction::SumSquare,
        _ => return unsupported(""),
    };
    let x = source.required(0)?;
    let as_operand = source.opset >= if name == "ReduceSum" { 13 } else { 18 };
    let axes = if as_operand {
        source.at_most(2)?;
        if source.has("axes") {
            return source.broken("has its axes as an attribute, which this operator set no longer knows");
        }
        source.input(1).map(|id| importer.constant_ints(id, "axes")).transpose()?.unwrap_or_default()
    } else {
        source.at_most(1)?;
        source.ints("axes")?.unwrap_or_default().to_vec()
    };
    if axes.iter().any(|a| a.abs_diff(0) > 64) {
        return source.broken(&format!("has the axes {axes:?}"));
    }
    if axes.is_empty() && as_operand && source.flag("noop_with_empty_axes", false)? {
        return importer.alias(source, x);
    }
    let keep_dims = source.flag("keepdims", true)?;
    importer.emit(source, Op::Reduce { kind, axes, keep_dims }, &[x]).map(drop)
}
