//! Pictures.

pub(crate) mod piecewise;
pub(crate) mod resize;
pub(crate) mod warp;
