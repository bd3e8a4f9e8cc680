//! Cases of data movement.

use super::{Case, Input};
use crate::graph::{Op, PadMode};
use crate::recording::Caps;
use crate::tensor::Tensor;

fn index(values: &[i64]) -> (Tensor, bool) {
    (Tensor::indices(values.to_vec()), false)
}

/// Movement is exact: a ramp comes out as itself.
pub(crate) fn copy(_caps: &Caps) -> Vec<Case> {
    let ramp = |shape: &[usize]| (Input::Ramp.tensor(shape, 1), true);
    let mut out = Vec::new();
    let mut add = |name: &str, op: Op, operands: Vec<(Tensor, bool)>, outputs: usize| {
        let case = Case::new(name, op, operands, 1);
        out.push(Case { factor: 0.0, outputs, ..case });
    };
    for perm in [vec![0, 2, 3, 1], vec![0, 3, 2, 1], vec![3, 1, 0, 2]] {
        add(&format!("transpose {perm:?}"), Op::Transpose { perm: perm.clone() }, vec![ramp(&[2, 5, 3, 4])], 1);
    }
    add("transpose of three", Op::Transpose { perm: vec![] }, vec![ramp(&[2, 5, 3])], 1);
    for (axis, shapes) in [(1, [[2, 5, 3, 4], [2, 6, 3, 4], [2, 1, 3, 4]]), (3, [[2, 5, 3, 4], [2, 5, 3, 1], [2, 5, 3, 2]])] {
        add(&format!("concat axis {axis}"), Op::Concat { axis }, shapes.iter().map(|s| ramp(s)).collect(), 1);
    }
    add("concat of vec4s", Op::Concat { axis: 1 }, vec![ramp(&[1, 8, 2, 2]), ramp(&[1, 4, 2, 2])], 1);
    add("split axis 1", Op::Split { axis: 1, sizes: vec![3, 2, 4] }, vec![ramp(&[2, 9, 2, 3])], 3);
    let slice = vec![ramp(&[2, 9, 7, 5]), index(&[1, -1, 4]), index(&[8, 1, -9]), index(&[1, 2, 3]), index(&[3, -2, -1])];
    add("slice with steps both ways", Op::Slice, slice, 1);
    add("slice to the end", Op::Slice, vec![ramp(&[2, 9, 4]), index(&[2]), index(&[i64::MAX]), index(&[-1])], 1);
    for (mode, pads) in [
        (PadMode::Constant, [0, 0, 1, 2, 0, 0, 0, 1]),
        (PadMode::Constant, [0, 1, 0, 0, 0, 2, -1, 0]),
        (PadMode::Reflect, [0, 0, 2, 1, 0, 0, 1, 2]),
        (PadMode::Edge, [1, 0, 2, 1, 0, 3, 1, 2]),
    ] {
        add(&format!("pad {mode:?} {pads:?}"), Op::Pad { mode }, vec![ramp(&[2, 5, 4, 3]), index(&pads)], 1);
    }
    let seven = (Tensor::vector(vec![7.0]), false);
    add("pad with 7", Op::Pad { mode: PadMode::Constant }, vec![ramp(&[3, 2]), index(&[1, 0, 0, 2]), seven], 1);
    add("expand", Op::Expand, vec![ramp(&[3, 1, 2]), index(&[2, 3, 5, 2])], 1);
    add("gather", Op::Gather { axis: 2 }, vec![ramp(&[2, 3, 6]), index(&[4, 0, -1])], 1);
    out
}
