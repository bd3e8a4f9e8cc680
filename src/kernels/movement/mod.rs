//! Data movement.

pub(crate) mod copy;
