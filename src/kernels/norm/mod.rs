//! Normalisations and reductions.

pub(crate) mod axis;
pub(crate) mod batch_norm;
pub(crate) mod lrn;
pub(crate) mod reduce;
pub(crate) mod standardize;

use crate::error::Result;
use crate::kernels::check_rounds;
use crate::recording::Recorder;

/// Lanes of a workgroup that works on one line.
const LANES: usize = 256;

/// Elements that one invocation may walk through, up to three times: see [`check_rounds`].
pub(crate) const LONGEST: usize = 16_384;

/// Row-major memory seen along one of its axes: outer, axis, inner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) outer: usize,
    pub(crate) axis: usize,
    pub(crate) inner: usize,
}

/// Who works on a line: the forms of shaders that import `shared/line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    Invocation,
    Workgroup,
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

    /// Who works on each line, and the grid. A workgroup does where lines are long, and either their elements are neighbours (which lanes
    /// then load together) or there are too few lines to fill a device. Software adapters have nothing to fill and pay for every barrier;
    /// there workgroups work on what is too long for one invocation.
    ///
    /// # Errors
    /// A line that is too long for a software adapter.
    pub(crate) fn shared_out(self, rec: &Recorder<'_>, label: &str) -> Result<(Worker, [u32; 3])> {
        /// Invocations that keep any device busy.
        const BUSY: usize = 1 << 12;
        let software = rec.caps.textures;
        let few = self.inner == 1 || self.count() < BUSY;
        if self.axis > LONGEST || (!software && self.axis >= LANES && few) {
            check_rounds(rec, label, self.axis.div_ceil(LANES).saturating_mul(3).saturating_add(2 * LANES))?;
            return Ok((Worker::Workgroup, rec.fold(self.count())));
        }
        Ok((Worker::Invocation, rec.fold(self.count().div_ceil(64))))
    }
}
