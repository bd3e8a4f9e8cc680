//! Batches that one binding of the device cannot hold.

use super::Network;
use super::apart::rows_stay_apart;
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor};

impl Network {
    /// Splits the batch in two where one binding cannot hold a whole batch, and joins the outputs.
    pub(super) fn run_in_halves(&self, tensors: &[&Tensor], reason: &str) -> Result<Vec<(String, Tensor)>> {
        let batch = tensors.iter().map(|t| t.shape().first().copied().unwrap_or(1)).min().unwrap_or(1);
        let same = tensors.iter().all(|t| t.shape().first() == Some(&batch));
        let shapes: Vec<Shape> = tensors.iter().map(|t| t.shape().clone()).collect();
        let known = !self.content.contains(&true);
        if batch < 2 || !same || !known || !rows_stay_apart(&self.graph, &shapes, batch)? {
            return Err(Error::Limits(reason.to_owned()));
        }
        let names = self.graph.inputs.iter().map(|i| self.graph.name(i.value));
        let half = batch / 2;
        let mut joined: Option<Vec<(String, Tensor)>> = None;
        for range in [0..half, half..batch] {
            let parts: Vec<Tensor> = tensors.iter().filter_map(|t| rows(t, &range)).collect();
            let inputs: Vec<_> = names.clone().zip(&parts).collect();
            let results = self.run(&inputs)?;
            joined = Some(match joined {
                None => results,
                Some(first) => first.into_iter().zip(results).map(|((name, a), (_, b))| join(name, &a, &b)).collect::<Result<_>>()?,
            });
        }
        Ok(joined.unwrap_or_default())
    }
}

/// Rows `range` of the first dimension.
fn rows(t: &Tensor, range: &std::ops::Range<usize>) -> Option<Tensor> {
    let row = t.len() / t.shape().first()?;
    let mut dims = t.shape().to_vec();
    dims[0] = range.len();
    let range = range.start * row..range.end * row;
    match t.as_i64() {
        Some(whole) => Tensor::integers(t.dtype(), dims, whole.get(range)?.to_vec()),
        None => Tensor::from_f32(dims, t.to_f32().get(range)?.to_vec()),
    }
}

/// Joins two results along the first dimension.
fn join(name: String, a: &Tensor, b: &Tensor) -> Result<(String, Tensor)> {
    let mut dims = a.shape().to_vec();
    let fits = a.shape().rank() > 0 && a.shape()[1..] == b.shape()[1..];
    if let Some(first) = dims.first_mut() {
        *first += b.shape()[0];
    }
    let joined = match (a.as_i64(), b.as_i64()) {
        (Some(x), Some(y)) => Tensor::integers(a.dtype(), dims, x.iter().chain(y).copied().collect()),
        _ => Tensor::from_f32(dims, a.to_f32().iter().chain(b.to_f32().iter()).copied().collect()),
    };
    match joined.filter(|_| fits) {
        Some(t) => Ok((name, t)),
        None => Err(Error::Limits(format!(
            "The output `{name}` has no batch dimension, so the batch cannot be run in parts. Use a smaller batch."
        ))),
    }
}
