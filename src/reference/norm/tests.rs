//! Numbers from ONNX Runtime 1.32 (the script, and what it calls `run` and `ramp`, are in `reference/tests.rs`):
//!
//! ```python
//! run("LogSoftmax", [ramp(2,3)], axis=0)
//! run("Softmax", [ramp(2,2,2)], opset=9, axis=1)
//! run("LayerNormalization", [ramp(2,2,3), ramp(2,3), ramp(2,3)], axis=1, epsilon=0.1)
//! run("InstanceNormalization", [ramp(1,2,4), ramp(2), ramp(2)], epsilon=0.1)
//! run("GroupNormalization", [ramp(1,4,3), ramp(4), ramp(4)], opset=21, num_groups=2, epsilon=0.1)
//! run("ReduceLogSumExp", [ramp(2,3) * 100], opset=17, axes=[1])
//! run("ReduceProd", [ramp(2,3)], opset=17, axes=[0])
//! run("LpPool", [ramp(1,1,3,3)], kernel_shape=[2,2], pads=[1,1,0,0], p=3)
//! ```

use crate::graph::{Op, Pool, PoolKind, Reduction, Window};
use crate::reference::Array;
use crate::reference::tests::{array, assert_close, ints, ramp, run};
use crate::tensor::{DType, Shape};

fn reduction(kind: Reduction, axes: &[i64], none_if_empty: bool) -> Op {
    Op::Reduce { kind, axes: axes.to_vec(), keep_dims: true, none_if_empty }
}

#[test]
fn softmax_and_its_logarithm_match_onnx_runtime() {
    let y = run(&Op::LogSoftmax { axis: 0, flatten: false }, &[&ramp([2, 3])]);
    assert_close(&y, &[2, 3], &[-2.57889, -0.575939, -0.575939, -0.07889, -0.825939, -0.825939]);
    let y = run(&Op::Softmax { axis: 1, flatten: true }, &[&ramp([2, 2, 2])]);
    assert_close(&y, &[2, 2, 2], &[0.047497, 0.273325, 0.100551, 0.578628, 0.234539, 0.086282, 0.496519, 0.182659]);
}

#[test]
fn standardised_rows_match_onnx_runtime() {
    let layer = Op::LayerNorm { axis: 1, epsilon: 0.1, rms: false };
    let expected =
        [0.379053, 0.825811, -0.267278, 3.111775, 0.343089, -0.191468, -2.839931, 0.570664, -0.005355, 2.486613, 0.214668, 0.203958];
    assert_close(&run(&layer, &[&ramp([2, 2, 3]), &ramp([2, 3]), &ramp([2, 3])]), &[2, 2, 3], &expected);
    let instance = Op::GroupNorm { groups: 0, epsilon: 0.1 };
    let expected = [0.30764, -1.873056, -0.626944, -2.80764, 0.589229, -0.124602, 1.124602, 0.410771];
    assert_close(&run(&instance, &[&ramp([1, 2, 4]), &ramp([2]), &ramp([2])]), &[1, 2, 4], &expected);
    let group = Op::GroupNorm { groups: 2, epsilon: 0.1 };
    let expected =
        [0.379053, -2.064526, -0.668195, 1.24471, 0.686177, 0.127645, -1.135972, -0.570664, -0.005355, 2.486613, 1.073341, -0.339931];
    assert_close(&run(&group, &[&ramp([1, 4, 3]), &ramp([4]), &ramp([4])]), &[1, 4, 3], &expected);
}

#[test]
fn reductions_and_norms_match_onnx_runtime() {
    let mut large = ramp([2, 3]);
    large.data.iter_mut().for_each(|v| *v *= 100.0);
    assert_close(&run(&reduction(Reduction::LogSumExp, &[1], false), &[&large]), &[2, 1], &[50.0, 125.0]);
    assert_close(&run(&reduction(Reduction::Prod, &[0], false), &[&ramp([2, 3])]), &[1, 3], &[-1.5625, 0.125, 0.375]);
    let window = Window { pads: [1, 1, 0, 0], ..Window::square(2, 1, 0) };
    let pool = Pool { kind: PoolKind::Lp(3), window, ceil: false, count_include_pad: false };
    let expected = [1.25, 1.276117, 0.629961, 1.574901, 1.593578, 0.882587, 1.434698, 1.437224, 1.128589];
    assert_close(&run(&Op::Pool(pool), &[&ramp([1, 1, 3, 3])]), &[1, 1, 3, 3], &expected);
}

#[test]
fn nothing_reduces_to_what_changes_nothing() {
    let empty = |dtype| Array { shape: Shape::from([2, 0]), dtype, data: vec![] };
    let of = |kind, dtype| run(&reduction(kind, &[1], false), &[&empty(dtype)]).data[0];
    assert_eq!((of(Reduction::Sum, DType::F32), of(Reduction::Prod, DType::F32)), (0.0, 1.0));
    assert_eq!((of(Reduction::Max, DType::F32), of(Reduction::Min, DType::F32)), (f64::NEG_INFINITY, f64::INFINITY));
    assert_eq!((of(Reduction::LogSum, DType::F32), of(Reduction::LogSumExp, DType::F32)), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    assert_eq!((of(Reduction::Max, DType::I8), of(Reduction::Min, DType::U8), of(Reduction::Max, DType::Bool)), (-128.0, 255.0, 0.0));
}

/// `noop_with_empty_axes`: each element is reduced on its own.
#[test]
fn over_no_axes_only_the_reduction_is_left_out() {
    let x = array([2], vec![-2.0, 3.0]);
    let none = |kind| run(&reduction(kind, &[], true), &[&x]).data;
    assert_eq!((none(Reduction::Sum), none(Reduction::L1), none(Reduction::SumSquare)), (vec![-2.0, 3.0], vec![2.0, 3.0], vec![4.0, 9.0]));
    let axes = ints(&[]);
    assert_eq!(run(&reduction(Reduction::Sum, &[], false), &[&x, &axes]).data, [1.0]);
}
