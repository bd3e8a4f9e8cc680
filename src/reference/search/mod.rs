//! Scans of a gallery, and searches that stay on the device.

pub(crate) mod cutoff;
pub(crate) mod distance;
pub(crate) mod probes;
pub(crate) mod rescore;
pub(crate) mod scan;
