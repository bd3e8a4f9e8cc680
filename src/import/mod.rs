//! From files that other people made to a [`crate::graph::Graph`]. Nothing that a file says is believed before it is checked.

pub mod limits;
pub mod onnx;
mod validate;

pub use limits::Limits;
pub(crate) use validate::{canonical, validate};
