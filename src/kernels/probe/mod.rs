//! Probes of what a device really does.

pub(crate) mod peak;
pub(crate) mod subgroup;
pub(crate) mod texel;
