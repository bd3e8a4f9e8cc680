//! Pooling over windows. Cells outside the picture never enter; with `count_include_pad` padding cells count in the divisor of the
//! mean, while cells beyond the padding (which a rounded-up output size can reach) do not.

use super::gather;
use crate::graph::{Pool, PoolKind};
use crate::reference::Array;
use crate::reference::parallel::for_each_plane;

/// Maximum, average and L2 pooling.
pub(in crate::reference) fn pool(pool: &Pool, x: &Array, out: &[usize]) -> Vec<f64> {
    let cells = [x.shape[2], x.shape[3]];
    let rows: Vec<_> = (0..out[2]).map(|y| Span::new(pool, 0, cells[0], y)).collect();
    let columns: Vec<_> = (0..out[3]).map(|x| Span::new(pool, 1, cells[1], x)).collect();
    let (plane, kernel) = (out[2] * out[3], pool.window.kernel[0] * pool.window.kernel[1]);
    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, plane, plane * kernel, |index, values| {
        let source = &x.data[index * cells[0] * cells[1]..][..cells[0] * cells[1]];
        for (v, (row, column)) in values.iter_mut().zip(rows.iter().flat_map(|r| columns.iter().map(move |c| (r, c)))) {
            let inside = row.cells().flat_map(|r| column.cells().map(move |c| source[r * cells[1] + c]));
            let divisor = row.counted * column.counted;
            *v = match (pool.kind, row.count * column.count) {
                // A dilated window can step over the picture altogether.
                (PoolKind::Max, 0) => x.dtype.range().map_or(f64::from(f32::MIN), |r| r.0 as f64),
                (PoolKind::Average, 0) => 0.0,
                _ => gather(pool.kind, inside, divisor),
            };
        }
    });
    y
}

/// The cells of one window along one axis.
pub(super) struct Span {
    first: usize,
    step: usize,
    count: usize,
    /// Cells in the divisor of the mean.
    counted: usize,
}

impl Span {
    pub(super) fn new(pool: &Pool, axis: usize, n: usize, place: usize) -> Self {
        let window = &pool.window;
        let (before, after) = window.padding(axis, n);
        let step = window.dilation[axis];
        // Places in the padded axis.
        let taps = (0..window.kernel[axis]).map(|k| place * window.stride[axis] + k * step);
        let inside: Vec<_> = taps.clone().filter(|&p| p >= before && p < before + n).collect();
        let padded = taps.filter(|&p| p < before + n + after).count();
        let counted = if pool.count_include_pad { padded } else { inside.len() };
        Self { first: inside.first().map_or(0, |p| p - before), step, count: inside.len(), counted }
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let (first, step) = (self.first, self.step);
        (0..self.count).map(move |i| first + i * step)
    }
}
