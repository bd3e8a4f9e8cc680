//! Locally connected layers.

pub(crate) mod locally_connected;
