//! Probes of what a device really does.

pub(crate) mod subgroup;
pub(crate) mod peak;
