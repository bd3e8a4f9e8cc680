//! Pictures.

pub(crate) mod resize;
