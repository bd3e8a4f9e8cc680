//! Numbers from ONNX Runtime 1.32 and identities between operations.
//!
//! The expected numbers were printed by this script (Python with numpy, onnx and onnxruntime):
//!
//! ```python
//! import numpy as np, onnxruntime as ort
//! from onnx import helper as h
//! def run(op, inputs, **attrs):
//!     names = [f"i{i}" for i in range(len(inputs))]
//!     feeds = {n: np.asarray(a) for n, a in zip(names, inputs) if a is not None}
//!     node = h.make_node(op, [n if n in feeds else "" for n in names], ["y"], **attrs)
//!     takes = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()]
//!     graph = h.make_graph([node], "g", takes, [h.make_empty_tensor_value_info("y")])
//!     model = h.make_model(graph, opset_imports=[h.make_opsetid("", 19)], ir_version=9)
//!     y = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)[0]
//!     print(op, list(y.shape), [round(float(v), 6) for v in y.ravel()])
//! def ramp(*shape): return ((np.arange(np.prod(shape)) * 7 % 11 - 5) / 4).astype(np.float32).reshape(shape)
//! def count(*shape): return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
//! i = lambda *v: np.array(v, np.int64)
//! run("Conv", [ramp(1,2,4,5), ramp(4,1,2,3), ramp(4)], group=2, strides=[1,2], dilations=[2,1], pads=[1,2,0,1])
//! for include in [1, 0]:
//!     run("AveragePool", [ramp(1,1,4,5)], kernel_shape=[3,3], strides=[2,2], pads=[1,1,0,0], ceil_mode=1, count_include_pad=include)
//! run("MaxPool", [ramp(1,1,4,5)], kernel_shape=[3,3], strides=[2,2], ceil_mode=1)
//! run("LpPool", [ramp(1,1,3,3)], kernel_shape=[2,2], pads=[1,1,0,0], p=2)
//! run("LRN", [ramp(1,5,1,1)], size=3, alpha=0.5, beta=0.75, bias=2.0)
//! for r in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
//!     run("Resize", [count(1,1,1,4), None, None, i(1,1,1,8)], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode=r)
//! for c in ["half_pixel", "align_corners"]:
//!     run("Resize", [count(1,1,1,5), None, np.array([1,1,1,1.5], np.float32)], mode="linear", coordinate_transformation_mode=c)
//! run("Slice", [count(3,4), i(-1,2**63-1), i(-2**63,-3), i(0,1), i(-2,-1)])
//! run("Pad", [count(2,3), i(0,2,1,-1)], mode="edge")
//! run("Pad", [count(2,3), i(1,2,0,0)], mode="reflect")
//! ```
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::graph::*;

pub(super) fn array(shape: impl Into<Shape>, data: Vec<f64>) -> Array {
    Array::new(shape, data).unwrap()
}

pub(super) fn ramp(shape: impl Into<Shape>) -> Array {
    let shape = shape.into();
    let data = (0..shape.len()).map(|i| (i as f64 * 7.0 % 11.0 - 5.0) / 4.0).collect();
    array(shape, data)
}

fn count(shape: impl Into<Shape>) -> Array {
    let shape = shape.into();
    let data = (0..shape.len()).map(|i| i as f64).collect();
    array(shape, data)
}

pub(super) fn ints(values: &[i64]) -> Array {
    Array::from(&Tensor::indices(values.to_vec()))
}

pub(super) fn run(op: &Op, inputs: &[&Array]) -> Array {
    run_node("tested", op, inputs).unwrap().remove(0)
}

#[track_caller]
pub(super) fn assert_close(actual: &Array, shape: &[usize], expected: &[f64]) {
    assert_eq!(actual.shape.dims(), shape);
    for (i, (a, e)) in actual.data.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= 2e-6, "element {i} is {a} instead of {e}");
    }
    assert_eq!(actual.data.len(), expected.len());
}

fn plain_conv(window: Window, groups: usize, bias: bool) -> Conv {
    Conv { window, groups, bias, pre_affine: false, epilogue: Epilogue::default() }
}

#[test]
fn grouped_dilated_convolution_with_uneven_padding_matches_onnx_runtime() {
    let window = Window { kernel: [2, 3], stride: [1, 2], dilation: [2, 1], pads: [1, 2, 0, 1], auto: AutoPad::Explicit };
    let op = Op::Conv(plain_conv(window, 2, true));
    let expected = [
        -0.6875, -1.9375, -2.0625, -0.4375, -0.1875, -0.5625, -1.0625, -0.4375, -0.125, 1.4375, -0.3125, -0.1875, 2.0625, -0.75, -1.3125,
        0.9375, -1.125, 1.75, 0.75, -1.125, -1.4375, -0.5625, -2.625, -0.625, 0.5625, -1.75, 0.25, 1.875, 0.25, 0.1875, 1.3125, -0.25,
        2.25, 1.9375, -0.875, 1.625,
    ];
    assert_close(&run(&op, &[&ramp([1, 2, 4, 5]), &ramp([4, 1, 2, 3]), &ramp([4])]), &[1, 4, 3, 3], &expected);
}

#[test]
fn fused_convolution_equals_its_parts() {
    let (x, w, bias) = (ramp([2, 3, 5, 6]), ramp([4, 3, 3, 3]), ramp([4]));
    let (scale, shift, slope) = (ramp([3]), array([3], vec![0.5, -2.0, 1.0]), array([4], vec![0.25, -1.0, 2.0, 0.0]));
    let window = Window::square(3, 2, 1);
    let scaled = run(&Op::Affine, &[&x, &scale, &shift]);
    let sum = run(&Op::Conv(plain_conv(window.clone(), 1, true)), &[&scaled, &w, &bias]);
    let activated = run(&Op::PRelu, &[&sum, &slope]);
    let clipped = run(&Op::Unary(Unary::Clip { lo: Some(-2.0), hi: Some(3.0) }), &[&activated]);
    let residual = ramp(sum.shape.clone());
    let added = run(&Op::Binary(Binary::Add), &[&clipped, &residual]);
    let expected = run(&Op::Unary(Unary::Relu), &[&added]);
    let epilogue = Epilogue { slope: true, lo: Some(-2.0), hi: Some(3.0), residual: true, post_lo: Some(0.0), post_hi: None };
    let fused = Op::Conv(Conv { pre_affine: true, epilogue, ..plain_conv(window, 1, true) });
    assert_close(&run(&fused, &[&x, &w, &bias, &scale, &shift, &slope, &residual]), &expected.shape, &expected.data);
}

#[test]
fn locally_connected_with_one_tile_is_a_convolution() {
    let window = Window { kernel: [3, 2], stride: [2, 1], dilation: [1, 2], pads: [1, 0, 0, 2], auto: AutoPad::Explicit };
    let (x, bias) = (ramp([2, 3, 6, 5]), ramp([4]));
    let w = ramp([4, 3, 3, 2]);
    let expected = run(&Op::Conv(plain_conv(window.clone(), 1, true)), &[&x, &w, &bias]);
    let local = Op::LocallyConnected(LocallyConnected { window, tile: [9, 9], bias: true, epilogue: Epilogue::default() });
    let (w, bias) = (array([1, 1, 4, 3, 3, 2], w.data), array([1, 1, 4], bias.data));
    assert_close(&run(&local, &[&x, &w, &bias]), &expected.shape, &expected.data);
}

#[test]
fn each_tile_has_its_own_filters() {
    // Three output places in tiles of two: the filters 10 and 100.
    let op =
        Op::LocallyConnected(LocallyConnected { window: Window::square(1, 1, 0), tile: [1, 2], bias: true, epilogue: Epilogue::default() });
    let (w, bias) = (array([1, 2, 1, 1, 1, 1], vec![10.0, 100.0]), array([1, 2, 1], vec![1.0, 2.0]));
    assert_close(&run(&op, &[&count([1, 1, 1, 3]), &w, &bias]), &[1, 1, 1, 3], &[1.0, 11.0, 202.0]);
}

#[test]
fn pooling_matches_onnx_runtime() {
    let pool = |kind, window, ceil, count_include_pad| Op::Pool(Pool { kind, window, ceil, count_include_pad });
    let strided = |pads| Window { stride: [2, 2], pads, ..Window::square(3, 1, 0) };
    let x = ramp([1, 1, 4, 5]);
    let average = |include| run(&pool(PoolKind::Average, strided([1, 1, 0, 0]), true, include), &[&x]);
    assert_close(&average(true), &[1, 1, 2, 3], &[-0.055556, 0.138889, 0.208333, -0.194444, -0.111111, -0.083333]);
    assert_close(&average(false), &[1, 1, 2, 3], &[-0.125, 0.208333, 0.3125, -0.291667, -0.111111, -0.083333]);
    assert_close(&run(&pool(PoolKind::Max, strided([0; 4]), true, false), &[&x]), &[1, 1, 2, 2], &[1.0, 1.25, 1.0, 1.25]);
    let l2 = pool(PoolKind::L2, Window { pads: [1, 1, 0, 0], ..Window::square(2, 1, 0) }, false, false);
    let expected = [1.25, 1.346291, std::f64::consts::FRAC_1_SQRT_2, 1.767767, 1.85405, 1.06066, 1.600781, 1.620185, 1.274755];
    assert_close(&run(&l2, &[&ramp([1, 1, 3, 3])]), &[1, 1, 3, 3], &expected);
}

#[test]
fn response_normalisation_matches_onnx_runtime() {
    let op = Op::Lrn { size: 3, alpha: 0.5, beta: 0.75, bias: 2.0 };
    assert_close(&run(&op, &[&ramp([1, 5, 1, 1])]), &[1, 5, 1, 1], &[-0.668835, 0.263959, -0.263959, 0.666574, 0.135145]);
}

#[test]
fn nearest_neighbours_round_ties_as_asked() {
    let cases = [
        (NearestRounding::RoundPreferFloor, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]),
        (NearestRounding::RoundPreferCeil, [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0]),
        (NearestRounding::Floor, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]),
        (NearestRounding::Ceil, [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0]),
    ];
    for (nearest, expected) in cases {
        let op = Op::Resize(Resize::new(ResizeMode::Nearest, Coordinates::Asymmetric, nearest, ResizeTarget::Sizes));
        assert_close(&run(&op, &[&count([1, 1, 1, 4]), &ints(&[1, 1, 1, 8])]), &[1, 1, 1, 8], &expected);
    }
}

#[test]
fn linear_resampling_uses_the_given_scale() {
    // 5 * 1.5 = 7.5 cells become 7, but coordinates go by 1.5.
    let cases = [
        (Coordinates::HalfPixel, [0.0, 0.5, 1.166667, 1.833333, 2.5, 3.166667, 3.833333]),
        (Coordinates::AlignCorners, [0.0, 0.666667, 1.333333, 2.0, 2.666667, 3.333333, 4.0]),
    ];
    for (coordinates, expected) in cases {
        let op = Op::Resize(Resize::new(ResizeMode::Linear, coordinates, NearestRounding::Floor, ResizeTarget::Scales));
        assert_close(&run(&op, &[&count([1, 1, 1, 5]), &array([4], vec![1.0, 1.0, 1.0, 1.5])]), &[1, 1, 1, 7], &expected);
    }
}

#[test]
fn slices_run_backwards_and_pads_can_be_negative() {
    let slice = [&count([3, 4]), &ints(&[-1, i64::MAX]), &ints(&[i64::MIN, -3]), &ints(&[0, 1]), &ints(&[-2, -1])];
    assert_close(&run(&Op::Slice, &slice), &[2, 2], &[11.0, 10.0, 3.0, 2.0]);
    let edge = run(&Op::Pad { mode: PadMode::Edge }, &[&count([2, 3]), &ints(&[0, 2, 1, -1])]);
    assert_close(&edge, &[3, 4], &[0.0, 0.0, 0.0, 1.0, 3.0, 3.0, 3.0, 4.0, 3.0, 3.0, 3.0, 4.0]);
    let mirror = run(&Op::Pad { mode: PadMode::Reflect }, &[&count([2, 3]), &ints(&[1, 2, 0, 0])]);
    assert_close(&mirror, &[3, 5], &[5.0, 4.0, 3.0, 4.0, 5.0, 2.0, 1.0, 0.0, 1.0, 2.0, 5.0, 4.0, 3.0, 4.0, 5.0]);
}

#[test]
fn a_slope_vector_as_long_as_axis_1_is_per_channel() {
    // By NumPy's rule alone it would run along W.
    let slope = array([2], vec![10.0, 100.0]);
    let x = array([1, 2, 1, 2], vec![-1.0, 1.0, -1.0, -2.0]);
    assert_close(&run(&Op::PRelu, &[&x, &slope]), &[1, 2, 1, 2], &[-10.0, 1.0, -100.0, -200.0]);
}

#[test]
fn a_flattening_order_is_a_transposition_before_the_layer() {
    let (x, w) = (ramp([2, 3, 4, 5]), ramp([7, 60]));
    let linear = |flatten_order| Op::Linear(Linear { bias: false, flatten_order, epilogue: Epilogue::default() });
    let moved = run(&Op::Transpose { perm: vec![0, 3, 1, 2] }, &[&x]);
    let expected = run(&linear(vec![]), &[&moved, &w]);
    assert_close(&run(&linear(vec![2, 0, 1]), &[&x, &w]), &expected.shape, &expected.data);
}

#[test]
fn integers_stay_integers() {
    let divided = run(&Op::Binary(Binary::Div), &[&ints(&[7, -7]), &ints(&[2])]);
    assert_eq!((divided.dtype, divided.data), (DType::I64, vec![3.0, -3.0]));
    assert!(matches!(run_node("n", &Op::Binary(Binary::Div), &[&ints(&[7]), &ints(&[0])]), Err(Error::Model(_))));
    // "To the end" survives its way through f64.
    assert_eq!(ints(&[i64::MAX, i64::MIN]).to_tensor().unwrap().as_i64(), Some(&[i64::MAX, i64::MIN][..]));
}

#[test]
fn a_zero_vector_stays_zero() {
    let op = Op::L2Normalize { axis: 1, epsilon: 0.0 };
    assert_close(&run(&op, &[&array([2, 2], vec![0.0, 0.0, 3.0, 4.0])]), &[2, 2], &[0.0, 0.0, 0.6, 0.8]);
}

#[test]
fn magnitudes_bound_results_and_ignore_cancellation() {
    let op = Op::Linear(Linear { bias: false, flatten_order: vec![], epilogue: Epilogue { slope: true, ..Epilogue::default() } });
    let (x, w, slope) = (array([1, 2], vec![3.0, -3.0]), array([1, 2], vec![2.0, 2.0]), array([1], vec![-5.0]));
    assert_eq!(run(&op, &[&x, &w, &slope]).data, [0.0]);
    assert_eq!(magnitude(&op, &[&x, &w, &slope]).unwrap().data, [60.0]);
}

#[test]
fn only_what_the_wanted_value_needs_is_computed() {
    let mut graph = Graph::default();
    let x = graph.add_input("x", vec![Dim::Free("batch".into()), Dim::Fixed(4)]);
    let y = graph.add_node("y", Op::Unary(Unary::Neg), &[x]);
    let shape = graph.add_constant("shape", Tensor::indices(vec![0, 5]));
    // Five columns cannot be made of four, but nobody asks for them.
    let broken = graph.add_node("broken", Op::Reshape { allow_zero: false }, &[y, shape]);
    graph.outputs = vec![broken];
    let results = run_graph(&graph, &[count([1, 4])], &[y, x]).unwrap();
    assert_eq!(results[0].data, [-0.0, -1.0, -2.0, -3.0]);
    assert_eq!(results[1].data, [0.0, 1.0, 2.0, 3.0]);
    assert!(run_graph(&graph, &[count([1, 4])], &graph.outputs).is_err());
}

#[test]
fn arrays_that_do_not_fit_their_shape_are_refused() {
    let bad = Array { shape: Shape::from([2, 2]), dtype: DType::F32, data: vec![0.0; 3] };
    assert!(matches!(run_node("n", &Op::Identity, &[&bad]), Err(Error::Caller(_))));
    assert!(bad.to_tensor().is_err());
}
