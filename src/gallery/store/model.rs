//! Which model made a gallery's embeddings, and how it was fed.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::{Flip, Model, Normalize, ScoreParameters, Similarity};

/// What a gallery has to know of a model: only embeddings made in the same way can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GalleryModel {
    /// [`Model::digest`].
    pub digest: String,
    /// The model's name.
    pub name: String,
    /// How pictures become inputs and outputs become embeddings, as JSON: channels, mean, scale, alignment, output, scaling, mirroring.
    pub preprocessing: String,
    /// SHA-256 of `preprocessing`, in lower-case hex.
    pub preprocessing_digest: String,
    /// Scaling of embeddings.
    pub normalize: Normalize,
    /// How embeddings are compared.
    pub similarity: Similarity,
    /// From which similarity on two faces are of one person (for distances: up to which one).
    pub threshold: Option<f32>,
    /// What the comparison was learned to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreParameters>,
}

impl GalleryModel {
    /// What `model` says of itself. `flip` is given where mirroring is another than the model's description says.
    pub fn new(model: &Model, flip: Option<Flip>) -> Self {
        let d = &model.description;
        let embedding = d.embedding.clone().unwrap_or_default();
        let flip = flip.unwrap_or(embedding.flip);
        let preprocessing = json!({
            "input": &d.input,
            "align": &d.align,
            "output": &embedding.output,
            "normalize": embedding.normalize,
            "flip": flip,
        });
        let preprocessing = preprocessing.to_string();
        Self {
            digest: model.digest().to_owned(),
            name: d.name.clone(),
            preprocessing_digest: hex(&Sha256::digest(preprocessing.as_bytes())),
            preprocessing,
            normalize: embedding.normalize,
            similarity: embedding.similarity,
            threshold: embedding.threshold,
            score: embedding.score,
        }
    }

    /// Why a gallery with embeddings of nobody knows what does not take this model's.
    pub(super) fn after_strangers(&self, path: &Path) -> Error {
        Error::Gallery(format!(
            "The gallery {} holds embeddings of an unknown model, so those of `{}` (digest {}) cannot be compared with them. \
             Create a gallery for that model and import them into it if they are its own.",
            path.display(),
            self.name,
            self.digest
        ))
    }

    /// Whether embeddings of both can be compared.
    pub(super) fn same_as(&self, other: &Self, path: &Path) -> Result<()> {
        if self.digest != other.digest {
            return Err(Error::Gallery(format!(
                "The gallery {} holds embeddings of the model `{}` (digest {}), which cannot be compared with those of `{}` (digest {}). \
                 Name the gallery's model, or create a gallery for the other one.",
                path.display(),
                self.name,
                self.digest,
                other.name,
                other.digest
            )));
        }
        if self.preprocessing_digest != other.preprocessing_digest {
            return Err(Error::Gallery(format!(
                "The gallery {} holds embeddings made with the preprocessing {} (digest {}), which cannot be compared with those made with {} (digest {}). \
                 Use the gallery's, or create another gallery.",
                path.display(),
                self.preprocessing,
                self.preprocessing_digest,
                other.preprocessing,
                other.preprocessing_digest
            )));
        }
        Ok(())
    }
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
