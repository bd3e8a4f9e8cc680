//! Cases of data movement. Nothing is computed, so what comes out has to be equal to the last bit.

use super::{Case, Input};
use crate::graph::{Op, PadMode};
use crate::recording::{Caps, Feed};
use crate::tensor::{DType, Tensor};

type Operand = (Tensor, bool);

fn ramp(shape: &[usize]) -> Operand {
    (Input::Ramp.tensor(shape, 1), true)
}

/// Whole numbers of a type, over all of its range as far as 32 bits hold it.
fn whole(dtype: DType, shape: &[usize]) -> Operand {
    let (least, most) = dtype.range().unwrap_or((0, 1));
    let (least, most) = (least.max(i32::MIN.into()), most.min(i32::MAX.into()));
    let spread = |i: usize| least + (i as i64).wrapping_mul(2_654_435_761).rem_euclid(most - least + 1);
    let data = (0..shape.iter().product()).map(spread).collect();
    (Tensor::integers(dtype, shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros([])), true)
}

fn index(values: &[i64]) -> Operand {
    (Tensor::indices(values.to_vec()), false)
}

fn shaped(shape: &[usize], values: &[i64], runtime: bool) -> Operand {
    (Tensor::from_i64(shape.to_vec(), values.to_vec()).unwrap_or_else(|| Tensor::zeros([])), runtime)
}

/// Every case with row-major and with packed operands.
#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, name: &str, op: Op, operands: Vec<Operand>) {
        self.add_split(name, op, operands, 1);
    }

    fn add_split(&mut self, name: &str, op: Op, operands: Vec<Operand>, outputs: usize) {
        for (feed, how) in [(Feed::Plain, "in rows"), (Feed::Packed, "packed")] {
            let case = Case::new(format!("{name}, {how}"), op.clone(), operands.clone(), 1);
            self.0.push(Case { factor: 0.0, outputs, feed, ..case });
        }
    }
}

pub(crate) fn copy(_caps: &Caps) -> Vec<Case> {
    let mut cases = Cases::default();
    transpositions(&mut cases);
    joints_and_parts(&mut cases);
    pads(&mut cases);
    repetitions(&mut cases);
    blocks(&mut cases);
    cases.0
}

fn transpositions(cases: &mut Cases) {
    for perm in [vec![0, 2, 3, 1], vec![0, 3, 2, 1], vec![3, 1, 0, 2]] {
        cases.add(&format!("transpose {perm:?}"), Op::Transpose { perm: perm.clone() }, vec![ramp(&[2, 5, 3, 4])]);
    }
    cases.add("transpose of three", Op::Transpose { perm: vec![] }, vec![ramp(&[2, 5, 3])]);
    cases.add("transpose of bytes", Op::Transpose { perm: vec![] }, vec![whole(DType::U8, &[2, 5, 3])]);
    let eight = Op::Transpose { perm: vec![7, 2, 5, 0, 3, 6, 1, 4] };
    cases.add("transpose of eight", eight, vec![ramp(&[2, 3, 2, 2, 3, 2, 2, 5])]);
}

fn joints_and_parts(cases: &mut Cases) {
    for (axis, shapes) in [(1, [[2, 5, 3, 4], [2, 6, 3, 4], [2, 1, 3, 4]]), (3, [[2, 5, 3, 4], [2, 5, 3, 1], [2, 5, 3, 2]])] {
        cases.add(&format!("concat axis {axis}"), Op::Concat { axis }, shapes.iter().map(|s| ramp(s)).collect());
    }
    cases.add("concat of vec4s", Op::Concat { axis: 1 }, vec![ramp(&[1, 8, 2, 2]), ramp(&[1, 4, 2, 2])]);
    cases.add("concat of truth values", Op::Concat { axis: -1 }, vec![whole(DType::Bool, &[3, 5]), whole(DType::Bool, &[3, 2])]);
    cases.add_split("split axis 1", Op::Split { axis: 1, sizes: vec![3, 2, 4] }, vec![ramp(&[2, 9, 2, 3])], 3);
    cases.add_split("split of vec4s", Op::Split { axis: 1, sizes: vec![4, 8] }, vec![ramp(&[2, 12, 2, 3])], 2);
    cases.add_split("split axis 2", Op::Split { axis: -2, sizes: vec![2, 3, 1] }, vec![ramp(&[2, 5, 6, 3])], 3);
    cases.add_split("split by an operand", Op::Split { axis: 0, sizes: vec![] }, vec![whole(DType::I8, &[5, 2]), index(&[2, 3])], 2);
    for (starts, ends, axes, steps) in [
        ([1, -1, 4], [8, 1, -9], [1, 2, 3], [3, -2, -1]),
        ([-1, 0, 1], [i64::MIN, 5, 3], [1, 2, 3], [-3, 2, 1]),
        ([4, 0, 0], [9, 6, 5], [1, 2, 3], [1, 5, 4]),
        ([1, 6, 0], [4, 2, i64::MAX], [-3, -2, -1], [1, -1, 2]),
    ] {
        let operands = vec![ramp(&[2, 9, 7, 5]), index(&starts), index(&ends), index(&axes), index(&steps)];
        cases.add(&format!("slice {starts:?} to {ends:?} by {steps:?}"), Op::Slice, operands);
    }
    cases.add("slice to the end", Op::Slice, vec![ramp(&[2, 9, 4]), index(&[2]), index(&[i64::MAX]), index(&[-1])]);
    cases.add("slice of vec4s", Op::Slice, vec![ramp(&[2, 12, 3]), index(&[4]), index(&[8]), index(&[1])]);
    cases.add(
        "slice of u16",
        Op::Slice,
        vec![whole(DType::U16, &[7, 5]), index(&[-2, 3]), index(&[-6, 1]), index(&[0, 1]), index(&[-3, -1])],
    );
}

fn pads(cases: &mut Cases) {
    for (mode, pads) in [
        (PadMode::Constant, [0, 0, 1, 2, 0, 0, 0, 1]),
        (PadMode::Constant, [0, 1, 0, 0, 0, 2, -1, 0]),
        (PadMode::Reflect, [0, 0, 2, 1, 0, 0, 1, 2]),
        // Mirrors of mirrors, and a mirror of what a cut left.
        (PadMode::Reflect, [0, 0, 7, 9, 0, 0, 11, 4]),
        (PadMode::Reflect, [1, 6, -2, 2, 0, 5, 3, -1]),
        (PadMode::Edge, [1, 0, 2, 1, 0, 3, 1, 2]),
        (PadMode::Edge, [0, 0, -1, 3, 0, 0, 2, -2]),
        (PadMode::Wrap, [0, 0, 2, 1, 0, 0, 1, 2]),
        (PadMode::Wrap, [3, 0, 9, -1, 0, 0, 5, 4]),
    ] {
        cases.add(&format!("pad {mode:?} {pads:?}"), Op::Pad { mode }, vec![ramp(&[2, 5, 4, 3]), index(&pads)]);
    }
    let constant = Op::Pad { mode: PadMode::Constant };
    let value = |runtime| (Tensor::vector(vec![7.0]), runtime);
    cases.add("pad with 7", constant.clone(), vec![ramp(&[3, 2]), index(&[1, 0, 0, 2]), value(false)]);
    cases.add("pad with 7, packed map", constant.clone(), vec![ramp(&[1, 3, 2, 2]), index(&[0, 0, 1, 0, 0, 0, 0, 2]), value(false)]);
    cases.add("pad with a computed value", constant.clone(), vec![ramp(&[2, 3, 4]), index(&[1, 0, -1, 0, 2, 2]), value(true)]);
    let bytes = vec![whole(DType::I8, &[3, 2]), index(&[2, 1]), (whole(DType::I8, &[1]).0, false), index(&[-1])];
    cases.add("pad of bytes along one axis", constant, bytes);
    cases.add("reflection of one cell", Op::Pad { mode: PadMode::Reflect }, vec![ramp(&[1, 4]), index(&[2, 0, 1, 0])]);
}

fn repetitions(cases: &mut Cases) {
    cases.add("expand", Op::Expand, vec![ramp(&[3, 1, 2]), index(&[2, 3, 5, 2])]);
    cases.add("expand of i16", Op::Expand, vec![whole(DType::I16, &[3, 1]), index(&[3, 4])]);
    cases.add("tile of maps", Op::Tile, vec![ramp(&[2, 5, 3, 2]), index(&[1, 1, 2, 3])]);
    cases.add("tile of vec4s", Op::Tile, vec![ramp(&[2, 8, 3, 2]), index(&[3, 1, 1, 2])]);
    cases.add("tile of channels", Op::Tile, vec![ramp(&[2, 3, 3, 2]), index(&[1, 3, 1, 2])]);
    cases.add("tile of five", Op::Tile, vec![whole(DType::I32, &[2, 1, 3, 1, 2]), index(&[2, 2, 1, 3, 2])]);
    cases.add("gather of two", Op::Gather { axis: 2 }, vec![ramp(&[2, 3, 6]), index(&[4, -1])]);
    cases.add("gather of one", Op::Gather { axis: -1 }, vec![ramp(&[2, 3, 6, 5]), shaped(&[], &[2], false)]);
}

fn blocks(cases: &mut Cases) {
    for column_row_depth in [false, true] {
        for (block, depth) in [(2, 3), (2, 4), (3, 1)] {
            let name = format!("in blocks of {block}, {depth} deep, {}", if column_row_depth { "CRD" } else { "DCR" });
            let (deep, wide) = ([2, depth * block * block, 2, 3], [2, depth, 2 * block, 3 * block]);
            cases.add(&format!("depth {name}"), Op::DepthToSpace { block, column_row_depth }, vec![ramp(&deep)]);
            cases.add(&format!("space {name}"), Op::SpaceToDepth { block, column_row_depth }, vec![ramp(&wide)]);
        }
    }
}

/// Indices of all kinds: from the end, repeated, and, where they are computed, beyond both ends.
fn wild(n: i64, count: usize) -> Vec<i64> {
    (0..count as i64).map(|i| [i % n, -1 - i % n, n + i, -n - 1 - i][i as usize % 4]).collect()
}

pub(crate) fn gather(_caps: &Caps) -> Vec<Case> {
    let mut cases = Cases::default();
    for (axis, shape) in [(0, vec![5, 3]), (1, vec![2, 6, 4]), (-1, vec![2, 3, 7]), (2, vec![1, 5, 3, 8]), (1, vec![2, 3, 2, 2, 3])] {
        let n = shape[if axis < 0 { shape.len() - 1 } else { axis as usize }] as i64;
        let name = |what: &str| format!("axis {axis} of {shape:?} {what}");
        cases.add(&name("by constants"), Op::Gather { axis }, vec![ramp(&shape), shaped(&[2, 2], &[0, -1, n - 1, -n], false)]);
        cases.add(&name("by what is computed"), Op::Gather { axis }, vec![ramp(&shape), shaped(&[3, 5], &wild(n, 15), true)]);
    }
    let table = (whole(DType::I64, &[9, 4]).0, false);
    cases.add("rows of a table", Op::Gather { axis: 0 }, vec![table, shaped(&[7], &wild(9, 7), true)]);
    let (flags, scalar) = (whole(DType::Bool, &[4, 3]), shaped(&[], &[-2], true));
    cases.add("one row", Op::Gather { axis: 0 }, vec![flags, scalar]);
    for (batch_dims, x, picked) in [
        (0, vec![3, 4, 5], vec![2, 2]),
        (0, vec![3, 4], vec![2, 3, 2]),
        (1, vec![2, 4, 5, 3], vec![2, 3, 2]),
        (1, vec![3, 6, 8], vec![3, 1]),
        (2, vec![2, 3, 5, 4], vec![2, 3, 2, 1]),
    ] {
        let indices = wild(3, picked.iter().product());
        let name = format!("tuples {picked:?} of {x:?}, {batch_dims} shared");
        cases.add(&name, Op::GatherNd { batch_dims }, vec![ramp(&x), shaped(&picked, &indices, true)]);
    }
    cases.0
}

pub(crate) fn gather_elements(_caps: &Caps) -> Vec<Case> {
    let mut cases = Cases::default();
    for (axis, x, picked) in [
        (0, vec![4, 5], vec![3, 5]),
        (1, vec![4, 5], vec![2, 9]),
        (-2, vec![2, 3, 4], vec![1, 7, 3]),
        (1, vec![2, 6, 3, 2], vec![2, 1, 3, 2]),
        (3, vec![2, 2, 3, 5, 2], vec![2, 1, 3, 4, 1]),
    ] {
        let n = x[if axis < 0 { (x.len() as i64 + axis) as usize } else { axis as usize }] as i64;
        let indices = shaped(&picked, &wild(n, picked.iter().product()), true);
        let name = format!("axis {axis} of {x:?} at {picked:?}");
        cases.add(&name, Op::GatherElements { axis }, vec![ramp(&x), indices.clone()]);
        cases.add(&format!("{name}, u32"), Op::GatherElements { axis }, vec![whole(DType::U16, &x), indices]);
    }
    cases.0
}
