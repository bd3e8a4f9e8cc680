//! The layers of the network and their tensors.

use super::source::Source;
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::import::checkpoint::elements::Elements;
use crate::import::checkpoint::layout::permuted;
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// Reads what stands behind the loss.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) budget: Budget,
    pub(super) dict: StateDict,
    pub(super) convolutions: usize,
    pub(super) linear: usize,
}

impl<'a> Reader<'a> {
    /// The versions of all layers, the input, and the layers.
    pub(super) fn network(&mut self) -> Result<()> {
        let computing = self.versions()?;
        self.input()?;
        for layer in 0..computing {
            self.layer()?;
            for state in ["set up", "gradient", "output"] {
                self.source.truth(&format!("the state of a layer ({state})"))?;
            }
            // Empty in a file that was cleaned: the gradient, the output of the last picture, gradients of the parameters.
            for _ in 0..3 {
                self.source.tensor("what training left behind")?;
            }
            if layer == 0 {
                self.source.expect(1, "the pictures that the input makes of each")?;
            }
        }
        match self.source.left() {
            0 => Ok(()),
            more => Err(self.source.damaged(&format!("holds {more} bytes more than its network"))),
        }
    }

    /// From the output backwards: 2 for a layer, 1 for a name that layers are referred to by, 3 for the layer at the input. Returns how many compute.
    fn versions(&mut self) -> Result<usize> {
        let mut computing = 1;
        for layers in 1usize.. {
            self.budget.limits().check_nodes(self.source.file, layers)?;
            match self.source.integer("the version of a layer")? {
                1 => {}
                2 => computing += 1,
                3 => break,
                other => return Err(self.source.damaged(&format!("has a layer of version {other}, which does not exist"))),
            }
        }
        Ok(computing)
    }

    fn input(&mut self) -> Result<()> {
        match self.source.tag("the input")? {
            "input_rgb_image_sized" => {
                for _ in 0..3 {
                    self.source.float("the mean of a channel")?;
                }
                self.source.integer("the height of the input")?;
                self.source.integer("the width of the input")?;
                Ok(())
            }
            other => Err(self.foreign("input", other)),
        }
    }

    /// A layer's name and what it holds.
    fn layer(&mut self) -> Result<()> {
        match self.source.tag("a layer")? {
            "con_4" => self.convolution(),
            "affine_" => self.affine(),
            "fc_2" => self.fully_connected(),
            "max_pool_2" | "avg_pool_2" => self.integers(6, "a pool"),
            "relu_" | "add_prev_" => Ok(()),
            other => Err(self.foreign("layer", other)),
        }
    }

    /// Filters and biases in one tensor, after each other.
    fn convolution(&mut self) -> Result<()> {
        self.convolutions += 1;
        let name = format!("conv{}", self.convolutions);
        let (_, stored) = self.source.tensor("the filters of a convolution")?;
        self.integers(7, "the geometry of a convolution")?;
        let filters = self.source.part("the filters of a convolution")?;
        let biases = self.source.part("the biases of a convolution")?;
        self.multipliers()?;
        let rest = self.numbers(&format!("{name}.weight"), &filters, stored)?;
        let rest = self.numbers(&format!("{name}.bias"), &[count(biases)], rest)?;
        self.all_used(&name, rest)
    }

    /// Factors and summands in one tensor, after each other.
    fn affine(&mut self) -> Result<()> {
        let name = format!("conv{}.affine", self.convolutions);
        let (_, stored) = self.source.tensor("the numbers of an affine layer")?;
        let factors = self.source.part("the factors of an affine layer")?;
        let summands = self.source.part("the summands of an affine layer")?;
        self.source.integer("the kind of an affine layer")?;
        let rest = self.numbers(&format!("{name}.weight"), &[count(factors)], stored)?;
        let rest = self.numbers(&format!("{name}.bias"), &[count(summands)], rest)?;
        self.all_used(&name, rest)
    }

    /// A matrix of as many rows as there are inputs, then biases, if any.
    fn fully_connected(&mut self) -> Result<()> {
        self.linear += 1;
        let name = if self.linear == 1 { "fc".to_owned() } else { format!("fc{}", self.linear) };
        self.integers(2, "the size of a linear layer")?;
        let (_, stored) = self.source.tensor("the weights of a linear layer")?;
        let [inputs, outputs, ..] = self.source.part("the weights of a linear layer")?;
        let biases = self.source.part("the biases of a linear layer")?;
        self.source.integer("whether a linear layer has biases")?;
        self.multipliers()?;
        let weight = format!("{name}.weight");
        let (matrix, rest) = self.tensor(&weight, &[inputs, outputs], stored)?;
        let matrix = permuted(self.source.file, &weight, &matrix, &[1, 0], &mut self.budget)?;
        self.insert(&weight, matrix)?;
        let rest = match count(biases) {
            0 => rest,
            biases => self.numbers(&format!("{name}.bias"), &[biases], rest)?,
        };
        self.all_used(&name, rest)
    }

    /// How fast weights and biases were trained, and how much they were held back.
    fn multipliers(&mut self) -> Result<()> {
        (0..4).try_for_each(|_| self.source.float("a multiplier of training"))
    }

    fn integers(&mut self, count: usize, what: &str) -> Result<()> {
        (0..count).try_for_each(|_| self.source.integer(what).map(drop))
    }

    /// Adds the tensor at the front of `stored`, and returns what is behind it.
    fn numbers(&mut self, name: &str, dims: &[i64], stored: &'a [u8]) -> Result<&'a [u8]> {
        let (tensor, rest) = self.tensor(name, dims, stored)?;
        self.insert(name, tensor)?;
        Ok(rest)
    }

    fn insert(&mut self, name: &str, tensor: Tensor) -> Result<()> {
        // An entry and its place by name.
        self.budget.reserve(name, 512)?;
        self.dict.insert(self.source.file, name, tensor)
    }

    fn tensor(&mut self, name: &str, dims: &[i64], stored: &'a [u8]) -> Result<(Tensor, &'a [u8])> {
        let tensor = Elements::F32.tensor(self.source.file, name, dims, stored, &mut self.budget)?;
        let rest = stored.get(tensor.len() * 4..).unwrap_or_default();
        Ok((tensor, rest))
    }

    fn all_used(&self, name: &str, rest: &[u8]) -> Result<()> {
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.source.damaged(&format!("holds {} bytes more for the layer `{name}` than its sizes say", rest.len())))
    }

    fn foreign(&self, what: &str, tag: &str) -> Error {
        Error::Unsupported(format!(
            "The checkpoint `{}` has the {what} `{tag}` of dlib, which the face recognition network lacks; only that network is read. \
             Convert the network to ONNX.",
            self.source.file
        ))
    }
}

/// Numbers in a part of these sizes. As a dimension, one that is too large is refused by the limits.
fn count(sizes: [i64; 4]) -> i64 {
    sizes.into_iter().fold(1, i64::saturating_mul)
}
