//! The parameters that somebody trained.

use super::{Parameters, Role, channels_last};
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::tensor::{Shape, Tensor};

/// Parameters from a state dict, by their names.
///
/// Prefixes that wrappers add (`module.`, `backbone.`) are left out. A normalisation without factor and summand (`affine=False`) gets ones and
/// zeros. Tensors that differ in axes of length 1, or in how the inputs of a layer are folded into axes, are reshaped.
#[derive(Debug)]
pub struct Checkpoint<'d> {
    dict: &'d StateDict,
    prefix: Option<String>,
    used: Vec<String>,
    missing: Vec<String>,
}

impl<'d> Checkpoint<'d> {
    /// Parameters from `dict`.
    pub fn new(dict: &'d StateDict) -> Self {
        Self { dict, prefix: None, used: Vec::new(), missing: Vec::new() }
    }

    fn find(&mut self, name: &str) -> Option<&'d Tensor> {
        let prefix = self.prefix.get_or_insert_with(|| {
            let found = self.dict.iter().find(|(n, _)| n.strip_suffix(name).is_some_and(|p| p.is_empty() || p.ends_with('.')));
            found.map_or_else(String::new, |(n, _)| n[..n.len() - name.len()].to_owned())
        });
        let full = format!("{prefix}{name}");
        let found = self.dict.get(&full);
        if found.is_some() {
            self.used.push(full);
        }
        found
    }

    /// A tensor whose rows end in channels where the format has them so.
    fn turned(&self, tensor: &Tensor, role: Role, shape: &[usize]) -> Option<Tensor> {
        let weights = matches!(role, Role::Weight | Role::LocalWeight) && self.dict.format.is_channels_last();
        weights.then(|| channels_last::turned(tensor, shape)).flatten()
    }

    /// Ones or zeros for a normalisation that has no factor or summand of its own.
    fn plain(&mut self, name: &str, role: Role, shape: &[usize]) -> Option<Tensor> {
        let (layer, value) = match role {
            Role::Scale => (name.strip_suffix(".weight")?, 1.0),
            Role::Shift => (name.strip_suffix(".bias")?, 0.0),
            _ => return None,
        };
        let prefix = self.prefix.as_deref().unwrap_or_default();
        self.dict.get(&format!("{prefix}{layer}.running_mean"))?;
        Tensor::from_f32(shape.to_vec(), vec![value; shape.iter().product()])
    }
}

impl Parameters for Checkpoint<'_> {
    fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor> {
        match self.find(name) {
            Some(tensor) => self.turned(tensor, role, shape).or_else(|| fitted(tensor, role, shape)).ok_or_else(|| {
                let want = Shape::from(shape);
                Error::Model(format!(
                    "The tensor `{name}` of the checkpoint has the shape {}, but the network needs {want}. Is it a checkpoint of another network?",
                    tensor.shape()
                ))
            }),
            None => Ok(self.plain(name, role, shape).unwrap_or_else(|| {
                self.missing.push(name.to_owned());
                Tensor::zeros(shape.to_vec())
            })),
        }
    }

    fn finish(&mut self) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let unused: Vec<&str> = self.dict.iter().map(|(n, _)| n).filter(|n| !self.used.iter().any(|u| u == n)).collect();
        let has = if unused.is_empty() { String::new() } else { format!(" It has {}, which the network does not use.", some(&unused)) };
        let missing: Vec<&str> = self.missing.iter().map(String::as_str).collect();
        Err(Error::Model(format!(
            "The checkpoint lacks {}, which the network needs.{has} Is it a checkpoint of another network? `zoo show` lists the names.",
            some(&missing)
        )))
    }
}

/// The first few names, and how many there are.
fn some(names: &[&str]) -> String {
    let first: Vec<_> = names.iter().take(4).map(|n| format!("`{n}`")).collect();
    let more = names.len() - first.len();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

/// `tensor` in this shape, when it is the same but for how axes are counted.
pub(super) fn fitted(tensor: &Tensor, role: Role, shape: &[usize]) -> Option<Tensor> {
    if tensor.shape().dims() == shape {
        return Some(tensor.clone());
    }
    let without_ones = |dims: &[usize]| dims.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    let same_rows = |a: &[usize]| a.len() > 1 && a[0] == shape[0] && role == Role::Weight;
    if tensor.len() == shape.iter().product::<usize>() && (without_ones(tensor.shape()) == without_ones(shape) || same_rows(tensor.shape()))
    {
        return tensor.clone().reshaped(shape.to_vec());
    }
    // One slope for all channels.
    let slope = (role == Role::Slope && tensor.len() == 1).then(|| tensor.to_f32()[0])?;
    Tensor::from_f32(shape.to_vec(), vec![slope; shape.iter().product()])
}
