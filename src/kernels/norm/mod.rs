//! Normalisations and reductions.

pub(crate) mod axis;
pub(crate) mod lrn;
