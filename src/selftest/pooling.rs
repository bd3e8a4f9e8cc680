//! Cases of pooling.

use super::pointwise::{SHAPES, each, none};
use super::{Case, Input, exact, whole};
use crate::graph::{AutoPad, Op, Pool, PoolKind, Window};
use crate::recording::Caps;
use crate::tensor::DType;

/// A name, a window, and whether output sizes are rounded up. The last one can step over a picture altogether.
fn windows() -> [(&'static str, Window, bool); 6] {
    let dilated = Window { kernel: [3, 2], stride: [1, 3], dilation: [2, 1], pads: [1; 4], auto: AutoPad::Explicit };
    [
        ("3x3 s2 p1", Window::square(3, 2, 1), false),
        ("3x3 s2 ceil", Window::square(3, 2, 0), true),
        ("2x2 s2 p0,1 ceil", Window { pads: [0, 1, 1, 0], ..Window::square(2, 2, 0) }, true),
        ("3x3 s1 d2 p2", Window { dilation: [2; 2], ..Window::square(3, 1, 2) }, false),
        ("3x2 s1,3 d2,1", dilated.clone(), false),
        ("1x2 d12 p11", Window { kernel: [1, 2], stride: [1, 1], dilation: [1, 12], pads: [0, 11, 0, 11], ..dilated }, false),
    ]
}

/// The cases of a window on every shape that it fits.
fn fitting(label: &str, op: &Op) -> Vec<Case> {
    each(label, op, 9, none).into_iter().filter(|c| c.operands[0].0.shape()[3] >= 3).collect()
}

pub(crate) fn window(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (label, window, ceil) in windows() {
        let op = |kind, count_include_pad| Op::Pool(Pool { kind, window: window.clone(), ceil, count_include_pad });
        for kind in [PoolKind::Max, PoolKind::Average, PoolKind::L2, PoolKind::Lp(1), PoolKind::Lp(3)] {
            // Powers and roots round a few times.
            let factor = if matches!(kind, PoolKind::Lp(_)) { 4.0 } else { 1.0 };
            let cases = fitting(&format!("{kind:?} {label}"), &op(kind, false));
            out.extend(cases.into_iter().map(|c| Case { factor, ..c }));
        }
        out.extend(fitting(&format!("Average {label} with padding"), &op(PoolKind::Average, true)));
        for (dtype, shape) in [(DType::U8, SHAPES[0]), (DType::I8, SHAPES[1])] {
            let operands = vec![(whole(dtype, &shape, 1), true)];
            out.push(exact(format!("Max {label} of {dtype}"), op(PoolKind::Max, false), operands));
        }
    }
    // A window that is taken along one axis after the other.
    let large = Window { kernel: [33, 37], stride: [2, 3], dilation: [1, 2], pads: [3, 5, 7, 1], auto: AutoPad::Explicit };
    for kind in [PoolKind::Max, PoolKind::Average, PoolKind::L2, PoolKind::Lp(3)] {
        for count_include_pad in [false, true] {
            let op = Op::Pool(Pool { kind, window: large.clone(), ceil: true, count_include_pad });
            let operands = vec![(Input::Noise.tensor(&[1, 3, 40, 80], 1), true)];
            let name = format!("{kind:?} 33x37{}", if count_include_pad { " with padding" } else { "" });
            out.push(Case { factor: 4.0, ..Case::new(name, op, operands, 33 * 37) });
        }
    }
    out
}

pub(crate) fn argmax(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (label, window, ceil) in windows() {
        for column_major in [false, true] {
            let pool = Pool { kind: PoolKind::Max, window: window.clone(), ceil, count_include_pad: false };
            let op = Op::PoolArgMax { pool, column_major };
            let label = format!("{label}{}", if column_major { " by columns" } else { "" });
            // A one-hot picture is nearly all ties.
            out.extend(fitting(&label, &op).into_iter().map(|c| Case { factor: 0.0, ..c }));
            out.push(exact(format!("{label} of int8"), op, vec![(whole(DType::I8, &SHAPES[1], 1), true)]));
        }
    }
    out
}

pub(crate) fn global(_caps: &Caps) -> Vec<Case> {
    let kinds = [PoolKind::Max, PoolKind::Average, PoolKind::L2, PoolKind::Lp(1), PoolKind::Lp(3), PoolKind::Lp(4)];
    let mut out = Vec::new();
    for kind in kinds {
        let (op, factor) = (Op::GlobalPool(kind), if matches!(kind, PoolKind::Lp(_)) { 4.0 } else { 1.0 });
        out.extend(each(&format!("{kind:?}"), &op, 64, none).into_iter().map(|c| Case { factor, ..c }));
        for shape in [&[2, 5, 11][..], &[2, 6, 3, 4, 5]] {
            let operands = vec![(Input::Noise.tensor(shape, 1), true)];
            out.push(Case { factor, ..Case::new(format!("{kind:?} {shape:?}"), op.clone(), operands, 64) });
        }
    }
    out
}
