//! Numbers from ONNX Runtime 1.32 (the script, and what it calls `run` and `ramp`, are in `reference/tests.rs`; several outputs are printed
//! one after the other):
//!
//! ```python
//! run("ArgMin", [ramp(3,4)], axis=0, select_last_index=1)
//! run("TopK", [ramp(2,6), i(4)], outputs=2, axis=1, largest=0)
//! run("CumSum", [ramp(2,4), i(1)], exclusive=1, reverse=1)
//! run("Hardmax", [np.array([[1,3,3],[2,2,0]], np.float32)])
//! run("MaxPool", [ramp(1,1,4,5)], outputs=2, kernel_shape=[2,3], strides=[2,1], dilations=[1,2], pads=[0,1,1,0], storage_order=1)
//! ```

use super::arg::extreme;
use crate::graph::{AutoPad, Op, Pool, PoolKind, Window};
use crate::reference::Array;
use crate::reference::tests::{array, ints, ramp, run};
use crate::tensor::DType;

#[track_caller]
fn assert_run(op: &Op, inputs: &[&Array], shape: &[usize], dtype: DType, expected: &[f64]) {
    let y = run(op, inputs);
    assert_eq!((y.shape.dims(), y.dtype, y.data.as_slice()), (shape, dtype, expected));
}

#[test]
fn places_match_onnx_runtime() {
    let least = Op::ArgReduce { axis: 0, keep_dims: true, largest: false, last: true };
    assert_run(&least, &[&ramp([3, 4])], &[1, 4], DType::I64, &[0.0, 1.0, 0.0, 2.0]);
    let first = Op::TopK { axis: 1, largest: false };
    assert_run(&first, &[&ramp([2, 6]), &ints(&[4])], &[2, 4], DType::I64, &[0.0, 5.0, 2.0, 4.0, 5.0, 2.0, 4.0, 1.0]);
    let window = Window { kernel: [2, 3], stride: [2, 1], dilation: [1, 2], pads: [0, 1, 1, 0], auto: AutoPad::Explicit };
    let pool = Pool { kind: PoolKind::Max, window, ceil: false, count_include_pad: false };
    let places = Op::PoolArgMax { pool, column_major: true };
    assert_run(&places, &[&ramp([1, 1, 4, 5])], &[1, 1, 2, 2], DType::I64, &[12.0, 17.0, 15.0, 18.0]);
}

#[test]
fn hardmax_and_running_sums_match_onnx_runtime() {
    let x = array([2, 3], vec![1.0, 3.0, 3.0, 2.0, 2.0, 0.0]);
    assert_run(&Op::Hardmax { axis: -1, flatten: false }, &[&x], &[2, 3], DType::F32, &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    let sums = Op::CumSum { exclusive: true, reverse: true };
    assert_run(&sums, &[&ramp([2, 4]), &ints(&[1])], &[2, 4], DType::F32, &[1.25, 0.75, 1.25, 0.0, 0.25, 1.0, 0.0, 0.0]);
}

/// As NumPy's argmax and argmin say; in the order of TopK it comes last.
#[test]
fn what_is_not_a_number_is_extreme_but_never_best() {
    let values = [1.0, f64::NAN, 3.0, f64::NAN];
    assert_eq!((extreme(&values, true, false), extreme(&values, false, false), extreme(&values, true, true)), (1, 1, 3));
    let x = array([4], values.to_vec());
    for (largest, order) in [(true, [2.0, 0.0, 1.0, 3.0]), (false, [0.0, 2.0, 1.0, 3.0])] {
        assert_run(&Op::TopK { axis: 0, largest }, &[&x, &ints(&[4])], &[4], DType::I64, &order);
    }
}
