//! Cases of normalisation across channels and resampling.

use super::{Case, Input};
use crate::graph::{Coordinates, NearestRounding, Op, Resize, ResizeMode, ResizeTarget};
use crate::recording::Caps;
use crate::tensor::Tensor;

pub(super) const SHAPES: [[usize; 4]; 4] = [[1, 5, 7, 9], [3, 16, 6, 5], [2, 33, 1, 1], [1, 4, 13, 3]];

/// A node of one run-time operand and constants, on every shape and kind of input.
pub(super) fn each(label: &str, op: &Op, terms: usize, constants: impl Fn(&[usize; 4]) -> Vec<Tensor>) -> Vec<Case> {
    let pairs = SHAPES.iter().map(|s| (s, Input::Noise)).chain(Input::ALL.iter().map(|&i| (&SHAPES[1], i)));
    pairs
        .map(|(shape, input)| {
            let mut operands = vec![(input.tensor(shape, 1), true)];
            operands.extend(constants(shape).into_iter().map(|t| (t, false)));
            Case::new(format!("{label} {shape:?} {}", input.label()), op.clone(), operands, terms)
        })
        .collect()
}

pub(super) fn none(_: &[usize; 4]) -> Vec<Tensor> {
    Vec::new()
}

pub(crate) fn lrn(_caps: &Caps) -> Vec<Case> {
    [(5, 1e-4, 0.75, 1.0), (2, 0.5, 0.5, 2.0), (7, 1.0, 0.75, 1.0)]
        .into_iter()
        .flat_map(|(size, alpha, beta, bias)| each(&format!("size {size} alpha {alpha}"), &Op::Lrn { size, alpha, beta, bias }, 16, none))
        // pow is exp2(y * log2(x)), which WGSL gives to a few ulps of its exponent.
        .map(|c| Case { factor: 16.0, ..c })
        .collect()
}

pub(crate) fn resize(_caps: &Caps) -> Vec<Case> {
    let coordinates = [Coordinates::HalfPixel, Coordinates::PytorchHalfPixel, Coordinates::AlignCorners, Coordinates::Asymmetric];
    let roundings = [NearestRounding::RoundPreferFloor, NearestRounding::RoundPreferCeil, NearestRounding::Floor, NearestRounding::Ceil];
    let mut out = Vec::new();
    for (i, coordinates) in coordinates.into_iter().enumerate() {
        for (mode, nearest) in [(ResizeMode::Nearest, roundings[i]), (ResizeMode::Linear, NearestRounding::Floor)] {
            for (h, w) in [(2.0f32, 2.0f32), (0.6, 1.7)] {
                let op = Op::Resize(Resize::new(mode, coordinates, nearest, ResizeTarget::Scales));
                let scales = move |_: &[usize; 4]| vec![Tensor::vector(vec![1.0, 1.0, h, w])];
                let cases = each(&format!("{mode:?} {coordinates:?} {h}x{w}"), &op, 4, scales);
                // A map of one row cannot shrink.
                out.extend(cases.into_iter().filter(|c| c.operands[0].0.shape()[2] > 1));
            }
        }
    }
    out
}
