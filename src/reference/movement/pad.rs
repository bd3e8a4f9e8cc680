//! Adding and removing cells at the borders.

use super::integers;
use crate::error::{Error, Result};
use crate::graph::PadMode;
use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::tensor::strides;

/// Cells are removed first; a mirror or repeated edge then starts from what is left.
pub(in crate::reference) fn pad(mode: PadMode, inputs: &[&Array], out: &[usize]) -> Result<Vec<f64>> {
    let x = inputs[0];
    let value = inputs.get(2).and_then(|a| a.data.first()).copied().unwrap_or(0.0);
    let pads = integers(inputs, 1).unwrap_or_default();
    let pads = geometry::pad_axes(x.shape.rank(), &pads, integers(inputs, 3).as_deref()).map_err(Error::Model)?;
    // The offset that each output place adds along each axis; `None` = the constant.
    let own = strides(&x.shape);
    let source = |axis: usize| -> Vec<Option<usize>> {
        let cell = |place| source_cell(mode, place, x.shape[axis], pads[axis]).map(|cell| cell * own[axis]);
        (0..out[axis]).map(cell).collect()
    };
    let tables: Vec<_> = (0..out.len()).map(source).collect();
    let own_out = strides(out);
    let element = |i: usize| {
        let offset = tables.iter().zip(&own_out).zip(out).map(|((table, s), n)| table[i / s % n]).sum::<Option<usize>>();
        offset.map_or(value, |o| x.data[o])
    };
    Ok((0..out.iter().product()).map(element).collect())
}

fn source_cell(mode: PadMode, place: usize, n: usize, (before, after): (i64, i64)) -> Option<usize> {
    let n = n as i64;
    let (first, last) = ((-before).max(0), n - 1 + after.min(0));
    let cell = place as i64 - before;
    let cell = match mode {
        _ if (first..=last).contains(&cell) => cell,
        PadMode::Constant => return None,
        PadMode::Wrap => first + (cell - first).rem_euclid(last - first + 1),
        PadMode::Edge => cell.max(first).min(last),
        PadMode::Reflect if first == last => first,
        // There and back again, as often as it takes; the edges are not doubled.
        PadMode::Reflect => last - (last - first - (cell - first).rem_euclid(2 * (last - first))).abs(),
    };
    usize::try_from(cell).ok()
}
