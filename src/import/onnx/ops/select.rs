//! Extremes, order and running sums along an axis.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source};

/// ArgMax and ArgMin.
pub(super) fn arg_reduce(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let op = Op::ArgReduce {
        axis: source.axis(0)?,
        keep_dims: source.flag("keepdims", true)?,
        largest: source.node.op_type == "ArgMax",
        last: source.flag("select_last_index", false)?,
    };
    importer.emit(source, op, &[x]).map(drop)
}

/// TopK: the places are computed, the values picked by them. k is an attribute before opset 10, an operand since. Unsorted results may
/// come in any order, so they come sorted too.
pub(super) fn top_k(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let k = if source.opset < 10 {
        source.at_most(1)?;
        if !source.has("k") {
            return source.broken("has no k");
        }
        let k = source.int("k", 0)?;
        importer.indices(source, "k", &[k])?
    } else {
        source.at_most(2)?;
        source.required(1)?
    };
    let axis = source.axis(-1)?;
    source.flag("sorted", true)?;
    let places = importer.emit_at(source, 1, Op::TopK { axis, largest: source.flag("largest", true)? }, &[x, k])?;
    if source.output(0).is_empty() {
        return Ok(());
    }
    importer.emit(source, Op::GatherElements { axis }, &[x, places]).map(drop)
}

pub(super) fn cum_sum(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    let op = Op::CumSum { exclusive: source.flag("exclusive", false)?, reverse: source.flag("reverse", false)? };
    importer.emit(source, op, &operands).map(drop)
}
