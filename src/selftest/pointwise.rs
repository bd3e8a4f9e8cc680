//! Cases of normalisation across channels, element-wise kernels and resampling.

use super::{Case, Input};
use crate::graph::{Binary, Coordinates, NearestRounding, Op, Resize, ResizeMode, ResizeTarget, Unary};
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

pub(crate) fn affine(_caps: &Caps) -> Vec<Case> {
    let vector = |len: usize, seed| Input::Noise.tensor(&[len], seed);
    let mut out = each("affine", &Op::Affine, 2, |s| vec![vector(s[1], 2), vector(s[1], 3)]);
    out.extend(each("prelu", &Op::PRelu, 2, |s| vec![vector(s[1], 2)]));
    out.extend(each("prelu scalar", &Op::PRelu, 2, |_| vec![vector(1, 2)]));
    out.extend(each("leaky relu", &Op::Unary(Unary::LeakyRelu { alpha: 0.1 }), 2, none));
    out
}

/// A function, the factor its error may exceed that of a sum by, and whether it needs positive operands.
const UNARY: [(Unary, f64, bool); 14] = [
    (Unary::Relu, 1.0, false),
    (Unary::Clip { lo: Some(-0.5), hi: Some(0.25) }, 1.0, false),
    // exp is good to 3 + 2|x| ulp (WGSL 1.0, 15.7.4); what is built on it inherits that.
    (Unary::Sigmoid, 16.0, false),
    (Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }, 4.0, false),
    (Unary::HardSwish, 4.0, false),
    (Unary::Tanh, 16.0, false),
    (Unary::Softplus, 16.0, false),
    (Unary::Exp, 32.0, false),
    (Unary::Log, 16.0, true),
    (Unary::Sqrt, 4.0, true),
    (Unary::Reciprocal, 4.0, true),
    (Unary::Abs, 1.0, false),
    (Unary::Neg, 1.0, false),
    (Unary::Elu { alpha: 1.5 }, 16.0, false),
];

pub(crate) fn unary(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (u, factor, positive) in UNARY {
        let op = Op::Unary(u);
        for case in each(op.kind(), &op, 1, none) {
            // exp of a large number overflows, which says nothing.
            let wild = case.name.contains("1e4") || case.name.contains("ramp");
            if wild && matches!(u, Unary::Exp) {
                continue;
            }
            let mut case = Case { factor, ..case };
            if positive {
                let (t, _) = &case.operands[0];
                let data: Vec<f32> = t.to_f32().iter().map(|v| v.abs() + 1e-3).collect();
                if let Some(t) = Tensor::from_f32(t.shape().clone(), data) {
                    case.operands[0] = (t, true);
                }
            }
            out.push(case);
        }
    }
    out
}

pub(crate) fn binary(_caps: &Caps) -> Vec<Case> {
    let kinds = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min, Binary::Pow];
    let shapes: [(&[usize], &[usize]); 8] = [
        (&[2, 5, 7, 9], &[2, 5, 7, 9]),
        (&[3, 16, 4, 3], &[3, 16, 1, 1]),
        (&[2, 6, 4, 3], &[2, 1, 4, 3]),
        (&[1, 7, 1, 1], &[3, 1, 4, 5]),
        (&[2, 9], &[9]),
        (&[2, 5, 6], &[6]),
        (&[5, 1, 1], &[2, 5, 3, 3]),
        (&[2, 3, 2, 2, 3], &[2, 1, 3]),
    ];
    let mut out = Vec::new();
    for kind in kinds {
        for (i, (a, b)) in shapes.iter().enumerate() {
            let divisor = matches!(kind, Binary::Div | Binary::Pow);
            let positive = |t: Tensor| {
                let data: Vec<f32> = t.to_f32().iter().map(|v| v.abs() + 0.25).collect();
                Tensor::from_f32(t.shape().clone(), data).unwrap_or(t)
            };
            let (mut u, mut v) = (Input::Noise.tensor(a, 1), Input::Noise.tensor(b, 2));
            if divisor {
                v = positive(v);
            }
            if kind == Binary::Pow {
                u = positive(u);
            }
            // The second operand is a constant in every other case.
            let case = Case::new(format!("{kind:?} {a:?} {b:?}"), Op::Binary(kind), vec![(u, true), (v, i % 2 == 0)], 1);
            out.push(Case { factor: if kind == Binary::Pow { 16.0 } else { 2.0 }, ..case });
        }
    }
    // A negative base with a whole exponent.
    let base = Tensor::from_f32([1, 6], vec![-2.0, -1.5, 3.0, -0.5, 0.0, 2.0]);
    let exponent = Tensor::from_f32([1, 6], vec![3.0, 2.0, 0.5, -1.0, 2.0, 0.0]);
    if let (Some(base), Some(exponent)) = (base, exponent) {
        let case = Case::new("Pow of negative bases", Op::Binary(Binary::Pow), vec![(base, true), (exponent, true)], 1);
        out.push(Case { factor: 16.0, ..case });
    }
    out
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
