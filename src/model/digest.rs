//! The digest that names a model.

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::Description;
use super::layout::{GraphLayout, dtype_name, json, tensors, with_bytes};
use crate::error::Result;
use crate::graph::Graph;

/// SHA-256 of the canonical content: graph, description, and tensors by name, each part preceded by its length. Taken when it is first asked for: the
/// weights of a large network take longer than a run of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    graph: String,
    description: String,
    hex: OnceLock<String>,
}

impl Digest {
    pub(super) fn of(graph: &Graph, description: &Description) -> Result<Self> {
        Ok(Self { graph: json(&GraphLayout::of(graph))?, description: json(description)?, hex: OnceLock::new() })
    }

    /// In lower-case hex; `graph` has the weights.
    pub(super) fn get(&self, graph: &Graph) -> &str {
        self.hex.get_or_init(|| {
            let mut hash = Sha256::new();
            let mut part = |bytes: &[u8]| {
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            };
            part(b"lookalike model 1");
            part(self.graph.as_bytes());
            part(self.description.as_bytes());
            for (name, tensor) in tensors(graph) {
                part(name.as_bytes());
                part(dtype_name(tensor.dtype()).as_bytes());
                let dims: Vec<u8> = tensor.shape().iter().flat_map(|&d| (d as u64).to_le_bytes()).collect();
                part(&dims);
                let Ok(()) = with_bytes(tensor, |bytes| -> Result<(), std::convert::Infallible> {
                    part(bytes);
                    Ok(())
                });
            }
            hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
        })
    }
}
