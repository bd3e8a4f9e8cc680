//! Resampling along axes and by grids.

pub(crate) mod grid;
pub(crate) mod resample;
