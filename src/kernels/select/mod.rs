//! Extremes, order and running sums along an axis.

pub(crate) mod arg;
pub(crate) mod merge;
pub(crate) mod scan;
pub(crate) mod sort;
