//! The embedder that ships with the crate.

use crate::error::{Error, Result};
use crate::import::Limits;
use crate::model::Model;

/// `weights/embedder.safetensors`; its model card lies next to it.
static EMBEDDER: &[u8] = include_bytes!("../../weights/embedder.safetensors");

/// The built-in embedder: 3x112x112 RGB, aligned to [`super::ARCFACE_112`], to 128 numbers compared by cosine.
///
/// A small network so that everything works out of the box; load a full-size model where the result matters.
///
/// # Errors
/// Only when this copy of the crate was built without its weights.
pub fn builtin_model() -> Result<Model> {
    if EMBEDDER.is_empty() {
        return Err(Error::Model(
            "This build has no built-in embedder (weights/embedder.safetensors is empty). Name a model file with --model.".to_owned(),
        ));
    }
    Model::from_safetensors(EMBEDDER, "built-in embedder", &Limits::default())
}
