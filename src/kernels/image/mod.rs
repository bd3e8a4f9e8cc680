//! Pictures and maps as pictures.

pub(crate) mod area;
pub(crate) mod fit;
pub(crate) mod photo;
pub(crate) mod piecewise;
pub(crate) mod resize;
pub(crate) mod warp;
