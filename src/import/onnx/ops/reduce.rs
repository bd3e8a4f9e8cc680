//! Reductions. Axes are an attribute before opset 18 (ReduceSum: 13), an operand since.

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
        "ReduceProd" => Reduction::Prod,
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceSumSquare" => Reduction::SumSquare,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        _ => return unsupported(""),
    };
    let x = source.required(0)?;
    let as_operand = source.opset >= if name == "ReduceSum" { 13 } else { 18 };
    let mut operands = vec![x];
    let mut axes = Vec::new();
    if as_operand {
        source.at_most(2)?;
        if source.has("axes") {
            return source.broken("has its axes as an attribute, which this operator set no longer knows");
        }
        match source.input(1) {
            Some(id) if importer.constant(id).is_some() => axes = importer.constant_ints(id, "axes")?,
            computed => operands.extend(computed),
        }
    } else {
        source.at_most(1)?;
        axes = source.ints("axes")?.unwrap_or_default().to_vec();
    }
    if axes.iter().any(|a| a.abs_diff(0) > 64) {
        return source.broken(&format!("has the axes {axes:?}"));
    }
    let none_if_empty = as_operand && source.flag("noop_with_empty_axes", false)?;
    let keep_dims = source.flag("keepdims", true)?;
    // Over no axes, what has no step but the reduction does nothing; the others still take a root, a square or a logarithm.
    let steps = matches!(kind, Reduction::L1 | Reduction::L2 | Reduction::SumSquare | Reduction::LogSum | Reduction::LogSumExp);
    if none_if_empty && axes.is_empty() && operands.len() == 1 && !steps {
        return importer.alias(source, x);
    }
    importer.emit(source, Op::Reduce { kind, axes, keep_dims, none_if_empty }, &operands).map(drop)
}
