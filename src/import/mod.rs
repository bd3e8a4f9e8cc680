//! From files that other people made to a [`crate::graph::Graph`]. Nothing that a file says is believed before it is checked.

pub mod checkpoint;
pub(crate) mod header;
pub mod limits;
pub mod onnx;
mod validate;

pub use limits::Limits;
pub(crate) use limits::{file_name, read_file};
pub(crate) use validate::{canonical, validate};
