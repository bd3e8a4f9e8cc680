//! Where the maxima of windows lie.

use super::window::Span;
use crate::graph::Pool;
use crate::reference::Array;
use crate::reference::select::arg::extreme;

/// For every window the index of its first maximum in the flattened picture (N, C, H, W); `column_major` counts the columns of H before
/// the rows. A window without cells gives 0.
pub(in crate::reference) fn argmax(pool: &Pool, column_major: bool, x: &Array, out: &[usize]) -> Vec<f64> {
    let [h, w] = [x.shape[2], x.shape[3]];
    let rows: Vec<_> = (0..out[2]).map(|y| Span::new(pool, 0, h, y)).collect();
    let columns: Vec<_> = (0..out[3]).map(|x| Span::new(pool, 1, w, x)).collect();
    let mut y = Vec::with_capacity(out.iter().product());
    for (plane, source) in x.data.chunks(h * w).enumerate() {
        for (row, column) in rows.iter().flat_map(|r| columns.iter().map(move |c| (r, c))) {
            let cells: Vec<_> = row.cells().flat_map(|r| column.cells().map(move |c| (r, c))).collect();
            let values: Vec<f64> = cells.iter().map(|&(r, c)| source[r * w + c]).collect();
            let index = |&(r, c): &(usize, usize)| plane * h * w + if column_major { c * h + r } else { r * w + c };
            y.push(cells.get(extreme(&values, true, false)).map_or(0, index) as f64);
        }
    }
    y
}
