//! Scans of a gallery.

pub(crate) mod distance;
pub(crate) mod scan;
