//! Element-wise operators from an ONNX file to numbers of the GPU: what old operator sets say differently, whole numbers, many axes.
//!
//! The expected numbers follow from the ONNX specification and were checked with NumPy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "hostile/build.rs"]
mod build;
mod common;

use build::{bytes, float, int, ints, node, tensor, value};
use lookalike::Error;
use lookalike::import::Limits;
use lookalike::import::onnx::wire::*;
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{DType, Tensor};

/// A model of these nodes for these inputs (name and tensor), with the output `y`.
fn model(opset: i64, nodes: Vec<NodeProto>, initializer: Vec<TensorProto>, inputs: &[(&str, &Tensor)]) -> ModelProto {
    let typed = |(name, tensor): &(&str, &Tensor)| {
        let mut info = value(name, &tensor.shape().iter().map(|&d| d as i64).collect::<Vec<_>>());
        info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = match tensor.dtype() {
            DType::I32 => data_type::INT32,
            DType::I8 => data_type::INT8,
            DType::I64 => data_type::INT64,
            DType::U8 => data_type::UINT8,
            _ => data_type::FLOAT,
        };
        info
    };
    ModelProto {
        ir_version: 8,
        graph: Some(GraphProto {
            node: nodes,
            name: "g".into(),
            initializer,
            input: inputs.iter().map(typed).collect(),
            output: vec![value("y", &[])],
            ..Default::default()
        }),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        ..Default::default()
    }
}

fn import(m: &ModelProto) -> Result<Model, Error> {
    Model::from_onnx(&bytes(m), "m.onnx", &Limits::default())
}

fn run(opset: i64, nodes: Vec<NodeProto>, initializer: Vec<TensorProto>, inputs: &[(&str, &Tensor)]) -> Tensor {
    let model = import(&model(opset, nodes, initializer, inputs)).unwrap();
    let options =
        CompileOptions { shapes: inputs.iter().map(|(n, t)| ((*n).to_owned(), t.shape().clone())).collect(), ..CompileOptions::default() };
    let network = Network::compile(&common::gpu(), &model, &options).unwrap();
    network.run(inputs).unwrap().remove(0).1
}

fn floats(shape: &[usize], data: Vec<f32>) -> Tensor {
    Tensor::from_f32(shape.to_vec(), data).unwrap()
}

fn ramp(shape: &[usize]) -> Tensor {
    floats(shape, (0..shape.iter().product::<usize>()).map(|i| i as f32).collect())
}

fn whole(dtype: DType, data: &[i64]) -> Tensor {
    Tensor::integers(dtype, [data.len()], data.to_vec()).unwrap()
}

#[test]
fn before_opset_7_the_second_operand_is_aligned_by_axis() {
    let x = ramp(&[2, 3, 4, 5]);
    let b = || vec![tensor("b", &[3], &[100.0, 200.0, 300.0])];
    let add = |axis| vec![node("Add", &["x", "b"], "y", vec![int("broadcast", 1), int("axis", axis)])];
    for axis in [1, -3] {
        let y = run(6, add(axis), b(), &[("x", &x)]);
        let want: Vec<f32> = (0..120).map(|i| i as f32 + 100.0 * ((i / 20 % 3) + 1) as f32).collect();
        assert_eq!(y.to_f32()[..], want);
    }
    // Without `axis` it is aligned to the last ones, as NumPy does.
    let last = vec![node("Sub", &["x", "b"], "y", vec![int("broadcast", 1)])];
    let y = run(6, last, vec![tensor("b", &[5], &[1.0, 2.0, 3.0, 4.0, 5.0])], &[("x", &x)]);
    assert_eq!(y.to_f32()[..5], [-1.0; 5]);
    // Later sets know neither attribute, and an axis out of reach is said.
    let said = import(&model(7, add(1), b(), &[("x", &x)])).unwrap_err().to_string();
    assert!(said.contains("`axis` or `broadcast`"), "{said}");
    let said = import(&model(6, add(4), b(), &[("x", &x)])).unwrap_err().to_string();
    assert!(said.contains("to the axis 4 of one of 4"), "{said}");
}

#[test]
fn bounds_of_a_clip_may_be_computed_and_the_upper_one_wins() {
    let x = floats(&[6], vec![-3.0, -1.0, 0.0, 1.0, 3.0, f32::NAN]);
    let scalar = |v: f32| floats(&[], vec![v]);
    let clip = || vec![node("Clip", &["x", "lo", "hi"], "y", vec![])];
    let y = run(13, clip(), vec![], &[("x", &x), ("lo", &scalar(-2.0)), ("hi", &scalar(1.0))]);
    assert_eq!(y.to_f32()[..5], [-2.0, -1.0, 0.0, 1.0, 1.0]);
    assert!(y.to_f32()[5].is_nan());
    let crossed = run(13, clip(), vec![], &[("x", &x), ("lo", &scalar(2.0)), ("hi", &scalar(1.0))]);
    assert_eq!(crossed.to_f32()[..5], [1.0; 5]);
    let crossed = run(13, clip(), vec![tensor("lo", &[], &[2.0]), tensor("hi", &[], &[1.0])], &[("x", &x)]);
    assert_eq!(crossed.to_f32()[..5], [1.0; 5]);
    let old = vec![node("Clip", &["x"], "y", vec![float("max", 0.5)])];
    assert_eq!(run(6, old, vec![], &[("x", &x)]).to_f32()[..5], [-3.0, -1.0, 0.0, 0.5, 0.5]);
}

#[test]
fn large_whole_bounds_stay_exact() {
    let x = whole(DType::I32, &[i32::MIN.into(), -16_777_217, 0, 16_777_217, 16_777_219]);
    let bound =
        |name: &str, v: i32| TensorProto { name: name.into(), data_type: data_type::INT32, int32_data: vec![v], ..Default::default() };
    let nodes = vec![node("Clip", &["x", "lo", "hi"], "y", vec![])];
    let y = run(13, nodes, vec![bound("lo", -16_777_217), bound("hi", 16_777_217)], &[("x", &x)]);
    assert_eq!(y.as_i64().unwrap(), [-16_777_217, -16_777_217, 0, 16_777_217, 16_777_217]);
}

#[test]
fn whole_numbers_divide_towards_zero_and_by_zero_to_zero() {
    let a = whole(DType::I32, &[7, -7, 7, -7, 5, i32::MIN.into(), 0]);
    let b = whole(DType::I32, &[2, 2, -2, -2, 0, -1, 0]);
    let of = |op: &str, attributes| run(13, vec![node(op, &["a", "b"], "y", attributes)], vec![], &[("a", &a), ("b", &b)]);
    let quotient = of("Div", vec![]);
    assert_eq!(quotient.as_i64().unwrap(), [3, -3, -3, 3, 0, i32::MIN.into(), 0]);
    assert_eq!(of("Mod", vec![]).as_i64().unwrap(), [1, 1, -1, -1, 0, 0, 0]);
    assert_eq!(of("Mod", vec![int("fmod", 1)]).as_i64().unwrap(), [1, -1, 1, -1, 0, 0, 0]);
}

#[test]
fn narrow_types_wrap() {
    let (a, b) = (whole(DType::U8, &[250, 3, 16]), whole(DType::U8, &[10, 5, 16]));
    let of = |op: &str| run(14, vec![node(op, &["a", "b"], "y", vec![])], vec![], &[("a", &a), ("b", &b)]);
    assert_eq!(of("Add").as_i64().unwrap(), [4, 8, 32]);
    assert_eq!(of("Sub").as_i64().unwrap(), [240, 254, 0]);
    assert_eq!(of("Mul").as_i64().unwrap(), [196, 15, 0]);
    let x = whole(DType::I8, &[-128, -1, 127]);
    let y = run(13, vec![node("Abs", &["x"], "y", vec![])], vec![], &[("x", &x)]);
    assert_eq!((y.dtype(), y.as_i64().unwrap()), (DType::I8, &[-128, 1, 127][..]));
}

#[test]
fn a_prelu_of_whole_numbers_multiplies_the_negative_ones() {
    let (x, slope) = (whole(DType::I64, &[-3, 0, 4]), whole(DType::I64, &[5]));
    let y = run(16, vec![node("PRelu", &["x", "slope"], "y", vec![])], vec![], &[("x", &x), ("slope", &slope)]);
    assert_eq!(y.as_i64().unwrap(), [-15, 0, 4]);
}

#[test]
fn eight_axes_broadcast_each_its_own_way() {
    let (a, b) = (ramp(&[2, 1, 3, 1, 2, 1, 2, 1]), ramp(&[1, 2, 1, 3, 1, 2, 1, 3]));
    let y = run(13, vec![node("Mul", &["a", "b"], "y", vec![])], vec![], &[("a", &a), ("b", &b)]);
    assert_eq!(y.shape().dims(), [2, 2, 3, 3, 2, 2, 2, 3]);
    let want = (0..864).map(|i| {
        let at = |size: usize, below: usize| i / below % size;
        let first = ((at(2, 432) * 3 + at(3, 72)) * 2 + at(2, 12)) * 2 + at(2, 3);
        let second = ((at(2, 216) * 3 + at(3, 24)) * 2 + at(2, 6)) * 3 + at(3, 1);
        (first * second) as f32
    });
    assert_eq!(y.to_f32()[..], want.collect::<Vec<_>>());
}

#[test]
fn batch_normalisation_and_slopes_of_five_axes() {
    let x = ramp(&[2, 3, 2, 1, 2]);
    let vector = |name: &str, values: [f32; 3]| tensor(name, &[3], &values);
    let constants = vec![
        vector("scale", [1.0, 2.0, 3.0]),
        vector("bias", [0.0, -10.0, -90.0]),
        vector("mean", [0.0; 3]),
        vector("variance", [1.0; 3]),
        tensor("slope", &[3, 1, 1, 1], &[0.0, 0.5, 2.0]),
    ];
    let norm = node("BatchNormalization", &["x", "scale", "bias", "mean", "variance"], "n", vec![float("epsilon", 0.0)]);
    let y = run(15, vec![norm, node("PRelu", &["n", "slope"], "y", vec![])], constants, &[("x", &x)]);
    let want = (0..24).map(|i| {
        let c = i / 4 % 3;
        let v = i as f32 * (c + 1) as f32 + [0.0, -10.0, -90.0][c];
        if v < 0.0 { v * [0.0, 0.5, 2.0][c] } else { v }
    });
    assert_eq!(y.to_f32()[..], want.collect::<Vec<_>>());
}

/// From -2 to 2.
fn ascending() -> Tensor {
    floats(&[2, 5, 3, 8], (0..240).map(|i| i as f32 / 60.0 - 2.0).collect())
}

/// `function` of pooled maps (packed) or of their mean over the channels (a row), times `scale`, plus `shift`: the numbers, and how many affine launches there were.
fn scaled(function: &str, packed: bool, scale: &[f32], shift: f32, shown: bool) -> (Vec<f32>, usize) {
    let x = ascending();
    let source = if packed {
        node("MaxPool", &["x"], "a", vec![ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])])
    } else {
        node("ReduceMean", &["x"], "a", vec![ints("axes", &[1])])
    };
    let channels: &[i64] = if scale.len() == 1 { &[] } else { &[5, 1, 1] };
    let constants = vec![tensor("s", channels, scale), tensor("t", &[], &[shift])];
    let nodes =
        vec![source, node(function, &["a"], "f", vec![]), node("Mul", &["f", "s"], "m", vec![]), node("Add", &["m", "t"], "y", vec![])];
    let mut m = model(13, nodes, constants, &[("x", &x)]);
    if shown {
        m.graph.as_mut().unwrap().output.push(value("f", &[-1]));
    }
    let options = CompileOptions { shapes: vec![("x".to_owned(), x.shape().clone())], ..CompileOptions::default() };
    let network = Network::compile(&common::gpu(), &import(&m).unwrap(), &options).unwrap();
    let affine = network.summary().unwrap().dispatches.iter().filter(|d| d.shader == "elementwise/affine").count();
    let outputs = network.run(&[("x", &x)]).unwrap();
    (outputs.iter().find(|(name, _)| name == "y").unwrap().1.to_f32().into_owned(), affine)
}

#[test]
fn what_is_alike_in_all_channels_joins_the_function_before_it() {
    let functions: [(&str, fn(f64) -> f64); 4] =
        [("Tanh", f64::tanh), ("Sigmoid", |v| 1.0 / (1.0 + (-v).exp())), ("Abs", f64::abs), ("Neg", |v| -v)];
    let x = ascending().to_f64();
    let maxima: Vec<f64> = x.iter().copied().skip(1).step_by(2).collect();
    let mean = |place: usize| (0..5).map(|c| x[place / 24 * 120 + c * 24 + place % 24]).sum::<f64>() / 5.0;
    let means: Vec<f64> = (0..48).map(mean).collect();
    let per_channel = [0.5, -1.0, 2.0, 1.5, 3.0];
    for (name, function) in functions {
        for (packed, scale, shown, launches) in
            [(true, &[-2.0][..], false, 0), (false, &[-2.0], false, 0), (true, &[-2.0], true, 1), (true, &per_channel, false, 1)]
        {
            let (got, affine) = scaled(name, packed, scale, 0.75, shown);
            assert_eq!(affine, launches, "{name}, packed {packed}, {scale:?}, shown {shown}");
            let input = if packed { &maxima } else { &means };
            assert_eq!(got.len(), input.len());
            for (i, (got, v)) in got.iter().zip(input).enumerate() {
                let want = function(*v) * f64::from(scale[i / 12 % 5 % scale.len()]) + 0.75;
                assert!((f64::from(*got) - want).abs() < 1e-5 * (1.0 + want.abs()), "{name} {i}: {got} instead of {want}");
            }
        }
    }
}

#[test]
fn casts_cut_wrap_and_saturate() {
    let x = floats(&[7], vec![-1.9, 1.9, 300.7, -129.0, f32::NAN, 3e9, f32::NEG_INFINITY]);
    let to = |code: i32| run(13, vec![node("Cast", &["x"], "y", vec![int("to", code.into())])], vec![], &[("x", &x)]);
    assert_eq!(to(data_type::INT32).as_i64().unwrap(), [-1, 1, 300, -129, 0, i32::MAX.into(), i32::MIN.into()]);
    assert_eq!(to(data_type::UINT8).as_i64().unwrap()[..5], [255, 1, 44, 127, 0]);
    assert_eq!(to(data_type::BOOL).as_i64().unwrap(), [1; 7]);
    let like = vec![node("CastLike", &["x", "like"], "y", vec![])];
    let y = run(15, like, vec![], &[("x", &x), ("like", &whole(DType::I8, &[0]))]);
    assert_eq!((y.dtype(), &y.as_i64().unwrap()[..4]), (DType::I8, &[-1, 1, 44, 127][..]));
}
