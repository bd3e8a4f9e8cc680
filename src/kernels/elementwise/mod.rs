//! Element-wise functions.

pub(crate) mod affine;
pub(crate) mod binary;
pub(crate) mod unary;
