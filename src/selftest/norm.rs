//! Cases of what works on lines of row-major memory: softmax and its kin, reductions, normalisation.

use super::{Case, Input, exact, whole};
use crate::graph::{Op, PoolKind, Reduction};
use crate::recording::Caps;
use crate::tensor::{DType, Tensor};

/// The last two have lines that a workgroup shares, of neighbours and of few lines.
const SHAPES: [&[usize]; 7] = [&[2, 10], &[3, 5, 7], &[1, 6, 4, 5], &[2, 8, 3, 3], &[1, 3, 70, 2], &[3, 517], &[2, 300, 3]];

pub(crate) fn axis(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (i, shape) in SHAPES.iter().enumerate() {
        for axis in [1, -1] {
            let input = Input::ALL[i % 4];
            let name = |what: &str| format!("{what} axis {axis} of {shape:?} {}", input.label());
            let operand = || vec![(input.tensor(shape, 1), true)];
            let flatten = axis == 1 && i == 2;
            // exp errs by 3 + 2|x| ulp, and x spans the inputs.
            let factor = if matches!(input, Input::Scaled(_) | Input::Ramp) { 4096.0 } else { 16.0 };
            let terms = shape.iter().copied().max().unwrap_or(1);
            out.push(Case { factor, ..Case::new(name("softmax"), Op::Softmax { axis, flatten }, operand(), terms) });
            let log = Case::new(name("log softmax"), Op::LogSoftmax { axis, flatten }, operand(), terms);
            out.push(Case { factor: 16.0, ..log });
            out.push(Case::new(name("l2"), Op::L2Normalize { axis, epsilon: 1e-12 }, operand(), terms));
        }
    }
    // More than an invocation of a software adapter may walk through.
    for op in
        [Op::Softmax { axis: 1, flatten: false }, Op::LogSoftmax { axis: 1, flatten: false }, Op::L2Normalize { axis: 1, epsilon: 1e-12 }]
    {
        let case = Case::new(format!("{} of 70001", op.kind()), op, vec![(Input::Noise.tensor(&[1, 70_001], 1), true)], 70_001);
        out.push(Case { factor: 16.0, ..case });
    }
    out
}

const KINDS: [Reduction; 10] = [
    Reduction::Mean,
    Reduction::Sum,
    Reduction::Max,
    Reduction::Min,
    Reduction::L2,
    Reduction::L1,
    Reduction::SumSquare,
    Reduction::Prod,
    Reduction::LogSum,
    Reduction::LogSumExp,
];

fn over(kind: Reduction, axes: &[i64]) -> Op {
    Op::Reduce { kind, axes: axes.to_vec(), keep_dims: true, none_if_empty: false }
}

pub(crate) fn reduce(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    let axes: [&[i64]; 7] = [&[1], &[0, 2], &[], &[2, 3], &[-3, -1], &[1], &[1]];
    for kind in KINDS {
        let factor = if matches!(kind, Reduction::LogSum | Reduction::LogSumExp) { 16.0 } else { 1.0 };
        let operand = |shape: &[usize]| {
            let x = Input::Noise.tensor(shape, 1);
            // A logarithm is taken of what is positive.
            let positive = || Tensor::from_f32(x.shape().clone(), x.to_f32().iter().map(|v| v.abs() + 0.01).collect());
            let x = if kind == Reduction::LogSum { positive().unwrap_or(x) } else { x };
            vec![(x, true)]
        };
        for (shape, axes) in SHAPES.iter().zip(axes) {
            let name = format!("{kind:?} over {axes:?} of {shape:?}");
            out.push(Case { factor, ..Case::new(name, over(kind, axes), operand(shape), shape.iter().product()) });
        }
        let none = Op::Reduce { kind, axes: vec![], keep_dims: true, none_if_empty: true };
        out.push(Case { factor, ..Case::new(format!("{kind:?} over no axes"), none, operand(&[3, 5]), 1) });
    }
    let noise = |shape: &[usize]| (Input::Noise.tensor(shape, 1), true);
    for shape in [&[1, 40_000][..], &[2, 70_001], &[1, 30_000, 3]] {
        for kind in [Reduction::Mean, Reduction::L2] {
            out.push(Case::new(format!("{kind:?} of {shape:?}"), over(kind, &[1]), vec![noise(shape)], 70_001));
        }
    }
    let map = Op::GlobalPool(PoolKind::Average);
    out.push(Case::new("global average of a map of 519x521", map, vec![noise(&[1, 2, 519, 521])], 519 * 521));
    let large =
        Case::new("LogSumExp of large numbers", over(Reduction::LogSumExp, &[1]), vec![(Input::Ramp.tensor(&[2, 9_000], 1), true)], 1);
    out.push(Case { factor: 16.0, ..large });
    let given = vec![noise(&[2, 3, 4, 5]), (Tensor::indices(vec![-1, 1]), false)];
    out.push(Case::new("Sum over axes from an operand", over(Reduction::Sum, &[]), given, 15));
    out.extend(reduce_whole());
    out
}

/// Whole numbers: any difference is a mistake.
fn reduce_whole() -> Vec<Case> {
    let mut out = Vec::new();
    let sums = [Reduction::Mean, Reduction::Sum, Reduction::L1, Reduction::SumSquare];
    for shape in [&[3, 7][..], &[2, 300], &[2, 300, 3]] {
        for kind in sums {
            out.push(exact(format!("{kind:?} of int32 {shape:?}"), over(kind, &[1]), vec![(whole(DType::I32, shape, 1), true)]));
        }
        for dtype in [DType::I64, DType::I8, DType::U8, DType::Bool] {
            for kind in [Reduction::Max, Reduction::Min] {
                out.push(exact(format!("{kind:?} of {dtype} {shape:?}"), over(kind, &[1]), vec![(whole(dtype, shape, 1), true)]));
            }
        }
    }
    let few = whole(DType::I32, &[40, 4], 1);
    out.push(exact("Prod of int32", over(Reduction::Prod, &[-1]), vec![(few.clone(), true)]));
    out.push(exact("Mean of int32 over two axes", over(Reduction::Mean, &[0, 1]), vec![(few, true)]));
    out
}

pub(crate) fn standardize(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    let table = |shape: &[usize], seed, runtime| (Input::Noise.tensor(shape, seed), runtime);
    let shapes: [&[usize]; 5] = [&[2, 6, 5, 7], &[1, 12, 17, 19], &[3, 6, 4], &[2, 6, 3, 2, 5], &[2, 18]];
    for (i, shape) in shapes.iter().enumerate() {
        let input = Input::ALL[i];
        for (groups, entries) in [(0, shape[1]), (1, shape[1]), (2, shape[1]), (3, 3), (shape[1], shape[1])] {
            let operands = vec![(input.tensor(shape, 1), true), table(&[entries], 2, i % 2 == 0), table(&[entries], 3, false)];
            let name = format!("{groups} groups of {shape:?} with {entries} scales {}", input.label());
            out.push(Case::new(name, Op::GroupNorm { groups, epsilon: 1e-5 }, operands, shape.iter().product()));
        }
    }
    let one = vec![(Input::Noise.tensor(&[1, 1, 263, 271], 1), true), table(&[1], 2, true), table(&[1], 3, true)];
    out.push(Case::new("a map of 263x271", Op::GroupNorm { groups: 0, epsilon: 1e-5 }, one, 263 * 271));
    // Along the last axes, with tables of every way to broadcast.
    let layers: [(&[usize], i64, &[usize], Option<&[usize]>); 9] = [
        (&[2, 3, 10], -1, &[10], Some(&[10])),
        (&[2, 3, 10], 1, &[3, 10], Some(&[3, 10])),
        (&[2, 3, 10], 0, &[2, 3, 10], None),
        (&[5, 768], 1, &[768], Some(&[768])),
        (&[3, 1, 300], 1, &[1, 300], Some(&[300])),
        (&[2, 4, 6], 1, &[4, 1], Some(&[4, 1])),
        (&[2, 4, 6], 1, &[1], None),
        (&[2, 4, 6], -2, &[2, 1, 6], Some(&[6])),
        (&[2, 3, 2, 2, 5], 2, &[2, 2, 5], Some(&[5])),
    ];
    for (shape, axis, scale, shift) in layers {
        for rms in [false, true] {
            let mut operands = vec![(Input::Ramp.tensor(shape, 1), true), table(scale, 2, true)];
            operands.extend(shift.map(|s| table(s, 3, false)));
            let name = format!("layer {shape:?} from axis {axis}, scale {scale:?}, shift {shift:?}{}", if rms { ", rms" } else { "" });
            out.push(Case::new(name, Op::LayerNorm { axis, epsilon: 1e-5, rms }, operands, shape.iter().product()));
        }
    }
    out
}

pub(crate) fn batch_norm(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for shape in [&[2, 5, 3, 4][..], &[1, 16, 7, 5], &[3, 6], &[2, 3, 9], &[2, 5, 2, 3, 4]] {
        for input in Input::ALL {
            let vector = |seed| Input::Noise.tensor(&shape[1..2], seed);
            let variance = vector(5).to_f32().iter().map(|v| v.abs()).collect();
            let mut operands = vec![(input.tensor(shape, 1), true)];
            operands.extend([vector(2), vector(3), vector(4), Tensor::vector(variance)].map(|t| (t, true)));
            let case = Case::new(format!("{shape:?} {}", input.label()), Op::BatchNorm { epsilon: 1e-3 }, operands, 4);
            out.push(Case { factor: 2.0, ..case });
        }
    }
    out
}
