//! Sampling at places that an operand gives.

pub(super) mod grid;
