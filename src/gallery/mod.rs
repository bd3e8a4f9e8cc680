//! Collections of embeddings: search on the GPU, and groups of faces that belong together.

pub mod cluster;
pub mod index;
