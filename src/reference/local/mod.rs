//! Convolutions whose filters differ by place.

pub(super) mod locally_connected;
