//! Pixels in, embeddings out: pictures, where to look in them, and the embedder that runs a network on the result.

mod builtin;
mod classifier;
mod compare;
mod embedder;
mod faces;
mod pending;
mod picture;
mod pool;

pub use crate::face::align::{Similarity, align_points, centre_crop, mirrored, stretch, whole_crop};
pub use crate::model::ARCFACE_112;
pub use builtin::builtin_model;
pub use classifier::{Classified, Classifier};
pub use compare::Comparison;
pub use embedder::{EmbedOptions, Embedder, Embedding, Fit};
pub use faces::{EmbeddedFace, FaceEmbedder, FaceOptions, Found, LeftOut, PendingFaces};
pub use pending::Pending;
pub use picture::Picture;
#[cfg(feature = "images")]
pub use picture::{MAX_FILE_BYTES, MAX_SIDE};
pub use pool::{mean, pool, pool_media};
