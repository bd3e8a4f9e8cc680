//! Convolutions.

pub(super) mod conv2d;
pub(super) mod transpose;
