//! Data movement.

pub(crate) mod copy;
pub(crate) mod gather;
pub(crate) mod gather_elements;
