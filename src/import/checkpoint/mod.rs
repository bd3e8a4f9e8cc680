//! Weights without a graph, in the formats that frameworks publish them in: tensors by name.
//!
//! Whatever the file, a [`StateDict`] has PyTorch's layouts (`[O, I, kh, kw]`, `[O, K]`) and names (`layer.weight`, `layer.bias`,
//! `layer.running_mean`, `layer.running_var`). Nothing in a file is executed, and nothing is believed before it is checked.

pub mod caffe;
mod dlib;
mod elements;
mod keras;
pub(crate) mod layout;
mod pytorch;
mod safetensors;
mod torch7;

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::import::{Limits, file_name, read_file};
use crate::tensor::Tensor;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face safetensors.
    Safetensors,
    /// PyTorch's `.pt` and `.pth`.
    PyTorch,
    /// Caffe's `.caffemodel`, of both generations.
    Caffe,
    /// dlib's face recognition network (`.dat`).
    Dlib,
    /// Torch7's `torch.save`, binary.
    Torch7,
    /// HDF5 as Keras 2 and tf.keras write it.
    Keras,
}

impl Format {
    /// Whether files store layers in the order in which pictures pass them (Keras: those of sequential networks), so that they can be
    /// taken one after the other where their names mean nothing.
    pub fn is_layered(self) -> bool {
        match self {
            Self::Safetensors | Self::PyTorch => false,
            Self::Caffe | Self::Dlib | Self::Torch7 | Self::Keras => true,
        }
    }

    /// Whether maps were flattened in the order H, W, C before linear layers, and windows lie as kh, kw, C in locally connected ones.
    pub fn is_channels_last(self) -> bool {
        self == Self::Keras
    }
}

/// The importers, in the order in which they are asked whether a file is theirs.
const READERS: &[Reader] = &[
    Reader { looks_like: safetensors::looks_like, read: safetensors::read },
    Reader { looks_like: pytorch::looks_like, read: pytorch::read },
    Reader { looks_like: dlib::looks_like, read: dlib::read },
    Reader { looks_like: caffe::looks_like, read: caffe::read },
    Reader { looks_like: torch7::looks_like, read: torch7::read },
    Reader { looks_like: keras::looks_like, read: keras::read },
];

/// One format.
struct Reader {
    looks_like: fn(&[u8]) -> bool,
    read: fn(&[u8], &str, &Limits) -> Result<StateDict>,
}

/// The tensors of a checkpoint, by name and in an order.
#[derive(Clone, Debug)]
pub struct StateDict {
    /// Where they come from.
    pub format: Format,
    tensors: Vec<(String, Tensor)>,
    by_name: HashMap<String, usize>,
}

impl StateDict {
    /// An empty one.
    pub fn new(format: Format) -> Self {
        Self { format, tensors: Vec::new(), by_name: HashMap::new() }
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// [`Error::Model`], naming `file`, when there is one of that name.
    pub fn insert(&mut self, file: &str, name: &str, tensor: Tensor) -> Result<()> {
        if self.by_name.insert(name.to_owned(), self.tensors.len()).is_some() {
            return Err(elements::damaged(file, &format!("holds the tensor `{name}` twice")));
        }
        self.tensors.push((name.to_owned(), tensor));
        Ok(())
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.by_name.get(name).map(|&i| &self.tensors[i].1)
    }

    /// Names and tensors, in the order of the file: for formats that store layers, that in which pictures pass them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Whether a file begins like a checkpoint of a format that can be read.
    pub fn is_known(bytes: &[u8]) -> bool {
        READERS.iter().any(|r| (r.looks_like)(bytes))
    }

    /// Reads a checkpoint. Which format it has shows in the content, not in the name.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn load(path: &Path, limits: &Limits) -> Result<Self> {
        let bytes = read_file(path, limits)?;
        Self::from_bytes(&bytes, &file_name(path), limits)
    }

    /// Reads a checkpoint from memory. `file` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Model`] for a file that is damaged or of no known format, [`Error::Limits`] for one that asks for too much, and
    /// [`Error::Unsupported`] for what a format can hold and this crate cannot read.
    pub fn from_bytes(bytes: &[u8], file: &str, limits: &Limits) -> Result<Self> {
        limits.check_file(file, bytes.len() as u64)?;
        let reader = READERS.iter().find(|r| (r.looks_like)(bytes)).ok_or_else(|| {
            Error::Model(format!(
                "The file `{file}` is no checkpoint of a known format (safetensors, PyTorch, caffemodel, dlib, Torch7, Keras' HDF5). Save the state dict as safetensors, or convert the network from ONNX."
            ))
        })?;
        (reader.read)(bytes, file, limits)
    }
}
