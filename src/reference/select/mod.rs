//! Extremes, order and running sums along an axis.

pub(super) mod arg;
pub(super) mod scan;
pub(super) mod sort;
