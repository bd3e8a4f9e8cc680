//! ONNX Resize, axis by axis: every output place is a weighted sum of neighbouring cells.
//!
//! Nearest cells are found with f32 arithmetic as in ONNX Runtime: it decides which cell is nearest, so more precision would be another
//! definition. Weights are computed in f64.

use crate::error::{Error, Result};
use crate::graph::infer::resizing::{ResizeAxis, resize_axes};
use crate::graph::{Coordinates, NearestRounding, Resize, ResizeMode};
use crate::reference::Array;
use crate::tensor::{Shape, Tensor};

/// A coordinate this close to the middle between two cells counts as the middle (measured on ONNX Runtime 1.32: ties up to 9.5e-7, none
/// from 1.9e-6).
const TIE: f32 = 1e-6;

/// What one output place of an axis is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The first cell.
    pub(crate) first: usize,
    /// Weights of the first cell and those behind it; at least one, and all of these cells exist.
    pub(crate) weights: Vec<f64>,
    /// Beyond the input, where the operation says what to write.
    pub(crate) outside: bool,
}

impl Place {
    fn cell(first: usize) -> Self {
        Self { first, weights: vec![1.0], outside: false }
    }
}

/// Resampling of every axis that changes.
pub(in crate::reference) fn resize(resize: &Resize, inputs: &[&Array]) -> Result<Vec<f64>> {
    resample(resize, inputs, |weight| weight)
}

/// The same with the absolute values of the weights, on what are absolute values already.
pub(in crate::reference) fn magnitude(resize: &Resize, inputs: &[&Array]) -> Result<Vec<f64>> {
    resample(resize, inputs, f64::abs)
}

fn resample(resize: &Resize, inputs: &[&Array], weight: impl Fn(f64) -> f64) -> Result<Vec<f64>> {
    let x = inputs[0];
    let region = inputs.get(2).map(|a| a.to_tensor()).transpose()?;
    let axes = axes(resize, &x.shape, &inputs[1].to_tensor()?, region.as_ref())?;
    let mut data = x.data.clone();
    for (i, axis) in axes.iter().enumerate().filter(|(_, a)| a.changes()) {
        // The axes behind this one have not changed yet.
        let inner: usize = x.shape[i + 1..].iter().product();
        let places = places(resize, axis);
        let mut out = Vec::with_capacity(data.len() / axis.input * axis.output);
        for block in data.chunks(axis.input * inner) {
            for place in &places {
                let term = |at: usize, k: usize| weight(place.weights[k]) * block[(place.first + k) * inner + at];
                let sum = |at: usize| (0..place.weights.len()).map(|k| term(at, k)).sum::<f64>();
                let value = |at| if place.outside { f64::from(resize.extrapolation) } else { sum(at) };
                out.extend((0..inner).map(value));
            }
        }
        data = out;
    }
    Ok(data)
}

/// The axes of an input of shape `x`.
///
/// # Errors
/// Operands that do not fit the shape.
pub(crate) fn axes(resize: &Resize, x: &Shape, target: &Tensor, region: Option<&Tensor>) -> Result<Vec<ResizeAxis>> {
    resize_axes(x, resize, target, region).map_err(Error::Model)
}

/// What each output place of one axis is made of.
pub(crate) fn places(resize: &Resize, axis: &ResizeAxis) -> Vec<Place> {
    let place = |o: usize| match resize.mode {
        ResizeMode::Nearest => nearest(resize, axis, o),
        ResizeMode::Linear => weighted(resize, axis, o, 1.0, |d| 1.0 - d),
        ResizeMode::Cubic { a } => {
            let a = f64::from(a);
            let near = move |d: f64| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
            let far = move |d: f64| ((d - 5.0) * d + 8.0) * d * a - 4.0 * a;
            weighted(resize, axis, o, 2.0, move |d| if d <= 1.0 { near(d) } else { far(d) })
        }
    };
    (0..axis.output).map(place).collect()
}

fn nearest(resize: &Resize, axis: &ResizeAxis, o: usize) -> Place {
    let at = coordinate_f32(resize.coordinates, o, axis);
    let last = (axis.input - 1) as f32;
    let cell = round(resize.nearest, axis.scale, at).clamp(0.0, last) as usize;
    Place { outside: outside(resize, f64::from(at), axis), ..Place::cell(cell) }
}

/// The cells within `radius` of the place, or further when the kernel widens, weighted by their distance.
fn weighted(resize: &Resize, axis: &ResizeAxis, o: usize, radius: f64, kernel: impl Fn(f64) -> f64) -> Place {
    let at = coordinate(resize.coordinates, o, axis);
    if outside(resize, at, axis) {
        return Place { outside: true, ..Place::cell(0) };
    }
    let narrow = if resize.antialias { axis.scale.min(1.0) } else { 1.0 };
    let last = (axis.input - 1) as i64;
    let (low, high) = ((at - radius / narrow).ceil() as i64, (at + radius / narrow).floor() as i64);
    let mut weights: Vec<(usize, f64)> = Vec::new();
    for cell in low..=high {
        let weight = kernel((cell as f64 - at).abs() * narrow);
        let inside = cell.clamp(0, last);
        if weight == 0.0 || (inside != cell && resize.exclude_outside) {
            continue;
        }
        match weights.last_mut() {
            // The edge is repeated: all weights beyond it are its own.
            Some((known, sum)) if *known == inside as usize => *sum += weight,
            _ => weights.push((inside as usize, weight)),
        }
    }
    let sum: f64 = weights.iter().map(|(_, w)| w).sum();
    let (Some(&(first, _)), Some(&(end, _))) = (weights.first(), weights.last()) else {
        return Place::cell(at.clamp(0.0, last as f64) as usize);
    };
    let mut out = vec![0.0; end - first + 1];
    weights.iter().for_each(|&(cell, w)| out[cell - first] = w / sum);
    Place { first, weights: out, outside: false }
}

fn outside(resize: &Resize, at: f64, axis: &ResizeAxis) -> bool {
    resize.coordinates == Coordinates::TfCropAndResize && !(0.0..=(axis.input - 1) as f64).contains(&at)
}

/// The output size before it was made whole. A scale that is not exact in binary may miss a whole number by its own rounding.
fn length(axis: &ResizeAxis) -> f64 {
    let length = axis.scale * axis.input as f64;
    let whole = length.round();
    if (length - whole).abs() <= length * f64::from(f32::EPSILON) { whole } else { length }
}

fn coordinate(formula: Coordinates, o: usize, axis: &ResizeAxis) -> f64 {
    let (o, last, length) = (o as f64, (axis.input - 1) as f64, length(axis));
    let half_pixel = (o + 0.5) / axis.scale - 0.5;
    match formula {
        Coordinates::PytorchHalfPixel if axis.output == 1 => 0.0,
        Coordinates::AlignCorners if length == 1.0 => 0.0,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => half_pixel,
        Coordinates::HalfPixelSymmetric => half_pixel + axis.input as f64 / 2.0 * (1.0 - axis.output as f64 / length),
        Coordinates::AlignCorners => o * last / (length - 1.0),
        Coordinates::Asymmetric => o / axis.scale,
        Coordinates::TfHalfPixelForNn => (o + 0.5) / axis.scale,
        Coordinates::TfCropAndResize => {
            let (begin, end) = axis.region;
            if length == 1.0 { (begin + end) / 2.0 * last } else { begin * last + o * (end - begin) * last / (length - 1.0) }
        }
    }
}

/// The same, with the formulas that ONNX Runtime rounds to f32 step by step.
fn coordinate_f32(formula: Coordinates, o: usize, axis: &ResizeAxis) -> f32 {
    let (place, scale) = (o as f32, axis.scale as f32);
    match formula {
        Coordinates::PytorchHalfPixel if axis.output == 1 => 0.0,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (place + 0.5) / scale - 0.5,
        Coordinates::Asymmetric => place / scale,
        Coordinates::TfHalfPixelForNn => (place + 0.5) / scale,
        _ => coordinate(formula, o, axis) as f32,
    }
}

fn round(rounding: NearestRounding, scale: f64, at: f32) -> f32 {
    let below = at.floor();
    let half = (at - below - 0.5).abs() <= TIE;
    match rounding {
        NearestRounding::Floor => below,
        NearestRounding::Ceil => at.ceil(),
        NearestRounding::DownOrUp => {
            if scale < 1.0 {
                at.ceil()
            } else {
                below
            }
        }
        NearestRounding::RoundPreferFloor if half => below,
        NearestRounding::RoundPreferCeil if half => below + 1.0,
        NearestRounding::RoundPreferFloor | NearestRounding::RoundPreferCeil => at.round(),
    }
}
