//! The parameters of a file that stores layers in the order in which pictures pass them, under names of its own or none.

use super::fitting::fitted;
use super::{Parameters, Role};
use crate::error::{Error, Result};
use crate::import::checkpoint::{Format, StateDict};
use crate::tensor::{Shape, Tensor};

/// Parameters from a state dict, one after the other. Each has to be of the kind and shape that the network needs next.
#[derive(Debug)]
pub struct Layers<'d> {
    format: Format,
    rest: Vec<(&'d str, &'d Tensor)>,
}

impl<'d> Layers<'d> {
    /// Parameters from `dict`.
    pub fn new(dict: &'d StateDict) -> Self {
        let mut rest: Vec<_> = dict.iter().filter(|(_, t)| t.dtype().is_float()).collect();
        rest.reverse();
        Self { format: dict.format, rest }
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
        fitted(self.format, tensor, role, shape).filter(|_| part == stored_as(role)).ok_or_else(|| {
            Error::Model(format!(
                "The checkpoint holds `{found}` ({}) where the network needs `{name}` ({want}). Is it a checkpoint of another network?",
                tensor.shape()
            ))
        })
    }

    fn finish(&mut self) -> Result<()> {
        // The classifier that a network was trained with may follow.
        let classifier = |rest: &[(&str, &Tensor)]| match rest {
            [(w, t)] | [(_, _), (w, t)] => {
                w.ends_with(".weight") && t.shape().rank() > 1 && (rest.len() == 1 || rest[0].0.ends_with(".bias"))
            }
            _ => false,
        };
        match self.rest.last() {
            Some((name, tensor)) if !classifier(&self.rest) => Err(Error::Model(format!(
                "The checkpoint holds {} tensors more than the network has; the first is `{name}` ({}). Is it a checkpoint of another network?",
                self.rest.len(),
                tensor.shape()
            ))),
            _ => Ok(()),
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::model::Channels;
    use crate::zoo::{Entry, Seeded, find};

    /// The network's parameters under other names, in the order in which it asks for them.
    fn file(entry: &Entry, format: Format) -> StateDict {
        struct Writer(StateDict);
        impl Parameters for Writer {
            fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor> {
                let tensor = Seeded(3).tensor(name, role, shape)?;
                let number = self.0.iter().len();
                self.0.insert("test", &format!("layer{number}.{}", stored_as(role)), tensor.clone())?;
                Ok(tensor)
            }
        }
        let mut writer = Writer(StateDict::new(format));
        entry.graph(&mut writer).unwrap();
        writer.0
    }

    #[test]
    fn layers_are_taken_in_order_and_a_classifier_may_follow() {
        let entry = find("deepid-library").unwrap();
        let mut dict = file(entry, Format::Caffe);
        let seeded = entry.model(&mut Seeded(3)).unwrap();
        assert_eq!(entry.load(&dict).unwrap().digest(), seeded.digest());
        dict.insert("test", "softmax.weight", Tensor::zeros([100, 160])).unwrap();
        dict.insert("test", "softmax.bias", Tensor::zeros([100])).unwrap();
        assert_eq!(entry.load(&dict).unwrap().digest(), seeded.digest());
        dict.insert("test", "more.weight", Tensor::zeros([100, 160])).unwrap();
        assert!(entry.load(&dict).unwrap_err().to_string().contains("3 tensors more"));
    }

    #[test]
    fn a_format_whose_weights_want_other_pixels_says_so() {
        let entry = Entry { bgr: &[Format::Caffe], ..*find("deepid2").unwrap() };
        let channels = |format| entry.load(&file(&entry, format)).unwrap().description.input.channels;
        assert_eq!(channels(Format::Caffe), Channels::Bgr);
        assert_eq!(channels(Format::Torch7), Channels::Rgb);
    }

    #[test]
    fn another_network_is_refused_where_it_differs() {
        let text = find("deepid2").unwrap().load(&file(find("deepid-library").unwrap(), Format::Caffe)).unwrap_err().to_string();
        assert!(text.contains("`conv3.weight`") && text.contains("60x40x3x3"), "{text}");
    }
}
