//! The parameters of a file that stores layers in the order in which pictures pass them, under names of its own or none.

use super::checkpoint::fitted;
use super::{Parameters, Role};
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::tensor::{Shape, Tensor};

/// Parameters from a state dict, one after the other. Each has to be of the kind and shape that the network needs next.
#[derive(Debug)]
pub struct Layers<'d> {
    rest: Vec<(&'d str, &'d Tensor)>,
}

impl<'d> Layers<'d> {
    /// Parameters from `dict`.
    pub fn new(dict: &'d StateDict) -> Self {
        let mut rest: Vec<_> = dict.iter().filter(|(_, t)| t.dtype().is_float()).collect();
        rest.reverse();
        Self { rest }
    }
}

impl Parameters for Layers<'_> {
    fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor> {
        let want = Shape::from(shape);
        let Some((found, tensor)) = self.rest.pop() else {
            return Err(Error::Model(format!(
                "The checkpoint ends before `{name}` ({want}), which the network needs. Is it a checkpoint of another network?"
            )));
        };
        let part = found.rsplit('.').next().unwrap_or_default();
        fitted(tensor, role, shape).filter(|_| part == stored_as(role)).ok_or_else(|| {
            Error::Model(format!(
                "The checkpoint holds `{found}` ({}) where the network needs `{name}` ({want}). Is it a checkpoint of another network?",
                tensor.shape()
            ))
        })
    }

    fn finish(&mut self) -> Result<()> {
        match self.rest.last() {
            None => Ok(()),
            Some((name, tensor)) => Err(Error::Model(format!(
                "The checkpoint holds {} tensors more than the network has; the first is `{name}` ({}). Is it a checkpoint of another network?",
                self.rest.len(),
                tensor.shape()
            ))),
        }
    }
}

/// The last part of the name of a tensor of this role.
fn stored_as(role: Role) -> &'static str {
    match role {
        Role::Weight | Role::LocalWeight | Role::Scale | Role::Slope => "weight",
        Role::Bias | Role::Shift => "bias",
        Role::Mean => "running_mean",
        Role::Variance => "running_var",
    }
}
