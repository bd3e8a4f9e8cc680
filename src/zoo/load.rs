//! From whatever file somebody published to a model of a network that is known.

use std::path::Path;

use super::{Entry, recognise};
use crate::error::Result;
use crate::import::checkpoint::StateDict;
use crate::import::{Limits, file_name, read_file};
use crate::model::Model;

/// The network `entry` with the weights of a file: a checkpoint in any format that [`StateDict`] reads, or an ONNX or model file of the
/// same network, whose tensors may have any names.
///
/// # Errors
/// [`crate::Error::Io`]; [`crate::Error::Model`] that says where the file and the network differ; those of [`StateDict::load`] and [`Model::load`].
pub fn load(entry: &Entry, path: &Path, limits: &Limits) -> Result<Model> {
    let bytes = read_file(path, limits)?;
    if !StateDict::is_known(&bytes) {
        return recognise(entry, Model::of_file(bytes, path, limits)?);
    }
    let name = file_name(path);
    let dict = StateDict::from_bytes(&bytes, &name, limits)?;
    entry.load(&dict).or_else(|e| match Model::from_safetensors(&bytes, &name, limits) {
        // A model file that was converted from elsewhere has names of its own, but also a graph.
        Ok(model) => recognise(entry, model),
        Err(_) => Err(e),
    })
}
