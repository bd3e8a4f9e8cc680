//! Pooling in windows and over the whole picture.

use super::window;
use crate::graph::{Op, Pool, PoolKind, Reduction};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// MaxPool. `storage_order` only concerns the indices, which are a second output that nobody may use.
pub(super) fn max(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.one_output(importer)?;
    windowed(importer, source, PoolKind::Max, false)
}

pub(super) fn average(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let include = source.flag("count_include_pad", false)?;
    windowed(importer, source, PoolKind::Average, include)
}

pub(super) fn lp(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    require_p2(source)?;
    windowed(importer, source, PoolKind::L2, false)
}

fn windowed(importer: &mut Importer<'_>, source: &Source<'_>, kind: PoolKind, count_include_pad: bool) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let geometry = window::geometry(source, None)?;
    let ceil = source.flag("ceil_mode", false)?;
    let op = Op::Pool(Pool { kind, window: geometry.window, ceil, count_include_pad });
    window::emit(importer, source, op, &[x], geometry.one_axis)
}

/// Global pooling. Over one spatial axis it is a reduction.
pub(super) fn global(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let (kind, reduction) = match source.node.op_type.as_str() {
        "GlobalAveragePool" => (PoolKind::Average, Reduction::Mean),
        "GlobalMaxPool" => (PoolKind::Max, Reduction::Max),
        "GlobalLpPool" => {
            require_p2(source)?;
            (PoolKind::L2, Reduction::L2)
        }
        _ => return unsupported(""),
    };
    let op = match importer.fact(x).rank {
        Some(3) => Op::Reduce { kind: reduction, axes: vec![2], keep_dims: true },
        Some(4) | None => Op::GlobalPool(kind),
        Some(rank) if rank > 4 => return unsupported(format!("it has {} spatial axes; one and two are supported", rank - 2)),
        Some(rank) => return source.broken(&format!("pools an operand of {rank} dimensions")),
    };
    importer.emit(source, op, &[x]).map(drop)
}

fn require_p2(source: &Source<'_>) -> Done {
    match source.int("p", 2)? {
        2 => Ok(()),
        p => unsupported(format!("its norm has p = {p}; 2 is supported")),
    }
}
