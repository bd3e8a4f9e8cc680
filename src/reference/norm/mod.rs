//! Normalisations.

pub(super) mod batch_norm;
pub(super) mod l2_normalize;
pub(super) mod lrn;
pub(super) mod softmax;
pub(super) mod standardize;

/// Calls `change` with every run of elements along one axis, which starts at an index and has `step` between its `len` elements.
pub(super) fn for_each_line(shape: &[usize], axis: usize, mut change: impl FnMut(Line)) {
    let len = shape[axis];
    let step: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    for start in (0..outer).flat_map(|o| (0..step).map(move |i| o * len * step + i)) {
        change(Line { start, step, len });
    }
}

/// See [`for_each_line`].
#[derive(Clone, Copy)]
pub(super) struct Line {
    start: usize,
    step: usize,
    len: usize,
}

impl Line {
    pub(super) fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.len).map(move |i| self.start + i * self.step)
    }
}
