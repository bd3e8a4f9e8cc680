//! The file of the generative model: safetensors with an 8-bit basis.

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::json;

use crate::error::{Error, Result};
use crate::random::Stream;

/// The `format` of the file's metadata.
pub const FORMAT: &str = "lookalike-people-1";
/// Width and height of a frame in model pixels.
pub const FRAME: usize = 96;
/// Directions in which faces vary.
pub const COMPONENTS: usize = 100;
/// Numbers of a frame: three planes.
pub(crate) const PIXELS: usize = 3 * FRAME * FRAME;

/// `weights/people.safetensors`; its card lies next to it.
static PEOPLE: &[u8] = include_bytes!("../../weights/people.safetensors");

/// The generative model on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct PeopleModel {
    /// `[3, 96, 96]`, 0..255.
    mean: Vec<f16>,
    /// `[100, 27648]`; row k times `scale[k]` is direction k.
    basis: Vec<i8>,
    scale: Vec<f32>,
    /// `[100, 100]`, symmetric square roots of the covariances of persons and occasions.
    factor_mu: Vec<f16>,
    factor_eps: Vec<f16>,
    scales: Scales,
}

/// Spread of people and of occasions around them; in the file's metadata as decimal numbers.
#[derive(Clone, Debug, PartialEq)]
struct Scales {
    mu_scale: f64,
    eps_scale: f64,
}

impl Scales {
    /// `None` when the metadata are not those of a people model.
    fn read(metadata: &HashMap<String, String>) -> Option<Self> {
        let number = |key: &str| metadata.get(key)?.parse().ok().filter(|x: &f64| x.is_finite());
        let known = metadata.get("format")? == FORMAT;
        known.then_some(Self { mu_scale: number("mu_scale")?, eps_scale: number("eps_scale")? })
    }
}

fn malformed(what: impl std::fmt::Display) -> Error {
    Error::Model(format!("The people model is malformed ({what}). Take weights/people.safetensors of this version."))
}

impl PeopleModel {
    /// The model that ships with the crate.
    ///
    /// # Errors
    /// Only when this copy of the crate was built with a damaged file.
    pub fn builtin() -> Result<Self> {
        Self::from_bytes(PEOPLE)
    }

    /// Whether these bytes are a file of this kind, by its metadata.
    pub fn is_people_file(bytes: &[u8]) -> bool {
        SafeTensors::read_metadata(bytes).is_ok_and(|(_, m)| m.metadata().as_ref().is_some_and(|m| Scales::read(m).is_some()))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`Error::Model`] when it is not one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(malformed)?;
        let scales = metadata.metadata().as_ref().and_then(Scales::read);
        let scales = scales.ok_or_else(|| malformed(format!("its metadata are not those of {FORMAT}")))?;
        let halves = |name: &str, shape: &[usize]| {
            let data = content(&tensors, name, Dtype::F16, shape)?;
            Ok::<_, Error>(data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>())
        };
        Ok(Self {
            mean: halves("mean", &[3, FRAME, FRAME])?,
            basis: content(&tensors, "basis", Dtype::I8, &[COMPONENTS, PIXELS])?.iter().map(|&b| b as i8).collect(),
            scale: content(&tensors, "basis_scale", Dtype::F32, &[COMPONENTS])?
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            factor_mu: halves("factor_mu", &[COMPONENTS, COMPONENTS])?,
            factor_eps: halves("factor_eps", &[COMPONENTS, COMPONENTS])?,
            scales,
        })
    }

    /// The model file, byte for byte the same for the same model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let halves = |v: &[f16]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
        // Widest elements first, so that each tensor is aligned to its own.
        let parts = [
            ("basis_scale", "F32", vec![COMPONENTS], self.scale.iter().flat_map(|x| x.to_le_bytes()).collect()),
            ("factor_eps", "F16", vec![COMPONENTS, COMPONENTS], halves(&self.factor_eps)),
            ("factor_mu", "F16", vec![COMPONENTS, COMPONENTS], halves(&self.factor_mu)),
            ("mean", "F16", vec![3, FRAME, FRAME], halves(&self.mean)),
            ("basis", "I8", vec![COMPONENTS, PIXELS], self.basis.iter().map(|&b| b as u8).collect()),
        ];
        // serde_json keeps the keys of a map sorted; the crate's own writer would put the metadata in any order.
        let scales = &self.scales;
        let metadata = json!({ "format": FORMAT, "mu_scale": scales.mu_scale.to_string(), "eps_scale": scales.eps_scale.to_string() });
        let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), metadata)]);
        let mut data: Vec<u8> = Vec::new();
        for (name, dtype, shape, bytes) in parts {
            let start = data.len();
            data.extend::<Vec<u8>>(bytes);
            header.insert(name.to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, data.len()] }));
        }
        let mut header = serde_json::Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.append(&mut header);
        out.append(&mut data);
        out
    }

    /// The coefficients of a picture of a person. Picture 0 is the person on no occasion.
    pub fn coefficients(&self, seed: u64, person: u64, picture: u64) -> Vec<f64> {
        let mut out = product(&self.factor_mu, &Stream::new(seed, person, 0).normal(COMPONENTS), self.scales.mu_scale);
        if picture > 0 {
            let occasion = product(&self.factor_eps, &Stream::new(seed, person, picture).normal(COMPONENTS), self.scales.eps_scale);
            out.iter_mut().zip(occasion).for_each(|(x, y)| *x += y);
        }
        out
    }

    /// The frame of these coefficients on the host, `[3, 96, 96]`, before the camera: what [`super::PeopleDecoder`] computes on the GPU.
    pub fn frame(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = self.mean.iter().map(|m| m.to_f64()).collect();
        for ((row, &scale), &c) in self.basis.chunks_exact(PIXELS).zip(&self.scale).zip(coefficients) {
            let c = c * f64::from(scale);
            x.iter_mut().zip(row).for_each(|(x, &b)| *x += c * f64::from(b));
        }
        x
    }

    /// The basis as the weights of a linear layer, `[27648, 100]`, and the mean as its bias.
    pub(crate) fn linear(&self) -> (Vec<f32>, Vec<f32>) {
        let mut weights = vec![0.0; PIXELS * COMPONENTS];
        for (k, (row, &scale)) in self.basis.chunks_exact(PIXELS).zip(&self.scale).enumerate() {
            for (pixel, &b) in row.iter().enumerate() {
                weights[pixel * COMPONENTS + k] = f32::from(b) * scale;
            }
        }
        (weights, self.mean.iter().map(|m| m.to_f32()).collect())
    }
}

/// `scale * factor * x`.
fn product(factor: &[f16], x: &[f64], scale: f64) -> Vec<f64> {
    factor.chunks_exact(COMPONENTS).map(|row| scale * row.iter().zip(x).map(|(f, x)| f.to_f64() * x).sum::<f64>()).collect()
}

fn content<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8]> {
    let view = tensors.tensor(name).map_err(|_| malformed(format!("it has no tensor `{name}`")))?;
    if view.dtype() != dtype || view.shape() != shape {
        return Err(malformed(format!("the tensor `{name}` is {:?} {:?}, not {dtype:?} {shape:?}", view.dtype(), view.shape())));
    }
    Ok(view.data())
}
