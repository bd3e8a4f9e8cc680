//! Pooling in windows and over the whole picture.

use super::window::{self, Axes};
use crate::graph::{Op, Pool, PoolKind, Reduction, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// MaxPool; its second output holds the places of the maxima, which `storage_order` counts by rows or columns.
pub(super) fn max(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let column_major = source.flag("storage_order", false)?;
    windowed(importer, source, PoolKind::Max, false)?;
    let name = source.output(1);
    if name.is_empty() || !importer.is_read(name) {
        return Ok(());
    }
    let axes = window::axes(source, None)?;
    if axes.count() > 2 {
        return unsupported(format!("its output of indices is used and it has {} spatial axes; one and two are supported", axes.count()));
    }
    let geometry = window::geometry(source, None)?;
    let pool = Pool { kind: PoolKind::Max, window: geometry.window, ceil: source.flag("ceil_mode", false)?, count_include_pad: false };
    // Of one row, rows and columns are counted alike.
    let op = Op::PoolArgMax { pool, column_major: column_major && !geometry.one_axis };
    window::emit_at(importer, source, 1, op, &[source.required(0)?], geometry.one_axis)
}

pub(super) fn average(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let include = source.flag("count_include_pad", false)?;
    windowed(importer, source, PoolKind::Average, include)
}

pub(super) fn lp(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let kind = norm(source)?;
    windowed(importer, source, kind, false)
}

fn windowed(importer: &mut Importer<'_>, source: &Source<'_>, kind: PoolKind, count_include_pad: bool) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let axes = window::axes(source, None)?;
    let ceil = source.flag("ceil_mode", false)?;
    let pool = |window| Op::Pool(Pool { kind, window, ceil, count_include_pad });
    match axes.count() {
        1 => window::emit(importer, source, pool(axes.window([None, Some(0)])), &[x], true),
        2 => window::emit(importer, source, pool(axes.window([Some(0), Some(1)])), &[x], false),
        3 => volume(importer, source, &axes, pool, x),
        n => unsupported(format!("it has {n} spatial axes; one to three are supported")),
    }
}

/// Three spatial axes, as pooling over height and width and then over depth: maxima of maxima are maxima, sums of sums are sums, and the
/// cells of a window count as the product of those along each axis.
fn volume(importer: &mut Importer<'_>, source: &Source<'_>, axes: &Axes, pool: impl Fn(crate::graph::Window) -> Op, x: ValueId) -> Done {
    if importer.fact(x).rank.is_some_and(|r| r != 5) {
        return source.broken(&format!("takes 5 dimensions, but its operand has {}", importer.fact(x).rank.unwrap_or_default()));
    }
    let rest = importer.indices(source, "rest", &[-1])?;
    let shape = |importer: &mut Importer<'_>, what: &str, of: ValueId, start: i64, end: i64| {
        importer.step(source, what, Op::Shape { start, end: Some(end) }, &[of])
    };
    let reshape = Op::Reshape { allow_zero: false };
    // Every slice is a channel of its own.
    let (batch, slice) = (shape(importer, "batch", x, 0, 1)?, shape(importer, "slice", x, 3, 5)?);
    let target = importer.step(source, "slices_shape", Op::Concat { axis: 0 }, &[batch, rest, slice])?;
    let slices = importer.step(source, "slices", reshape.clone(), &[x, target])?;
    let pooled = importer.step(source, "pooled", pool(axes.window([Some(1), Some(2)])), &[slices])?;
    // Every picture is a column of slices.
    let outer = shape(importer, "outer", x, 0, 3)?;
    let target = importer.step(source, "columns_shape", Op::Concat { axis: 0 }, &[outer, rest])?;
    let columns = importer.step(source, "columns", reshape.clone(), &[pooled, target])?;
    let pooled_depth = importer.step(source, "depth", pool(axes.window([Some(0), None])), &[columns])?;
    let (outer, slice) = (shape(importer, "new_outer", pooled_depth, 0, 3)?, shape(importer, "new_slice", pooled, 2, 4)?);
    let target = importer.step(source, "shape", Op::Concat { axis: 0 }, &[outer, slice])?;
    importer.emit(source, reshape, &[pooled_depth, target]).map(drop)
}

/// Global pooling. Over other than two spatial axes it is a reduction where there is one.
pub(super) fn global(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let kind = match source.node.op_type.as_str() {
        "GlobalAveragePool" => PoolKind::Average,
        "GlobalMaxPool" => PoolKind::Max,
        "GlobalLpPool" => norm(source)?,
        _ => return unsupported(""),
    };
    let reduction = match kind {
        PoolKind::Average => Some(Reduction::Mean),
        PoolKind::Max => Some(Reduction::Max),
        PoolKind::L2 => Some(Reduction::L2),
        PoolKind::Lp(1) => Some(Reduction::L1),
        PoolKind::Lp(_) => None,
    };
    let op = match (importer.fact(x).rank, reduction) {
        (Some(rank), _) if rank < 3 => return source.broken(&format!("pools an operand of {rank} dimensions")),
        (Some(rank), Some(kind)) if rank != 4 => {
            Op::Reduce { kind, axes: (2..rank as i64).collect(), keep_dims: true, none_if_empty: false }
        }
        _ => Op::GlobalPool(kind),
    };
    importer.emit(source, op, &[x]).map(drop)
}

/// The norm that the attribute p gives.
fn norm(source: &Source<'_>) -> Done<PoolKind> {
    match u32::try_from(source.size("p", 2)?) {
        Ok(2) => Ok(PoolKind::L2),
        Ok(p) => Ok(PoolKind::Lp(p)),
        Err(_) => source.broken("has a norm that is too large"),
    }
}
