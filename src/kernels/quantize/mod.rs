//! Whole numbers that stand for real ones.

pub(crate) mod linear;
