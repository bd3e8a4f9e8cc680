//! Tensors from the blobs of layers.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::net::{Blob, Layer};
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::import::checkpoint::elements::{Elements, damaged};
use crate::import::checkpoint::layout::permuted;
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// Types of layers whose blobs are read. Depthwise convolutions of forks store what grouped ones do.
const KNOWN: [&str; 8] =
    ["Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution", "InnerProduct", "PReLU", "BatchNorm", "Scale"];

/// Classifiers that only training needs; their blobs are left out.
const TRAINING: [&str; 2] = ["MarginInnerProduct", "CenterLoss"];

/// Collects the tensors of a file.
pub(super) struct Converter<'f> {
    pub(super) file: &'f str,
    pub(super) budget: Budget,
    pub(super) dict: StateDict,
}

impl Converter<'_> {
    /// The tensors of all layers.
    pub(super) fn convert(mut self, layers: &[Layer<'_>]) -> Result<StateDict> {
        self.check(layers)?;
        let scales = scales(layers);
        let merged: HashSet<usize> = scales.values().copied().collect();
        for (i, layer) in layers.iter().enumerate().filter(|(i, l)| !l.blobs.is_empty() && !merged.contains(i)) {
            match &*layer.kind {
                "InnerProduct" => self.matrix(layer)?,
                "PReLU" => {
                    let [slopes] = self.blobs(layer)?;
                    let slopes = self.vector(layer, slopes, "weight")?;
                    self.insert(layer, "weight", slopes)?;
                }
                "BatchNorm" => self.normalisation(layer, scales.get(&i).and_then(|&s| layers.get(s)))?,
                "Scale" => {
                    let [weight, bias] = self.affine(layer)?;
                    self.insert(layer, "weight", weight)?;
                    self.insert(layer, "bias", bias)?;
                }
                kind if TRAINING.contains(&kind) => {}
                _ => {
                    let (weight, bias) = self.one_or_two(layer)?;
                    let weight = self.tensor(layer, weight, "weight")?;
                    self.insert(layer, "weight", weight)?;
                    self.bias(layer, bias)?;
                }
            }
        }
        Ok(self.dict)
    }

    /// # Errors
    /// [`Error::Unsupported`] that lists layers with blobs of unknown types.
    fn check(&self, layers: &[Layer<'_>]) -> Result<()> {
        let known = |l: &Layer<'_>| l.blobs.is_empty() || KNOWN.contains(&&*l.kind) || TRAINING.contains(&&*l.kind);
        let unknown: Vec<_> = layers.iter().filter(|l| !known(l)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let first: Vec<_> = unknown.iter().take(4).map(|l| format!("`{}` ({})", l.name, l.kind)).collect();
        let more = if unknown.len() > first.len() { format!(" and {} more", unknown.len() - first.len()) } else { String::new() };
        Err(Error::Unsupported(format!(
            "The checkpoint `{}` has layers whose numbers are not understood: {}{more}. \
             Known are Convolution, Deconvolution, InnerProduct, PReLU, BatchNorm and Scale; convert the network to ONNX.",
            self.file,
            first.join(", ")
        )))
    }

    fn matrix(&mut self, layer: &Layer<'_>) -> Result<()> {
        let (weight, bias) = self.one_or_two(layer)?;
        let mut weight = self.tensor(layer, weight, "weight")?;
        // Four numbers a shape, in old files: 1, 1, O, K.
        let dims = weight.shape().dims();
        let ones = dims.iter().take(dims.len().saturating_sub(2)).take_while(|&&n| n == 1).count();
        let matrix = dims.get(ones..).unwrap_or_default().to_vec();
        weight = weight.reshaped(matrix).unwrap_or_else(|| Tensor::zeros([0]));
        if layer.transposed {
            weight = permuted(self.file, &format!("{}.weight", layer.name), &weight, &[1, 0], &mut self.budget)?;
        }
        self.insert(layer, "weight", weight)?;
        self.bias(layer, bias)
    }

    fn bias(&mut self, layer: &Layer<'_>, blob: Option<&Blob<'_>>) -> Result<()> {
        let Some(blob) = blob else { return Ok(()) };
        let bias = self.vector(layer, blob, "bias")?;
        self.insert(layer, "bias", bias)
    }

    /// Factor and summand of a Scale; without a summand, zeros.
    fn affine(&mut self, layer: &Layer<'_>) -> Result<[Tensor; 2]> {
        let (weight, bias) = self.one_or_two(layer)?;
        let weight = self.vector(layer, weight, "weight")?;
        let bias = match bias {
            Some(bias) => self.vector(layer, bias, "bias")?,
            None => self.filled(layer, "bias", weight.len(), 0.0)?,
        };
        self.same_channels(layer, [("factors", &weight), ("summands", &bias)])?;
        Ok([weight, bias])
    }

    /// A BatchNorm, with the Scale that follows it or as if there were one that changes nothing.
    fn normalisation(&mut self, layer: &Layer<'_>, scale: Option<&Layer<'_>>) -> Result<()> {
        let [mean, variance, factor] = self.blobs(layer)?;
        let factor = self.vector(layer, factor, "factor")?;
        let mean = self.vector(layer, mean, "running_mean")?;
        let variance = self.vector(layer, variance, "running_var")?;
        // Both are sums, over as many pictures as the factor counts.
        let [factor] = factor.to_f32()[..] else {
            return Err(damaged(
                self.file,
                &format!("holds {} numbers for the factor of the layer `{}` instead of one", factor.len(), layer.name),
            ));
        };
        let factor = if factor == 0.0 { 0.0 } else { 1.0 / factor };
        let [mean, variance] = [self.scaled(layer, mean, factor)?, self.scaled(layer, variance, factor)?];
        let [weight, bias] = match scale {
            Some(scale) => self.affine(scale)?,
            None => [self.filled(layer, "weight", mean.len(), 1.0)?, self.filled(layer, "bias", mean.len(), 0.0)?],
        };
        self.same_channels(layer, [("means", &mean), ("variances", &variance)])?;
        self.same_channels(layer, [("means", &mean), ("factors", &weight)])?;
        for (part, tensor) in [("weight", weight), ("bias", bias), ("running_mean", mean), ("running_var", variance)] {
            self.insert(layer, part, tensor)?;
        }
        Ok(())
    }

    fn scaled(&mut self, layer: &Layer<'_>, tensor: Tensor, factor: f32) -> Result<Tensor> {
        let bytes = tensor.len() as u64 * 4;
        self.budget.reserve(&layer.name, bytes)?;
        // Infinity times 0 would be no number.
        let scaled = |&x: &f32| if factor == 0.0 { 0.0 } else { x * factor };
        let scaled = Tensor::from_f32(tensor.shape().clone(), tensor.to_f32().iter().map(scaled).collect());
        self.budget.release(bytes);
        Ok(scaled.unwrap_or(tensor))
    }

    fn filled(&mut self, layer: &Layer<'_>, part: &str, len: usize, value: f32) -> Result<Tensor> {
        self.budget.reserve(&format!("{}.{part}", layer.name), len as u64 * 4)?;
        Ok(Tensor::vector(vec![value; len]))
    }

    fn same_channels(&self, layer: &Layer<'_>, [(what, a), (other, b)]: [(&str, &Tensor); 2]) -> Result<()> {
        if a.len() == b.len() {
            return Ok(());
        }
        Err(damaged(self.file, &format!("holds {} {what} and {} {other} for the layer `{}`", a.len(), b.len(), layer.name)))
    }

    fn insert(&mut self, layer: &Layer<'_>, part: &str, tensor: Tensor) -> Result<()> {
        let name = format!("{}.{part}", layer.name);
        // An entry and its place by name.
        self.budget.reserve(&name, 512 + 4 * name.len() as u64)?;
        self.dict.insert(self.file, &name, tensor)
    }

    fn blobs<'a, const N: usize>(&self, layer: &'a Layer<'_>) -> Result<[&'a Blob<'a>; N]> {
        layer.blobs.iter().collect::<Vec<_>>().try_into().map_err(|_| self.miscounted(layer, &N.to_string()))
    }

    fn one_or_two<'a>(&self, layer: &'a Layer<'_>) -> Result<(&'a Blob<'a>, Option<&'a Blob<'a>>)> {
        match &layer.blobs[..] {
            [weight] => Ok((weight, None)),
            [weight, bias] => Ok((weight, Some(bias))),
            _ => Err(self.miscounted(layer, "1 or 2")),
        }
    }

    fn miscounted(&self, layer: &Layer<'_>, want: &str) -> Error {
        damaged(self.file, &format!("holds {} blobs for the layer `{}` ({}) instead of {want}", layer.blobs.len(), layer.name, layer.kind))
    }

    /// A blob of one axis, or of several of which all but one have length 1.
    fn vector(&mut self, layer: &Layer<'_>, blob: &Blob<'_>, part: &str) -> Result<Tensor> {
        let tensor = self.tensor(layer, blob, part)?;
        let long = tensor.shape().dims().iter().filter(|&&n| n != 1).count();
        let len = tensor.len();
        Ok(if long > 1 { tensor } else { tensor.reshaped([len]).unwrap_or_else(|| Tensor::zeros([0])) })
    }

    fn tensor(&mut self, layer: &Layer<'_>, blob: &Blob<'_>, part: &str) -> Result<Tensor> {
        let name = format!("{}.{part}", layer.name);
        let (elements, pieces) = if blob.doubles.is_empty() { (Elements::F32, &blob.floats) } else { (Elements::F64, &blob.doubles) };
        if pieces.is_empty() && blob.raw {
            return Err(Error::Unsupported(format!(
                "The tensor `{name}` of the checkpoint `{}` is stored as raw bytes, as forks of Caffe do with halves, which is not supported. \
                 Store it as floats.",
                self.file
            )));
        }
        let (bytes, joined) = match pieces[..] {
            [piece] => (Cow::Borrowed(piece), 0),
            _ => {
                let joined = pieces.iter().map(|p| p.len() as u64).sum();
                self.budget.reserve(&name, joined)?;
                (Cow::Owned(pieces.concat()), joined)
            }
        };
        let tensor = elements.tensor(self.file, &name, &blob.dims, &bytes, &mut self.budget)?;
        self.budget.release(joined);
        if tensor.len() * elements.bytes() != bytes.len() {
            let what = format!(
                "holds {} bytes for the tensor `{name}` ({}), which needs {}",
                bytes.len(),
                tensor.shape(),
                tensor.len() * elements.bytes()
            );
            return Err(damaged(self.file, &what));
        }
        Ok(tensor)
    }
}

/// Which Scale belongs to which BatchNorm, by index: the layer that reads its result next, if it is one.
fn scales(layers: &[Layer<'_>]) -> HashMap<usize, usize> {
    let mut open: HashMap<&[u8], usize> = HashMap::new();
    let mut found = HashMap::new();
    for (i, layer) in layers.iter().enumerate() {
        for bottom in &layer.bottoms {
            if let Some(norm) = open.remove(bottom)
                && layer.kind == "Scale"
                && !layer.blobs.is_empty()
            {
                found.insert(norm, i);
            }
        }
        open.remove(layer.top);
        if layer.kind == "BatchNorm" && !layer.blobs.is_empty() {
            open.insert(layer.top, i);
        }
    }
    found
}
