//! Cases of resampling along axes and by grids.

use super::{Case, Input};
use crate::graph::{AspectRatio, Coordinates, GridMode, GridPadding, GridSample, NearestRounding, Op, Resize, ResizeMode, ResizeTarget};
use crate::recording::{Caps, Feed};
use crate::tensor::{DType, Tensor};

const COORDINATES: [Coordinates; 7] = [
    Coordinates::HalfPixel,
    Coordinates::PytorchHalfPixel,
    Coordinates::AlignCorners,
    Coordinates::Asymmetric,
    Coordinates::HalfPixelSymmetric,
    Coordinates::TfHalfPixelForNn,
    Coordinates::TfCropAndResize,
];

/// A case for each layout in which the operand may arrive. Every pass adds a rounding, and a weight in f32 one more.
fn both(out: &mut Vec<Case>, name: &str, op: &Op, operands: &[(Tensor, bool)], terms: usize) {
    for (feed, how) in [(Feed::Plain, "in rows"), (Feed::Packed, "packed")] {
        let case = Case::new(format!("{name}, {how}"), op.clone(), operands.to_vec(), terms);
        out.push(Case { feed, ..case });
    }
}

/// A resampling of `x` with the operands that it asks for; the region of interest reaches beyond the input.
fn resized(out: &mut Vec<Case>, name: &str, resize: Resize, x: &Tensor, target: Tensor, terms: usize) {
    let mut operands = vec![(x.clone(), true), (target, false)];
    if resize.coordinates == Coordinates::TfCropAndResize {
        let axes = operands[1].0.len();
        let region = (0..2 * axes).map(|i| if i < axes { 0.25 } else { 1.125 }).collect();
        operands.push((Tensor::vector(region), false));
    }
    both(out, name, &Op::Resize(resize), &operands, terms);
}

pub(crate) fn resample(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for coordinates in COORDINATES {
        for (mode, label) in [(ResizeMode::Cubic { a: -0.75 }, "cubic"), (ResizeMode::Linear, "linear")] {
            for antialias in [false, true] {
                if mode == ResizeMode::Linear && !antialias && coordinates != Coordinates::TfCropAndResize {
                    // What image/resize does.
                    continue;
                }
                for (shape, factors) in [([2, 8, 7, 5], [1.0, 1.0, 1.7, 0.45]), ([1, 5, 9, 6], [1.0, 1.0, 0.3, 2.0])] {
                    let rounding = NearestRounding::Floor;
                    let resize = Resize {
                        antialias,
                        exclude_outside: shape[1] == 5,
                        extrapolation: if antialias { 3.5 } else { 0.0 },
                        ..Resize::new(mode, coordinates, rounding, ResizeTarget::Scales)
                    };
                    let name = format!("{label} {coordinates:?} {shape:?} by {factors:?}{}", if antialias { " smooth" } else { "" });
                    // Cropping takes all axes of its operands for regions.
                    let (axes, target) = match coordinates {
                        Coordinates::TfCropAndResize => (vec![-1, 2], vec![factors[3], factors[2]]),
                        _ => (vec![], factors.to_vec()),
                    };
                    resized(&mut out, &name, Resize { axes, ..resize }, &Input::Noise.tensor(&shape, 1), Tensor::vector(target), 64);
                }
            }
        }
    }
    any_axes(&mut out);
    whole_numbers(&mut out);
    out
}

fn any_axes(out: &mut Vec<Case>) {
    let linear = Resize::new(ResizeMode::Linear, Coordinates::HalfPixel, NearestRounding::Floor, ResizeTarget::Sizes);
    let cubic = Resize { mode: ResizeMode::Cubic { a: -0.5 }, ..linear.clone() };
    let sizes = |v: &[i64]| Tensor::indices(v.to_vec());
    for (shape, to) in
        [(vec![5], vec![9]), (vec![3, 6], vec![2, 11]), (vec![2, 3, 4, 5, 6], vec![2, 3, 7, 4, 13]), (vec![2, 6, 4], vec![3, 4, 4])]
    {
        let name = format!("linear {shape:?} to {to:?}");
        resized(out, &name, linear.clone(), &Input::Noise.tensor(&shape, 1), sizes(&to), 32);
    }
    let x = Input::Noise.tensor(&[2, 3, 40, 9], 1);
    for aspect in [AspectRatio::NotLarger, AspectRatio::NotSmaller] {
        let resize = Resize { axes: vec![3, 2], aspect, ..cubic.clone() };
        resized(out, &format!("cubic {aspect:?}"), resize, &x, sizes(&[5, 70]), 64);
    }
    // One tap of hundreds, and far fewer places than cells.
    let long = Input::Noise.tensor(&[1, 1, 1, 3000], 1);
    resized(out, "cubic 3000 to 7", Resize { antialias: true, ..cubic }, &long, sizes(&[1, 1, 1, 7]), 2000);
}

fn whole_numbers(out: &mut Vec<Case>) {
    for (i, coordinates) in COORDINATES.into_iter().enumerate() {
        let (dtype, rounding) = [
            (DType::U8, NearestRounding::RoundPreferFloor),
            (DType::I32, NearestRounding::RoundPreferCeil),
            (DType::Bool, NearestRounding::Ceil),
            (DType::I64, NearestRounding::DownOrUp),
        ][i % 4];
        let resize = Resize { extrapolation: 1.0, ..Resize::new(ResizeMode::Nearest, coordinates, rounding, ResizeTarget::Scales) };
        let data = (0..2 * 3 * 5 * 4).map(|i| if dtype == DType::Bool { i % 3 / 2 } else { i }).collect();
        let x = Tensor::integers(dtype, [2, 3, 5, 4], data).unwrap_or_else(|| Tensor::zeros([]));
        let scales = Tensor::vector(vec![1.0, 2.0, 0.7, 1.8]);
        resized(out, &format!("nearest {coordinates:?} of {dtype}"), resize, &x, scales, 1);
    }
}

/// Places in steps of 1/64 from beyond one corner to beyond the other: exact in f32, as are the coordinates they stand for.
fn grid_of(shape: &[usize]) -> Tensor {
    let data = (0..shape.iter().product::<usize>()).map(|i| (i * 37 % 201) as f32 / 64.0 - 1.5).collect();
    Tensor::from_f32(shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros([]))
}

pub(crate) fn grid(_caps: &Caps) -> Vec<Case> {
    let shapes: [(&[usize], &[usize]); 5] = [
        (&[2, 5, 6, 4], &[2, 3, 7, 2]),
        (&[1, 8, 1, 9], &[1, 5, 5, 2]),
        (&[3, 3, 7], &[3, 11, 1]),
        (&[2, 3, 4, 3, 5], &[2, 2, 3, 4, 3]),
        (&[1, 1, 2, 2], &[1, 21, 10, 2]),
    ];
    let mut out = Vec::new();
    for (x, places) in shapes {
        for mode in [GridMode::Nearest, GridMode::Linear, GridMode::Cubic] {
            for padding in [GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection] {
                for align_corners in [false, true] {
                    let op = Op::GridSample(GridSample { mode, padding, align_corners });
                    let name = format!("{mode:?} {padding:?} {x:?} at {places:?}{}", if align_corners { " aligned" } else { "" });
                    let constant = mode == GridMode::Linear && align_corners;
                    let operands = [(Input::Noise.tensor(x, 1), true), (grid_of(places), !constant)];
                    both(&mut out, &name, &op, &operands, 64);
                }
            }
        }
    }
    out
}
