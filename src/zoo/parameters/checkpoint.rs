//! The parameters that somebody trained.

use super::fitting::fitted;
use super::{Parameters, Role};
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
            // The shortest: deeper layers may end alike.
            let prefixes = self.dict.iter().filter_map(|(n, _)| n.strip_suffix(name)).filter(|p| p.is_empty() || p.ends_with('.'));
            prefixes.min_by_key(|p| p.len()).unwrap_or_default().to_owned()
        });
        let full = format!("{prefix}{name}");
        let found = self.dict.get(&full);
        if found.is_some() {
            self.used.push(full);
        }
        found
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
            Some(tensor) => fitted(self.dict.format, tensor, role, shape).ok_or_else(|| {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::import::checkpoint::Format;

    fn dict(names: &[(&str, &[usize])]) -> StateDict {
        let mut dict = StateDict::new(Format::PyTorch);
        for (name, shape) in names {
            dict.insert("test", name, Tensor::from_f32(shape.to_vec(), vec![0.5; shape.iter().product()]).unwrap()).unwrap();
        }
        dict
    }

    #[test]
    fn prefixes_of_wrappers_are_left_out() {
        let dict = dict(&[("module.layer1.conv.weight", &[1, 1]), ("module.conv.weight", &[2, 1]), ("module.bn.running_mean", &[2])]);
        let mut checkpoint = Checkpoint::new(&dict);
        assert_eq!(checkpoint.tensor("conv.weight", Role::Weight, &[2, 1]).unwrap().len(), 2);
        // Of a normalisation without factor and summand.
        assert_eq!(checkpoint.tensor("bn.weight", Role::Scale, &[2]).unwrap().to_f32()[..], [1.0, 1.0]);
        assert_eq!(checkpoint.tensor("bn.bias", Role::Shift, &[2]).unwrap().to_f32()[..], [0.0, 0.0]);
        assert!(checkpoint.finish().is_ok());
    }

    #[test]
    fn shapes_that_mean_the_same_fit_and_others_do_not() {
        let dict = dict(&[("fc.weight", &[3, 2, 2, 2]), ("prelu.weight", &[1]), ("bias", &[4])]);
        let mut checkpoint = Checkpoint::new(&dict);
        assert_eq!(checkpoint.tensor("fc.weight", Role::Weight, &[3, 8]).unwrap().shape().dims(), [3, 8]);
        assert_eq!(checkpoint.tensor("prelu.weight", Role::Slope, &[5]).unwrap().to_f32()[..], [0.5; 5]);
        let text = checkpoint.tensor("bias", Role::Bias, &[3]).unwrap_err().to_string();
        assert!(text.contains("`bias`") && text.contains("shape 4") && text.contains("needs 3"), "{text}");
    }

    #[test]
    fn what_is_missing_and_what_is_left_are_named_together() {
        let dict = dict(&[("a.weight", &[1, 1]), ("other.weight", &[1, 1])]);
        let mut checkpoint = Checkpoint::new(&dict);
        checkpoint.tensor("a.weight", Role::Weight, &[1, 1]).unwrap();
        checkpoint.tensor("b.weight", Role::Weight, &[1, 1]).unwrap();
        let text = checkpoint.finish().unwrap_err().to_string();
        assert!(text.contains("lacks `b.weight`") && text.contains("has `other.weight`"), "{text}");
    }
}
