//! The modules that have parameters, and how those are laid out.

use super::modules::{Walk, named};
use super::objects::Value;
use crate::error::{Error, Result};
use crate::import::checkpoint::elements::damaged;
use crate::tensor::Tensor;

/// What a class does with parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Convolution,
    Linear,
    Normalization,
    Slopes,
    /// Sums over windows with a factor and a summand per channel, which pooling by norms holds at 1 and 0.
    Sums,
    Other,
}

/// The kind of a class, whatever package it is of (`nn`, `cudnn`).
pub(super) fn kind(class: &str) -> Kind {
    match class.rsplit('.').next().unwrap_or_default() {
        "SpatialConvolution" | "SpatialConvolutionMM" | "SpatialDilatedConvolution" => Kind::Convolution,
        "Linear" => Kind::Linear,
        "SpatialBatchNormalization" | "BatchNormalization" => Kind::Normalization,
        "PReLU" => Kind::Slopes,
        "SpatialSubSampling" => Kind::Sums,
        _ => Kind::Other,
    }
}

/// What a normalisation adds to variances unless it says otherwise.
const EPSILON: f64 = 1e-5;

impl<'a> Walk<'_, 'a> {
    /// `[O, I, kh, kw]`, also where the file has them as a matrix `[O, I * kh * kw]`.
    pub(super) fn convolution(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        let weight = self.needed(module, path, "weight")?;
        let dims = match *weight.dims() {
            [o, i, h, w] => [o, i, h, w],
            [o, row] => {
                let side = |name: &str| self.objects.integer(module, name).filter(|&n| n > 0);
                let window = side("kH").zip(side("kW")).filter(|&(h, w)| h.checked_mul(w).is_some_and(|n| row % n == 0));
                let (h, w) = window.ok_or_else(|| {
                    damaged(self.file, &format!("has rows of {row} weights at `{path}`, which do not go with the layer's window (kH, kW)"))
                })?;
                let planes = row / (h * w);
                if self.objects.integer(module, "nInputPlane").is_some_and(|n| n != planes) {
                    return Err(damaged(
                        self.file,
                        &format!("has rows of {row} weights at `{path}`, which do not go with its nInputPlane"),
                    ));
                }
                [o, planes, h, w]
            }
            _ => return Err(damaged(self.file, &format!("has a convolution at `{path}` whose weight has {} axes", weight.dims().len()))),
        };
        self.keep_as(path, "weight", weight, &dims)?;
        self.bias(module, path)
    }

    /// `[O, K]`
    pub(super) fn linear(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        let weight = self.needed(module, path, "weight")?;
        self.keep(path, "weight", weight)?;
        self.bias(module, path)
    }

    fn bias(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        self.tensor(module, path, "bias")?.map_or(Ok(()), |bias| self.keep(path, "bias", bias))
    }

    /// A slope a channel, or one for all.
    pub(super) fn slopes(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        let weight = self.needed(module, path, "weight")?;
        self.keep(path, "weight", weight)
    }

    /// Factors and summands, ones and zeros where there are none, means and variances.
    pub(super) fn normalization(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        let mean = self.needed(module, path, "running_mean")?;
        for (part, plain) in [("weight", 1.0), ("bias", 0.0)] {
            match self.tensor(module, path, part)? {
                Some(view) => self.keep(path, part, view)?,
                None => {
                    let (shape, len) = self.budget.reserve_tensor(&named(path, part), mean.dims(), 4)?;
                    self.add(path, part, Tensor::from_f32(shape, vec![plain; len]).unwrap_or_else(|| Tensor::zeros([0])))?;
                }
            }
        }
        self.keep(path, "running_mean", mean)?;
        match self.tensor(module, path, "running_var")? {
            Some(variance) => self.keep(path, "running_var", variance),
            None => self.deviation(module, path),
        }
    }

    /// Variances from what older versions kept instead: `1 / sqrt(variance + eps)`, under the name `running_std`.
    fn deviation(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        let epsilon = match self.objects.field(module, "eps") {
            Value::Number(n) => n,
            _ => EPSILON,
        };
        let view = self.needed(module, path, "running_std")?;
        let name = named(path, "running_std");
        let stored = view.copy(self.file, &name, view.dims(), &mut self.budget)?;
        // What is made, and the numbers as f32 where they are halves.
        self.budget.reserve(&name, 8 * stored.len() as u64)?;
        let variance = |&s: &f32| Some(1.0 / f64::from(s).powi(2) - epsilon).filter(|v| s > 0.0 && v.is_finite());
        let variances: Option<Vec<f32>> = stored.to_f32().iter().map(|s| variance(s).map(|v| v as f32)).collect();
        let tensor = variances.and_then(|v| Tensor::from_f32(stored.shape().clone(), v));
        let tensor = tensor.ok_or_else(|| damaged(self.file, &format!("has numbers in `{name}` that are no inverse deviations")))?;
        self.budget.release(8 * stored.len() as u64);
        self.add(path, "running_var", tensor)
    }

    /// Nothing, when factors are 1 and summands 0.
    pub(super) fn sums(&mut self, module: Value<'a>, path: &str) -> Result<()> {
        for (part, plain) in [("weight", 1.0), ("bias", 0.0)] {
            let Some(view) = self.tensor(module, path, part)? else { continue };
            let tensor = view.copy(self.file, &named(path, part), view.dims(), &mut self.budget)?;
            if tensor.to_f32().iter().any(|&v| v != plain) {
                return Err(Error::Unsupported(format!(
                    "The checkpoint `{}` has a layer of the class `nn.SpatialSubSampling` (at `{path}`) with a {part} other than \
                     {plain}, which is not supported. Convert the network to ONNX.",
                    self.file
                )));
            }
            self.budget.release(4 * tensor.len() as u64);
        }
        Ok(())
    }
}
