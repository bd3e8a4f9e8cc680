//! Scans of a gallery.

pub(crate) mod scan;
