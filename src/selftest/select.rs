//! Cases of extremes, order and running sums. Places are exact.

use super::{Case, Input, exact, whole};
use crate::graph::Op;
use crate::recording::Caps;
use crate::tensor::{DType, Tensor};

/// Noise in which some elements repeat, some are zeros of either sign, and one is not a number.
fn rough(shape: &[usize]) -> Tensor {
    let noise = Input::Noise.tensor(shape, 1);
    let values = noise.to_f32().into_owned();
    let data = values.into_iter().enumerate().map(|(i, v)| match i % 11 {
        3 => 0.75,
        5 => 0.0,
        7 => -0.0,
        9 if i % 23 == 9 => f32::NAN,
        10 if i % 7 == 3 => f32::INFINITY,
        8 if i % 13 == 8 => f32::NEG_INFINITY,
        _ => v,
    });
    Tensor::from_f32(noise.shape().clone(), data.collect()).unwrap_or(noise)
}

/// Floats and whole numbers of this shape, and what messages call them.
fn inputs(shape: &[usize]) -> Vec<(&'static str, Tensor)> {
    vec![
        ("rough", rough(shape)),
        ("one-hot", Input::OneHot.tensor(shape, 1)),
        ("ramp", Input::Ramp.tensor(shape, 1)),
        ("int64", whole(DType::I64, shape, 1)),
        ("uint8", whole(DType::U8, shape, 1)),
    ]
}

pub(crate) fn arg(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (shape, axis) in [(&[2, 7, 3][..], 1), (&[5], 0), (&[3, 1, 2], 1), (&[2, 300], -1), (&[2, 1031, 3], 1), (&[40, 3, 9], 0)] {
        for (label, x) in inputs(shape) {
            for (largest, last) in [(true, false), (true, true), (false, false), (false, true)] {
                let op = Op::ArgReduce { axis, keep_dims: last, largest, last };
                let what = if largest { "max" } else { "min" };
                let name = format!("{what} of {shape:?} axis {axis} {label}{}", if last { ", last" } else { "" });
                out.push(exact(name, op, vec![(x.clone(), true)]));
            }
            if x.dtype().is_float() {
                let op = Op::Hardmax { axis, flatten: axis == 1 };
                out.push(exact(format!("hardmax of {shape:?} axis {axis} {label}"), op, vec![(x, true)]));
            }
        }
    }
    out
}

fn top_k(cases: &[(&[usize], i64, i64)]) -> Vec<Case> {
    let mut out = Vec::new();
    for &(shape, axis, k) in cases {
        for (label, x) in inputs(shape) {
            for largest in [true, false] {
                let which = if largest { "greatest" } else { "least" };
                let operands = vec![(x.clone(), true), (Tensor::indices(vec![k]), false)];
                out.push(exact(format!("{k} {which} of {shape:?} axis {axis} {label}"), Op::TopK { axis, largest }, operands));
            }
        }
    }
    out
}

pub(crate) fn sort(_caps: &Caps) -> Vec<Case> {
    top_k(&[(&[1], 0, 1), (&[3, 5], 1, 3), (&[2, 21, 5], 1, 21), (&[7, 2, 16], -1, 4), (&[2, 1000], 1, 1000), (&[1024], 0, 17)])
}

/// More than one chunk of 1024: an even number of them, an odd one, kept whole and cut short.
pub(crate) fn merge(_caps: &Caps) -> Vec<Case> {
    top_k(&[
        (&[1025], 0, 1025),
        (&[2, 3000], 1, 1),
        (&[2, 3000, 2], 1, 300),
        (&[1, 5000], 1, 5000),
        (&[2, 4096], 1, 1500),
        (&[40_000], 0, 100),
    ])
}

pub(crate) fn scan(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (shape, axis) in [(&[5][..], 0), (&[2, 7, 3], 1), (&[3, 4], -1), (&[2, 257], 1), (&[2, 1000, 3], 1), (&[70_000], 0)] {
        for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
            let op = Op::CumSum { exclusive, reverse };
            let name =
                format!("{shape:?} axis {axis}{}{}", if exclusive { " exclusive" } else { "" }, if reverse { " reverse" } else { "" });
            let axis = (Tensor::indices(vec![axis]), false);
            let x = (Input::Noise.tensor(shape, 1), true);
            out.push(Case::new(name.clone(), op.clone(), vec![x, axis.clone()], shape.iter().product()));
            out.push(exact(format!("{name} of int32"), op, vec![(whole(DType::I32, shape, 1), true), axis]));
        }
    }
    out
}
