//! Caffe files (`.caffemodel`): `NetParameter` messages of both generations, with single or double precision.
//!
//! ```text
//! Convolution, Deconvolution   weight [O, I / groups, kh, kw] ([I, O / groups, kh, kw]), bias [O]
//! InnerProduct                 weight [O, K], bias [O]
//! PReLU                        weight [C]
//! BatchNorm and its Scale      weight [C], bias [C], running_mean [C], running_var [C], under the name of the BatchNorm
//! Scale                        weight [C], bias [C]
//! ```
//!
//! Layers without numbers and the classifiers of training (`MarginInnerProduct`, `CenterLoss`) are left out; any other layer with numbers
//! is refused. `K` counts channels, rows, columns.

mod layers;
mod net;
mod transposed;
mod wire;

use super::{Format, StateDict};
use crate::error::Result;
use crate::import::Limits;
use crate::import::limits::Budget;

pub use transposed::upright;

/// Whether the file is a `NetParameter` as far as can be told.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    net::looks_like(bytes)
}

/// Reads all tensors, in the order of the layers.
///
/// # Errors
/// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], [`crate::error::Error::Unsupported`] for layers that are not known.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    let mut budget = Budget::new(limits);
    let layers = net::Reader::new(file, &mut budget).layers(bytes)?;
    layers::Converter { file, budget, dict: StateDict::new(Format::Caffe) }.convert(&layers)
}
