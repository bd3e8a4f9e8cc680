//! Cases of element-wise kernels: every function, type, layout and way of broadcasting, with zeros, infinities and NaN among the numbers.

use super::pointwise::{each, none};
use super::{Case, Input};
use crate::graph::{Binary, Op, Unary};
use crate::kernels::elementwise::unary as kernel;
use crate::recording::{Caps, Feed};
use crate::tensor::{DType, Shape, Tensor};

/// What functions treat in their own way: zeros, infinities, NaN, halves, the ends of domains and of f32, multiples of pi / 2, large angles.
const SPECIAL: [f32; 64] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    3.0,
    -3.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    0.25,
    -0.25,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    1e-30,
    -1e-30,
    1e-7,
    -1e-7,
    0.001,
    -0.001,
    0.1,
    -0.1,
    0.7,
    -0.7,
    0.999_999_94,
    -0.999_999_94,
    1.000_000_1,
    1.1,
    4.0,
    -4.0,
    7.3,
    -7.3,
    12.0,
    -12.0,
    20.0,
    -20.0,
    88.0,
    -88.0,
    89.0,
    -89.3,
    -103.0,
    104.5,
    std::f32::consts::FRAC_PI_2,
    std::f32::consts::PI,
    -6.283_185_5,
    355.0,
    8192.5,
    -12_867.963,
    5e4,
    1e7,
    -33_554_432.0,
    3.3e9,
    1e10,
    -1e10,
    6.6e24,
    1e30,
    -1e30,
    f32::MAX,
    f32::MIN,
];

fn floats(shape: &[usize], data: Vec<f32>) -> Tensor {
    Tensor::from_f32(shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros(Shape::default()))
}

fn whole(dtype: DType, shape: &[usize], data: Vec<i64>) -> Tensor {
    Tensor::integers(dtype, shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros(Shape::default()))
}

fn scaled(case: Case, factor: f64) -> Case {
    Case { factor, ..case }
}

/// The case with its operands in either layout.
fn both_layouts(case: Case) -> [Case; 2] {
    let packed = Case { name: format!("{} packed", case.name), feed: Feed::Packed, ..case.clone() };
    [case, packed]
}

pub(crate) fn affine(_caps: &Caps) -> Vec<Case> {
    let vector = |len: usize, seed| Input::Noise.tensor(&[len], seed);
    let mut out = each("affine", &Op::Affine, 2, |s| vec![vector(s[1], 2), vector(s[1], 3)]);
    let same = |len: usize, value: f32| Tensor::vector(vec![value; len]);
    out.extend(each("the same affine for all channels", &Op::Affine, 2, |s| vec![same(s[1], 0.35), same(s[1], -1.5)]));
    let five = vec![(Input::Noise.tensor(&[2, 6, 2, 3, 2], 1), true), (vector(6, 2), false), (vector(6, 3), false)];
    out.push(Case::new("affine of five axes", Op::Affine, five, 2));
    out.extend(each("prelu", &Op::PRelu, 2, |s| vec![vector(s[1], 2)]));
    out.extend(each("prelu scalar", &Op::PRelu, 2, |_| vec![vector(1, 2)]));
    out.extend(each("leaky relu", &Op::Unary(Unary::LeakyRelu { alpha: 0.1 }), 2, none));
    let special = || floats(&[4, 16], SPECIAL.to_vec());
    let leaky = Op::Unary(Unary::LeakyRelu { alpha: 0.1 });
    out.push(Case::new("leaky relu of special numbers", leaky, vec![(special(), true)], 1));
    out.push(Case::new("prelu of special numbers", Op::PRelu, vec![(special(), true), (vector(16, 2), false)], 1));
    out
}

/// Functions and the factors their errors may exceed that of a single rounding by; 0 where nothing is rounded.
const UNARY: [(Unary, f64); 43] = [
    (Unary::Relu, 0.0),
    (Unary::Clip { lo: Some(-0.5), hi: Some(0.25) }, 0.0),
    (Unary::Clip { lo: None, hi: Some(6.0) }, 0.0),
    // exp is good to 3 + 2|x| ulp (WGSL 1.0, 15.7.4); what is built on it inherits that.
    (Unary::Sigmoid, 16.0),
    (Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }, 4.0),
    (Unary::HardSwish, 4.0),
    (Unary::Tanh, 16.0),
    (Unary::Softplus, 16.0),
    (Unary::Elu { alpha: 1.5 }, 16.0),
    (Unary::Reciprocal, 4.0),
    (Unary::Abs, 0.0),
    (Unary::Neg, 0.0),
    (Unary::Celu { alpha: 2.0 }, 4.0),
    (Unary::Selu { alpha: 1.673_263_2, gamma: 1.050_701 }, 4.0),
    (Unary::ThresholdedRelu { alpha: 0.3 }, 0.0),
    (Unary::Shrink { lambda: 0.4, bias: 0.1 }, 1.0),
    (Unary::Mish, 4.0),
    (Unary::Swish { alpha: 1.0 }, 4.0),
    (Unary::Swish { alpha: 1.7 }, 4.0),
    (Unary::Gelu, 4.0),
    (Unary::GeluTanh, 4.0),
    (Unary::Softsign, 4.0),
    (Unary::Sign, 0.0),
    (Unary::Floor, 0.0),
    (Unary::Ceil, 0.0),
    (Unary::Round, 0.0),
    (Unary::Erf, 4.0),
    (Unary::Exp, 4.0),
    (Unary::Log, 4.0),
    (Unary::Sqrt, 4.0),
    (Unary::Sin, 4.0),
    (Unary::Cos, 4.0),
    (Unary::Tan, 4.0),
    (Unary::Asin, 4.0),
    (Unary::Acos, 4.0),
    (Unary::Atan, 4.0),
    (Unary::Sinh, 4.0),
    (Unary::Cosh, 4.0),
    (Unary::Asinh, 4.0),
    (Unary::Acosh, 4.0),
    (Unary::Atanh, 4.0),
    (Unary::IsNan, 0.0),
    (Unary::IsInf { negative: false, positive: true }, 0.0),
];

pub(crate) fn unary(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (u, factor) in UNARY {
        let op = Op::Unary(u);
        let special =
            Case::new(format!("{} of special numbers", op.kind()), op.clone(), vec![(floats(&[4, 16], SPECIAL.to_vec()), true)], 1);
        out.push(scaled(special, factor));
        // From 2^-12 to 2^7 in steps of 2^(1/16), both signs.
        let dense = (0..304).map(|i| 2f32.powf(i as f32 / 16.0 - 12.0)).flat_map(|v| [v, -v]).collect();
        let dense = Case::new(format!("{} at all scales", op.kind()), op.clone(), vec![(floats(&[608], dense), true)], 1);
        out.push(scaled(dense, factor));
        for (i, case) in each(op.kind(), &op, 1, none).into_iter().enumerate() {
            out.push(Case { factor, feed: if i % 2 == 0 { Feed::Packed } else { Feed::Plain }, ..case });
        }
    }
    let same = |len: usize, value: f32| Tensor::vector(vec![value; len]);
    for (u, factor) in UNARY.into_iter().filter(|(u, _)| kernel::scales(*u, DType::F32)) {
        // Two roundings more.
        let name = format!("{}, scaled and shifted", u.kind());
        let cases = each(&name, &Op::Affine, 1, |s| vec![same(s[1], -1.5), same(s[1], 0.35)]);
        out.extend(cases.into_iter().map(|case| Case { before: vec![Op::Unary(u)], factor: factor + 2.0, ..case }));
    }
    for dtype in [DType::I8, DType::I16, DType::I32, DType::I64] {
        let x = whole(dtype, &[13], vec![0, 1, -1, 2, -2, 3, -3, 100, -100, 127, -128, 64, -65]);
        for u in [Unary::Relu, Unary::Abs, Unary::Neg, Unary::Sign, Unary::Clip { lo: Some(-2.0), hi: Some(99.0) }] {
            let case = Case::new(format!("{} of {dtype}", u.kind()), Op::Unary(u), vec![(x.clone(), true)], 1);
            out.push(scaled(case, 0.0));
        }
    }
    let truth = whole(DType::Bool, &[2, 3, 2, 1], vec![1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0]);
    let not = Case::new("Not", Op::Unary(Unary::Not), vec![(truth, true)], 1);
    out.extend(both_layouts(scaled(not, 0.0)));
    out
}

/// Shapes of two operands: equal, repeated along each axis and several, of few and many axes, on and off vec4s.
const PAIRS: [(&[usize], &[usize]); 13] = [
    (&[2, 5, 7, 9], &[2, 5, 7, 9]),
    (&[3, 16, 4, 3], &[3, 16, 1, 1]),
    (&[2, 6, 4, 3], &[2, 1, 4, 3]),
    (&[1, 7, 1, 1], &[3, 1, 4, 5]),
    (&[2, 9], &[9]),
    (&[2, 5, 6], &[6]),
    (&[2, 5, 8], &[8]),
    (&[3, 6, 8], &[3, 6, 1]),
    (&[5, 1, 1], &[2, 5, 3, 3]),
    (&[2, 3, 2, 2, 3], &[2, 1, 3]),
    (&[2, 1, 3, 1, 2, 1, 2, 3], &[3, 1, 2, 1, 3, 1, 1]),
    (&[2, 3, 1, 2, 8], &[1, 5, 1, 8]),
    (&[], &[3, 1]),
];

/// Functions of floats, and the factors of their errors.
const OF_FLOATS: [(Binary, f64); 14] = [
    (Binary::Add, 2.0),
    (Binary::Sub, 2.0),
    (Binary::Mul, 2.0),
    (Binary::Div, 2.0),
    (Binary::Max, 0.0),
    (Binary::Min, 0.0),
    (Binary::Pow, 4.0),
    (Binary::Mod, 1.0),
    (Binary::Fmod, 0.0),
    (Binary::Equal, 0.0),
    (Binary::Greater, 0.0),
    (Binary::GreaterOrEqual, 0.0),
    (Binary::Less, 0.0),
    (Binary::LessOrEqual, 0.0),
];

pub(crate) fn binary(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (kind, factor) in OF_FLOATS {
        let op = Op::Binary(kind);
        for (i, (a, b)) in PAIRS.into_iter().enumerate() {
            let operands = vec![(mixed(kind, a, 1), true), (mixed(kind, b, 2), i % 3 != 0)];
            let case = Case::new(format!("{kind:?} {a:?} {b:?}"), op.clone(), operands, 1);
            out.extend(both_layouts(scaled(case, factor)));
        }
        // Every special number with every other.
        let (column, row) = (floats(&[64, 1], SPECIAL.to_vec()), floats(&[64], SPECIAL.to_vec()));
        let case = Case::new(format!("{kind:?} of special numbers"), op, vec![(column, true), (row, true)], 1);
        out.push(scaled(case, factor));
    }
    for (i, (x, slope)) in
        [(&[2, 5, 3, 4][..], &[5][..]), (&[2, 3, 4], &[3, 1]), (&[2, 6, 3, 2, 2], &[6]), (&[3, 4], &[1])].into_iter().enumerate()
    {
        let operands = vec![(Input::Noise.tensor(x, 1), true), (Input::Noise.tensor(slope, 2), i != 2)];
        out.extend(both_layouts(Case::new(format!("prelu {x:?} {slope:?}"), Op::PRelu, operands, 1)));
    }
    out.extend(of_whole_numbers());
    out.extend(mixed_powers());
    out
}

/// Noise for sums; for what divides or compares, numbers with ties, of both signs, and no zero among the divisors.
fn mixed(kind: Binary, shape: &[usize], seed: u32) -> Tensor {
    let number = |&v: &f32| match kind {
        Binary::Div => v + v.signum(),
        Binary::Pow if seed == 1 => v.abs() + 0.25,
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min | Binary::Pow => v,
        _ if seed == 2 => (v * 4.0).round() + if v > 0.5 { 0.5 } else { 0.0 },
        _ => (v * 4.0).round(),
    };
    let data = Input::Noise.tensor(shape, seed).to_f32().iter().map(number).collect();
    floats(shape, data)
}

const WHOLE: [DType; 8] = [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32, DType::U32, DType::I64, DType::U64];

fn of_whole_numbers() -> Vec<Case> {
    let mut out = Vec::new();
    for dtype in WHOLE {
        let (least, most) = dtype.range().unwrap_or_default();
        let (least, most) = (least.max(-40_000), most.min(40_000));
        let values: Vec<i64> = vec![0, 1, 2, 3, 5, 7, 100, most, most - 1, least, least + 1, least / 2, (-1).max(least), (-7).max(least)];
        let n = values.len();
        let column = (whole(dtype, &[n, 1], values.clone()), true);
        let row = (whole(dtype, &[n], values.clone()), true);
        // No divisor is 0, for which the reference has an error; an unsigned difference below 0 has no value in 64 bits.
        let divisors: Vec<i64> = values.iter().map(|&v| if v == 0 { 4 } else { v }).collect();
        let divisor = (whole(dtype, &[n], divisors), true);
        for kind in ALL {
            let other = if kind == Binary::Div { &divisor } else { &row };
            if dtype == DType::U64 && kind == Binary::Sub {
                continue;
            }
            let case = Case::new(format!("{kind:?} of {dtype}"), Op::Binary(kind), vec![column.clone(), other.clone()], 1);
            out.push(scaled(case, 0.0));
        }
        let base = whole(
            dtype,
            &[7, 1],
            values[1..6].iter().copied().chain([if least < 0 { -1 } else { 11 }, if least < 0 { -3 } else { 13 }]).collect(),
        );
        let exponent = whole(DType::I32, &[9], vec![0, 1, 2, 3, 5, 7, -1, -2, -3]);
        let case = Case::new(format!("Pow of {dtype}"), Op::Binary(Binary::Pow), vec![(base, true), (exponent, true)], 1);
        out.push(scaled(case, 0.0));
    }
    let truths = |shape: &[usize]| {
        let one_hot = Input::Noise.tensor(shape, 3).to_f32().iter().map(|&v| i64::from(v > 0.0)).collect();
        (whole(DType::Bool, shape, one_hot), true)
    };
    for kind in [Binary::And, Binary::Or, Binary::Xor, Binary::Equal] {
        for (a, b) in [PAIRS[0], PAIRS[1], PAIRS[5], PAIRS[6], PAIRS[10]] {
            let case = Case::new(format!("{kind:?} {a:?} {b:?} of truth values"), Op::Binary(kind), vec![truths(a), truths(b)], 1);
            out.extend(both_layouts(scaled(case, 0.0)));
        }
    }
    out
}

const ALL: [Binary; 13] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Max,
    Binary::Min,
    Binary::Mod,
    Binary::Fmod,
    Binary::Equal,
    Binary::Greater,
    Binary::GreaterOrEqual,
    Binary::Less,
    Binary::LessOrEqual,
];

/// Powers of floats to whole numbers and the other way round.
fn mixed_powers() -> Vec<Case> {
    let op = || Op::Binary(Binary::Pow);
    let base = floats(&[6, 1], vec![-2.0, -1.5, 3.0, -0.5, 0.0, 2.0]);
    let exponent = whole(DType::I64, &[6], vec![3, 2, 0, -1, 5, 20]);
    let of_floats = Case::new("Pow of floats to whole numbers", op(), vec![(base, true), (exponent, true)], 1);
    let base = whole(DType::I32, &[6, 1], vec![0, 1, 2, 3, 9, -3]);
    let exponent = floats(&[5], vec![0.0, 0.5, 2.0, 6.0, 3.0]);
    let of_whole = Case::new("Pow of whole numbers to floats", op(), vec![(base, true), (exponent, true)], 1);
    vec![scaled(of_floats, 4.0), scaled(of_whole, 0.0)]
}

pub(crate) fn choice(_caps: &Caps) -> Vec<Case> {
    let shapes: [[&[usize]; 3]; 6] = [
        [&[2, 5, 3, 4], &[2, 5, 3, 4], &[2, 5, 3, 4]],
        [&[2, 1, 3, 4], &[2, 6, 3, 4], &[6, 1, 1]],
        [&[1], &[3, 8], &[8]],
        [&[2, 3, 1, 2, 1], &[3, 4, 1, 5], &[]],
        [&[4, 7], &[], &[7]],
        [&[2, 4, 4], &[4, 1], &[2, 4, 4]],
    ];
    let mut out = Vec::new();
    for [condition, a, b] in shapes {
        let truth = Input::Noise.tensor(condition, 3).to_f32().iter().map(|&v| i64::from(v > 0.0)).collect();
        let operands = vec![
            (whole(DType::Bool, condition, truth), true),
            (Input::Ramp.tensor(a, 1), true),
            (Input::Noise.tensor(b, 2), !b.is_empty()),
        ];
        let case = Case::new(format!("Where {condition:?} {a:?} {b:?}"), Op::Where, operands, 1);
        out.extend(both_layouts(scaled(case, 0.0)));
    }
    let condition = whole(DType::Bool, &[4], vec![1, 0, 1, 0]);
    let numbers = |values: [i64; 4]| (whole(DType::I64, &[4], values.to_vec()), true);
    let operands = vec![(condition, true), numbers([i32::MAX.into(), 1, -1, 0]), numbers([0, i32::MIN.into(), 5, 6])];
    out.push(scaled(Case::new("Where of whole numbers", Op::Where, operands, 1), 0.0));
    out
}

pub(crate) fn cast(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    let fractions = vec![0.0, 0.4, 0.9, 1.5, 127.9, 128.0, 255.0, 256.5, 300.0, 40_000.0, 65_536.0, 1e9, f32::NAN, 1e-20];
    let signed: Vec<f32> = fractions.iter().flat_map(|&v| [v, -v]).collect();
    for to in WHOLE.into_iter().chain([DType::Bool]) {
        let data = if to == DType::U64 { fractions.clone() } else { signed.clone() };
        let x = floats(&[1, data.len(), 1, 1], data);
        let case = Case::new(format!("float32 to {to}"), Op::Cast { to }, vec![(x, true)], 1);
        out.extend(both_layouts(scaled(case, 0.0)));
    }
    for from in WHOLE.into_iter().chain([DType::Bool]) {
        let (least, most) = from.range().unwrap_or_default();
        let (least, most) = (least.max(i32::MIN.into()), most.min(i32::MAX.into()));
        let values = vec![0, 1, most, most / 3, least, least / 3];
        for to in WHOLE.into_iter().chain([DType::Bool, DType::F32]) {
            // Nothing to do, or a number below 0 in 64 bits without a sign.
            let same = crate::kernels::elementwise::cast::code(from, to).is_none();
            if same || to == DType::U64 && least < 0 {
                continue;
            }
            let case = Case::new(format!("{from} to {to}"), Op::Cast { to }, vec![(whole(from, &[6], values.clone()), true)], 1);
            out.push(scaled(case, if to == DType::F32 { 1.0 } else { 0.0 }));
        }
    }
    out
}
