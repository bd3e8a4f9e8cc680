//! Embeddings as Parquet: a row a face, the numbers as a list of fixed size, which pandas, polars, DuckDB and Spark read.

mod read;
mod write;

pub(crate) use read::Rows;
pub(crate) use write::{EmbeddingTable, GalleryTable};

/// The key under which the file says which model made the embeddings.
const MODEL_DIGEST: &str = "lookalike.model_digest";
/// The key under which the file says how that model was fed.
const PREPROCESSING_DIGEST: &str = "lookalike.preprocessing_digest";
