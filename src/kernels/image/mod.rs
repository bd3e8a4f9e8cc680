//! Pictures and maps as pictures.

pub(crate) mod resize;
pub(crate) mod warp;
