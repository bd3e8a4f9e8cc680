//! Cases of quantisation: every type, one scale, scales along axes and blocks, spare lanes, and quotients on and next to halves.

use super::{Case, Input};
use crate::graph::{Op, Pool, PoolKind, Window};
use crate::recording::Caps;
use crate::tensor::{DType, Shape, Tensor};

/// A tensor's shape, its scales' shape, axis and block.
type Layout = (&'static [usize], &'static [usize], i64, usize);

const LAYOUTS: [Layout; 9] = [
    (&[2, 5, 3, 7], &[], 1, 0),
    (&[3, 16, 2, 3], &[1], 1, 0),
    (&[31], &[], 0, 0),
    (&[2, 5, 3, 7], &[5], 1, 0),
    (&[3, 8, 2, 3], &[8], -3, 0),
    (&[6, 5, 3], &[3], -1, 0),
    (&[7, 4], &[7], 0, 0),
    (&[3, 10, 2], &[3, 4, 2], 1, 3),
    (&[2, 3, 4, 5, 6], &[2, 3, 4, 5, 2], -1, 4),
];

const TYPES: [DType; 4] = [DType::U8, DType::I8, DType::U16, DType::I16];

fn numbers(shape: &[usize], f: impl Fn(usize) -> f32) -> Tensor {
    let data = (0..Shape::from(shape).len()).map(f).collect();
    Tensor::from_f32(shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros(Shape::default()))
}

fn whole(dtype: DType, shape: &[usize], f: impl Fn(usize) -> i64) -> Tensor {
    let data = (0..Shape::from(shape).len()).map(|i| dtype.wrap(f(i))).collect();
    Tensor::integers(dtype, shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros(Shape::default()))
}

/// Scales that are no powers of two, and zero points all over the type.
fn parameters(scale: &[usize], dtype: DType) -> [(Tensor, bool); 2] {
    let scales = numbers(scale, |i| 0.0123 + i as f32 * 0.0071);
    let (least, most) = dtype.range().unwrap_or((0, 0));
    [(scales, true), (whole(dtype, scale, |i| least + (most - least) / 3 * (i as i64 % 4)), false)]
}

/// Brings its operand into the packed layout and changes nothing.
fn pack() -> Op {
    Op::Pool(Pool { kind: PoolKind::Max, window: Window::square(1, 1, 0), ceil: false, count_include_pad: false })
}

fn exact(case: Case) -> Case {
    Case { factor: 0.0, ..case }
}

pub(crate) fn linear(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (i, &(shape, scale, axis, block)) in LAYOUTS.iter().enumerate() {
        let packs: &[bool] = if shape.len() == 4 { &[false, true] } else { &[false] };
        for (j, &to) in TYPES.iter().enumerate() {
            for &packed in packs {
                let [s, z] = parameters(scale, to);
                let before: Vec<Op> = packed.then(pack).into_iter().collect();
                let name = |what: &str| format!("{what} {to} {shape:?} by {scale:?} block {block}{}", if packed { " packed" } else { "" });
                let spread = if matches!(to, DType::U8 | DType::I8) { 4.0 } else { 1000.0 };
                let x = (Input::Scaled(spread).tensor(shape, 1), true);
                let quantize = Op::Quantize { axis, block, to };
                let mut operands = vec![x, s.clone(), z.clone()];
                // Without a zero point now and then.
                operands.truncate(if (i + j).is_multiple_of(4) { 2 } else { 3 });
                let case = Case::new(name("quantize"), quantize.clone(), operands.clone(), 1);
                out.push(exact(Case { before: before.clone(), ..case }));
                let back = Op::Dequantize { axis, block };
                if operands.len() == 3 {
                    let mut before: Vec<Op> = before.iter().cloned().chain([quantize]).collect();
                    let case = Case::new(name("there and back"), back.clone(), operands, 1);
                    out.push(Case { before: before.clone(), ..case.clone() });
                    // With a reader between the two, the whole numbers are stored.
                    before.push(Op::Identity);
                    out.push(Case { before, name: name("stored, and back"), ..case });
                }
                let q = (whole(to, shape, |i| i as i64 * 7919 - 3000), true);
                out.push(Case::new(name("dequantize"), back, vec![q, s, z], 1));
            }
        }
    }
    let sums = (whole(DType::I32, &[3, 7], |i| i as i64 * 1_234_567 - 9_000_000), true);
    let scale = (numbers(&[7], |i| 1e-4 * (i + 1) as f32), true);
    out.push(Case::new("dequantize int32", Op::Dequantize { axis: 1, block: 0 }, vec![sums, scale], 1));
    out.extend(halves());
    out
}

/// Quotients that are halves, or would be if f32 held them.
fn halves() -> Vec<Case> {
    let case = |scale: f32, to: DType, most: usize| {
        let x = numbers(&[2 * most + 60], |i| (i as f32 - most as f32 - 30.0 + 0.5) * scale);
        let operands = vec![(x, true), (numbers(&[], |_| scale), true)];
        exact(Case::new(format!("halves of {scale} as {to}"), Op::Quantize { axis: 0, block: 0, to }, operands, 1))
    };
    let scales = [1.0, 0.125, 0.0123, 3.7e-5, 1.0 / 255.0, 0.333_333_34, 7.1, 1234.567];
    let mut out: Vec<Case> = scales.iter().flat_map(|&s| [case(s, DType::I8, 150), case(s, DType::U16, 300)]).collect();
    let extremes = vec![0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38, 127.49999, 127.5, -128.5, -128.50002, 0.5, -0.5, 0.499_999_97, 1.5, -2.5];
    let operands = vec![(Tensor::vector(extremes), true), (numbers(&[], |_| 1.0), true)];
    out.push(exact(Case::new("extremes", Op::Quantize { axis: 0, block: 0, to: DType::I8 }, operands, 1)));
    out
}
