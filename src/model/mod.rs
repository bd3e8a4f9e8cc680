//! A model: a graph with its weights, and what has to be known to feed it.

mod align;
mod description;
mod digest;
mod extend;
mod file;
mod layout;
mod picture;
mod similarity;

use std::path::Path;

use prost::bytes::Bytes;

pub use align::{ARCFACE_112, Align, Method};
pub(crate) use align::{Fit, Framing, Placement};
pub use description::{Channels, Description, EmbeddingDescription, Flip, InputDescription, Normalize};
pub use extend::LastLayer;
pub use similarity::{ScoreParameters, Similarity};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::import::onnx::{self, ImportReport};
use crate::import::{Limits, canonical, file_name, read_file, validate};
use digest::Digest;

/// How floating-point numbers are stored: in a model file, or as weights on the GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: half the size; arithmetic stays 32-bit.
    F16,
}

/// A network with its weights, independent of any GPU.
#[derive(Clone, Debug)]
pub struct Model {
    /// What is computed.
    pub graph: Graph,
    /// What the file formats of networks do not say.
    pub description: Description,
    digest: Digest,
    /// What importing changed, when the model was read from an ONNX file.
    pub import: Option<ImportReport>,
    /// What the model was read with; compiling it keeps to the same limits.
    pub limits: Limits,
}

impl Model {
    /// A model from its parts. The graph's values are renumbered in the order of first mention, as loading does.
    ///
    /// # Errors
    /// [`Error::Model`] when the graph is not well-formed or the description does not fit it.
    pub fn new(graph: &Graph, description: Description) -> Result<Self> {
        let graph = canonical(graph);
        let limits = Limits::default();
        validate(&graph, &description.name, &limits)?;
        Self::checked(graph, description, &limits)
    }

    /// The model of a graph that is canonical and valid.
    fn checked(graph: Graph, description: Description, limits: &Limits) -> Result<Self> {
        description.check(&graph)?;
        let digest = Digest::of(&graph, &description)?;
        Ok(Self { graph, description, digest, import: None, limits: *limits })
    }

    /// SHA-256, in lower-case hex, of the graph, the description and the weights, whatever file they are stored in.
    /// Embeddings of models with different digests must not be compared. Computed when it is first asked for.
    pub fn digest(&self) -> &str {
        self.digest.get(&self.graph)
    }

    /// Replaces the description, and with it the digest.
    ///
    /// # Errors
    /// [`Error::Model`] when the description does not fit the graph.
    pub fn describe(&mut self, description: Description) -> Result<()> {
        description.check(&self.graph)?;
        self.digest = Digest::of(&self.graph, &description)?;
        self.description = description;
        Ok(())
    }

    /// Reads a model file of this crate, or an ONNX file. Which one it is shows in the content, not in the name.
    ///
    /// # Errors
    /// See [`Self::from_onnx`] and [`Self::from_safetensors`]; [`Error::Io`]; [`Error::Limits`] for a file that is too large.
    pub fn load(path: &Path, limits: &Limits) -> Result<Self> {
        Self::of_file(read_file(path, limits)?, path, limits)
    }

    /// The model in the file at `path`, whose content is `bytes`.
    pub(crate) fn of_file(bytes: Vec<u8>, path: &Path, limits: &Limits) -> Result<Self> {
        let name = file_name(path);
        if onnx::looks_like_safetensors(&bytes) {
            return Self::from_safetensors(&bytes, &name, limits);
        }
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        Self::onnx(Bytes::from(bytes), &name, Some(folder), limits)
    }

    /// Reads an ONNX model from memory. `name` is what messages and the description call it; external data are refused.
    ///
    /// # Errors
    /// [`Error::Model`] for bytes that are something else, damaged or contradictory; [`Error::Limits`]; [`Error::Unsupported`] with a
    /// list of everything that is not supported.
    pub fn from_onnx(bytes: &[u8], name: &str, limits: &Limits) -> Result<Self> {
        limits.check_file(name, bytes.len() as u64)?;
        Self::onnx(Bytes::copy_from_slice(bytes), name, None, limits)
    }

    fn onnx(bytes: Bytes, name: &str, folder: Option<&Path>, limits: &Limits) -> Result<Self> {
        let (graph, report) = onnx::import(bytes, name, folder, limits)?;
        let stem = Path::new(name).file_stem().map_or_else(|| name.to_owned(), |s| s.to_string_lossy().into_owned());
        let model = Self::checked(graph, Description { name: stem, ..Description::default() }, limits)?;
        Ok(Self { import: Some(report), ..model })
    }

    /// Reads a model file of this crate from memory. `name` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Model`] for a file that is damaged, that has no graph, or whose tensors do not fit its graph; [`Error::Limits`].
    pub fn from_safetensors(bytes: &[u8], name: &str, limits: &Limits) -> Result<Self> {
        let (graph, description) = file::parse(bytes, name, limits)?;
        Self::checked(graph, description, limits)
    }

    /// The model file as bytes. The same model gives the same bytes.
    ///
    /// With [`Precision::F16`] f32 weights are rounded to f16, except tensors with numbers that f16 cannot hold, single numbers, and
    /// resize factors. With [`Precision::F32`] each tensor keeps its type. Rounding changes the digest.
    ///
    /// # Errors
    /// [`Error::Model`] when a name cannot be stored.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file::write(self, precision, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes the model file (see [`Self::to_bytes`]) to a temporary file next to `path` and renames it, so that `path` never holds half a model.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::to_bytes`].
    pub fn save(&self, path: &Path, precision: Precision) -> Result<()> {
        file::save(self, path, precision)
    }
}

/// An [`Error::Model`] for a model file.
fn broken(name: &str, what: &str) -> Error {
    Error::Model(format!("The model file `{name}` {what}. Convert the model again."))
}
