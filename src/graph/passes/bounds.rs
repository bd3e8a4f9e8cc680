//! What preparing a graph may take when a file decides what is in it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Op, ValueId};
use crate::tensor::Shape;

/// Bounds of [`super::optimise_within`] and [`super::specialise_within`]; [`crate::import::Limits`] says how much they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Dimensions of a tensor.
    pub rank: usize,
    /// Bytes of one tensor, activations included.
    pub tensor_bytes: u64,
    /// Bytes of host memory for folding constants and for copies of constants that layers share.
    pub folding_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { rank: 8, tensor_bytes: 2 << 30, folding_bytes: 4 << 30 }
    }
}

/// The last sentence of every message about the limit `field`.
pub(crate) fn remedy(field: &str) -> String {
    format!("If you trust the file, raise the limit: Limits::{field}, on the command line --limit {field}=N.")
}

impl Bounds {
    /// Checks the shape of a result of `node`.
    ///
    /// # Errors
    /// [`Error::Limits`] for too many dimensions or bytes.
    pub(super) fn check(&self, node: &Node, value: &str, shape: &Shape) -> Result<()> {
        let too_much = |what: String, limit: u64, field: &str| {
            let (kind, name) = (node.op.kind(), &node.name);
            Err(Error::Limits(format!(
                "The tensor `{value}`, which the {kind} node `{name}` makes, {what}, more than the limit of {limit}. {}",
                remedy(field)
            )))
        };
        if shape.rank() > self.rank {
            return too_much(format!("has {} dimensions", shape.rank()), self.rank as u64, "max_rank");
        }
        let bytes = bytes(shape.len());
        if bytes > self.tensor_bytes {
            return too_much(format!("needs {bytes} bytes ({shape})"), self.tensor_bytes, "max_tensor_bytes");
        }
        Ok(())
    }

    /// Checks what the passes may add at most. They never change a constant in place, because constants can be shared: every layer may get weights
    /// of its own, and every affine one number per channel. That is about the model's own size, unless thousands of nodes read one large tensor.
    ///
    /// # Errors
    /// [`Error::Limits`] when the copies would take more than the bounds allow.
    pub(super) fn check_copies(&self, graph: &Graph, shapes: &[Shape]) -> Result<()> {
        let mut seen = HashSet::new();
        let mut copies = 0u64;
        for node in &graph.nodes {
            for tensor in node.inputs.iter().filter_map(|&id| graph.constant(id)) {
                // The first reader's copy replaces the original.
                if !seen.insert(Arc::as_ptr(tensor)) {
                    copies = copies.saturating_add(bytes(tensor.len()));
                }
            }
            copies = copies.saturating_add(spread(graph, node, shapes));
        }
        if copies <= self.folding_bytes {
            return Ok(());
        }
        Err(Error::Limits(format!(
            "The model needs {copies} bytes for copies of constants that its nodes share, more than the limit of {}. {}",
            self.folding_bytes,
            remedy("max_folding_bytes")
        )))
    }
}

/// Bytes that a node which reads a small constant takes when it becomes one number per channel: scale and shift.
fn spread(graph: &Graph, node: &Node, shapes: &[Shape]) -> u64 {
    let channels = |id: &ValueId| shapes.get(id.0 as usize).and_then(|s| s.get(1)).copied().unwrap_or(0);
    match &node.op {
        Op::Binary(_) | Op::PRelu if node.inputs.iter().any(|&id| graph.constant(id).is_some()) => {
            node.inputs.iter().map(channels).max().map_or(0, |c| bytes(c).saturating_mul(2))
        }
        _ => 0,
    }
}

fn bytes(elements: usize) -> u64 {
    (elements as u64).saturating_mul(4)
}
