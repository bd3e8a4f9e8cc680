//! Gather, GatherElements and GatherND.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source};

pub(super) fn gather(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    let op = match source.node.op_type.as_str() {
        "GatherElements" => Op::GatherElements { axis: source.axis(0)? },
        "GatherND" => Op::GatherNd { batch_dims: source.checked_size("batch_dims", source.int("batch_dims", 0)?, 0)? },
        _ => Op::Gather { axis: source.axis(0)? },
    };
    importer.emit(source, op, &operands).map(drop)
}
