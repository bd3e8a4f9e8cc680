//! dlib's face recognition network, `dlib_face_recognition_resnet_model_v1.dat`.
//!
//! A file of dlib is what its templates write: no sizes of parts and no table of contents, so that only what is known in full can be read.
//! Each layer writes its version, then the layer it takes its input from, then itself: the versions stand at the front, from the output
//! backwards, and the layers follow from the input onwards, each led by its name.
//!
//! ```text
//! con_4       conv{n}.weight [O, I, kh, kw], conv{n}.bias [O]
//! affine_     conv{n}.affine.weight [C], conv{n}.affine.bias [C], of the convolution before
//! fc_2        fc.weight [O, K], fc.bias [O] when it has one
//! ```
//!
//! Strides and padding are not looked at: networks that differ in them alone are not told apart.

mod layers;
mod source;

use self::source::Source;
use super::{Format, StateDict};
use crate::error::{Error, Result};
use crate::import::Limits;
use crate::import::limits::Budget;

/// Whether the file begins like a network with a loss, or like a shape predictor: those are known in order to be refused by name.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let network = matches!(bytes, [1, 1, 1, _, rest @ ..] if rest.starts_with(b"loss_"));
    network || is_shape_predictor(bytes)
}

/// A version, then the sizes of a matrix, which dlib negates: rows, and one column.
fn is_shape_predictor(bytes: &[u8]) -> bool {
    matches!(bytes, [1, 1, 0x81, _, 0x81, 1, ..] | [1, 1, 0x82, _, _, 0x81, 1, ..])
}

/// Reads all tensors, in the order of the layers.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`] for any other file of dlib.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    if is_shape_predictor(bytes) {
        return Err(Error::Unsupported(format!(
            "The checkpoint `{file}` is a shape predictor of dlib, regression trees that give landmarks, not a network. \
             Only dlib's face recognition network is read."
        )));
    }
    let mut source = Source::new(file, bytes);
    source.expect(1, "the version of the loss")?;
    match source.tag("the loss")? {
        "loss_metric_" => {}
        "loss_metric_2" => {
            source.float("the margin of the loss")?;
            source.float("the distance of the loss")?;
        }
        other => {
            let what = if other.starts_with("loss_mmod") { ", as face detectors of dlib are," } else { "" };
            return Err(Error::Unsupported(format!(
                "The checkpoint `{file}` is a dlib network{what} with the loss `{other}`, but only dlib's face recognition network \
                 (`loss_metric_2`) is read. Convert the network to ONNX."
            )));
        }
    }
    let mut reader = layers::Reader { source, budget: Budget::new(limits), dict: StateDict::new(Format::Dlib), convolutions: 0, linear: 0 };
    reader.network()?;
    Ok(reader.dict)
}
