//! Pictures.

pub(crate) mod resize;
pub(crate) mod warp;
