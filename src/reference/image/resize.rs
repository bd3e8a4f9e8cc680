//! ONNX Resize of H and W. Output place `o` reads the input at `coordinate(o)`, clamped to the picture.
//!
//! Coordinates are f32 arithmetic as in ONNX Runtime: they decide which cell is nearest, so more precision would be another definition.

use crate::error::{Error, Result};
use crate::graph::infer::geometry::{ResizeAxis, resize_axes};
use crate::graph::{Coordinates, NearestRounding, Resize, ResizeMode};
use crate::reference::Array;
use crate::tensor::{Shape, Tensor};

/// A coordinate this close to the middle between two cells counts as the middle (measured on ONNX Runtime 1.32: ties up to 9.5e-7, none
/// from 1.9e-6).
const TIE: f32 = 1e-6;

/// Nearest-neighbour and bilinear resampling of the last two axes.
pub(in crate::reference) fn resize(resize: &Resize, inputs: &[&Array], out: &[usize]) -> Result<Vec<f64>> {
    let x = inputs[0];
    let rank = out.len();
    let (rows, columns) = sampling(resize, &x.shape, &inputs[1].to_tensor()?)?;
    let width = if rank > 0 { x.shape[rank - 1] } else { 1 };
    let height = if rank > 1 { x.shape[rank - 2] } else { 1 };
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.data.chunks(width * height) {
        for r in &rows {
            let line = |c: &Sample, row: usize| c.mix(plane[row * width + c.low], plane[row * width + c.high]);
            y.extend(columns.iter().map(|c| r.mix(line(c, r.low), line(c, r.high))));
        }
    }
    Ok(y)
}

/// Which cells every output row and every output column reads, for an input of shape `x` and the second operand `target`.
///
/// # Errors
/// A target that does not fit the shape.
pub(crate) fn sampling(resize: &Resize, x: &Shape, target: &Tensor) -> Result<(Vec<Sample>, Vec<Sample>)> {
    let axes = resize_axes(x, resize, target).map_err(Error::Model)?;
    let along = |axis: usize| samples(resize, &axes[axis], x[axis]);
    let rank = x.rank();
    let columns = if rank > 0 { along(rank - 1) } else { vec![Sample::cell(0)] };
    let rows = if rank > 1 { along(rank - 2) } else { vec![Sample::cell(0)] };
    Ok((rows, columns))
}

/// Two neighbouring cells and the weight of the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The first cell.
    pub(crate) low: usize,
    /// The second cell; the first one again at the border and for nearest neighbours.
    pub(crate) high: usize,
    /// Weight of the second cell; the first one has the rest.
    pub(crate) weight: f64,
}

impl Sample {
    fn cell(i: usize) -> Self {
        Self { low: i, high: i, weight: 0.0 }
    }

    fn mix(&self, low: f64, high: f64) -> f64 {
        // Not `low + weight * (high - low)` alone: an infinite neighbour of weight 0 must not turn into NaN.
        if self.weight == 0.0 { low } else { low * (1.0 - self.weight) + high * self.weight }
    }
}

/// What each output place of one axis is mixed from. `n` is the number of input cells.
pub(crate) fn samples(resize: &Resize, axis: &ResizeAxis, n: usize) -> Vec<Sample> {
    let last = (n - 1) as f32;
    let sample = |o: usize| {
        let at = coordinate(resize.coordinates, o as f32, axis, n);
        match resize.mode {
            ResizeMode::Nearest => Sample::cell(round(resize.nearest, at).clamp(0.0, last) as usize),
            ResizeMode::Linear | ResizeMode::Cubic { .. } => {
                let at = at.clamp(0.0, last);
                let low = at.floor();
                Sample { low: low as usize, high: (low as usize + 1).min(n - 1), weight: f64::from(at - low) }
            }
        }
    };
    (0..axis.output).map(sample).collect()
}

fn coordinate(formula: Coordinates, o: f32, axis: &ResizeAxis, n: usize) -> f32 {
    let single = axis.output == 1;
    match formula {
        Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if single => 0.0,
        Coordinates::HalfPixel
        | Coordinates::PytorchHalfPixel
        | Coordinates::HalfPixelSymmetric
        | Coordinates::TfHalfPixelForNn
        | Coordinates::TfCropAndResize => (o + 0.5) / axis.scale - 0.5,
        Coordinates::AlignCorners => o * (n - 1) as f32 / (axis.output - 1) as f32,
        Coordinates::Asymmetric => o / axis.scale,
    }
}

fn round(rounding: NearestRounding, at: f32) -> f32 {
    let below = at.floor();
    let half = (at - below - 0.5).abs() <= TIE;
    match rounding {
        NearestRounding::Floor => below,
        NearestRounding::Ceil => at.ceil(),
        NearestRounding::RoundPreferFloor if half => below,
        NearestRounding::RoundPreferCeil if half => below + 1.0,
        NearestRounding::RoundPreferFloor | NearestRounding::RoundPreferCeil => at.round(),
    }
}
