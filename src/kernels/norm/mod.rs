//! Normalisations and reductions.

pub(crate) mod axis;
pub(crate) mod batch_norm;
pub(crate) mod lrn;
pub(crate) mod reduce;
pub(crate) mod standardize;

use crate::recording::Recorder;

/// Row-major memory seen along one of its axes: outer, axis, inner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) outer: usize,
    pub(crate) axis: usize,
    pub(crate) inner: usize,
}

impl Lines {
    /// Rows of consecutive elements.
    pub(crate) fn rows(rows: usize, len: usize) -> Self {
        Self { outer: rows, axis: len, inner: 1 }
    }

    /// How many lines there are.
    pub(crate) fn count(self) -> usize {
        self.outer * self.inner
    }

    /// Elements of all lines.
    pub(crate) fn elements(self) -> usize {
        self.count() * self.axis
    }

    /// Whether a workgroup works on each line instead of an invocation: where lines are long, and either their elements are neighbours
    /// (which lanes then load together) or there are too few lines to fill a device.
    pub(crate) fn by_row(self) -> bool {
        /// Lanes of a workgroup: each has something to do.
        const LANES: usize = 256;
        /// Invocations that keep any device busy.
        const BUSY: usize = 1 << 12;
        self.axis >= LANES && (self.inner == 1 || self.count() < BUSY)
    }

    /// The grid of shaders that import `shared/line`.
    pub(crate) fn groups(self, rec: &Recorder<'_>) -> [u32; 3] {
        rec.fold(if self.by_row() { self.count() } else { self.count().div_ceil(64) })
    }
}
