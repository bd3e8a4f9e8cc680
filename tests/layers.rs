//! Layers in the forms that files give them: operands that are constants, inputs or computed, and quantised ones. Expected numbers are
//! computed here, from the formulas of the ONNX specification.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "hostile/build.rs"]
mod build;
mod common;

use build::{bytes, float, int, ints, node, tensor, value};
use common::{Random, gpu};
use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::onnx::wire::*;
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{DType, Tensor};

/// A model of these nodes with the output `y`.
fn model(node: Vec<NodeProto>, input: Vec<ValueInfoProto>, initializer: Vec<TensorProto>) -> ModelProto {
    let output = vec![value("y", &[-1])];
    let graph = GraphProto { node, name: "g".into(), initializer, input, output, sparse_initializer: Vec::new() };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 21 }];
    ModelProto { ir_version: 8, producer_name: "test".into(), graph: Some(graph), opset_import, ..ModelProto::default() }
}

fn load(model: &ModelProto) -> Result<Model, Error> {
    Model::from_onnx(&bytes(model), "m.onnx", &Limits::default())
}

/// Compiled for these inputs, the first dimension of which is no batch to all of them.
fn compiled(model: &ModelProto, inputs: &[(&str, &Tensor)]) -> Network {
    let shapes = inputs.iter().map(|(name, t)| ((*name).to_owned(), t.shape().clone())).collect();
    Network::compile(&gpu(), &load(model).unwrap(), &CompileOptions { shapes, ..CompileOptions::default() }).unwrap()
}

fn run(model: &ModelProto, inputs: &[(&str, &Tensor)]) -> Tensor {
    compiled(model, inputs).run(inputs).unwrap().swap_remove(0).1
}

fn refusal(model: &ModelProto) -> String {
    load(model).err().unwrap_or_else(|| panic!("it was imported")).to_string()
}

fn noise(random: &mut Random, shape: &[usize]) -> Tensor {
    let len = shape.iter().product();
    Tensor::from_f32(shape.to_vec(), (0..len).map(|_| random.signed()).collect()).unwrap()
}

fn dims(t: &Tensor) -> Vec<i64> {
    t.shape().iter().map(|&d| d as i64).collect()
}

fn initializer(name: &str, t: &Tensor) -> TensorProto {
    tensor(name, &dims(t), &t.to_f32())
}

/// A tensor of bytes, or of i32.
fn whole(name: &str, data_type: i32, dims: &[i64], values: &[i64]) -> TensorProto {
    let int32_data = values.iter().map(|&v| v as i32).collect();
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type, int32_data, ..Default::default() }
}

fn close(got: &Tensor, want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (g, w) in got.to_f64().iter().zip(want) {
        assert!((g - w).abs() <= 1e-5 * (1.0 + w.abs()), "{what}: {g} instead of {w}");
    }
}

#[test]
fn gemm_takes_every_operand_as_constant_or_input() {
    let (m, k, n) = (3usize, 5usize, 6usize);
    let mut random = Random(1);
    let shapes: [Option<&[usize]>; 7] = [None, Some(&[]), Some(&[1]), Some(&[6]), Some(&[1, 6]), Some(&[3, 1]), Some(&[3, 6])];
    for (case, shape) in shapes.iter().enumerate() {
        for bits in 0..16 {
            let [turn_a, turn_b, fixed_b, fixed_c] = [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1);
            let (alpha, beta) = if bits % 3 == 0 { (1.0, 1.0) } else { (0.5, -2.0) };
            let a = noise(&mut random, &if turn_a { [k, m] } else { [m, k] });
            let b = noise(&mut random, &if turn_b { [n, k] } else { [k, n] });
            let c = shape.map(|shape| noise(&mut random, shape));
            let attributes = vec![float("alpha", alpha), float("beta", beta), int("transA", turn_a.into()), int("transB", turn_b.into())];
            let names: &[&str] = if c.is_some() { &["a", "b", "c"] } else { &["a", "b"] };
            let (mut inputs, mut constants, mut fed) = (vec![value("a", &dims(&a))], Vec::new(), vec![("a", &a)]);
            // A scalar has no batch that an input could begin with.
            let fixed_c = fixed_c || shape.is_some_and(<[usize]>::is_empty);
            for (name, t, fixed) in [("b", Some(&b), fixed_b), ("c", c.as_ref(), fixed_c)] {
                match (t, fixed) {
                    (Some(t), true) => constants.push(initializer(name, t)),
                    (Some(t), false) => {
                        inputs.push(value(name, &dims(t)));
                        fed.push((name, t));
                    }
                    (None, _) => {}
                }
            }
            let got = run(&model(vec![node("Gemm", names, "y", attributes)], inputs, constants), &fed);
            let at =
                |t: &Tensor, turned: bool, i: usize, j: usize| t.to_f64()[if turned { j * t.shape()[1] + i } else { i * t.shape()[1] + j }];
            let bias = |i: usize, j: usize| {
                let Some(c) = &c else { return 0.0 };
                let (rows, columns) = match *c.shape().dims() {
                    [] | [1] => (1, 1),
                    [n] => (1, n),
                    [rows, columns] => (rows, columns),
                    _ => unreachable!(),
                };
                c.to_f64()[i % rows * columns + j % columns]
            };
            let want: Vec<f64> = (0..m * n)
                .map(|e| {
                    let (i, j) = (e / n, e % n);
                    let sum: f64 = (0..k).map(|l| at(&a, turn_a, i, l) * at(&b, turn_b, l, j)).sum();
                    f64::from(alpha) * sum + f64::from(beta) * bias(i, j)
                })
                .collect();
            close(&got, &want, &format!("C {case}, {bits:04b}"));
        }
    }
}

#[test]
fn a_product_does_not_multiply_what_lies_behind_a_row() {
    for k in [1usize, 5, 18] {
        let mut random = Random(k as u64);
        let mut rows = noise(&mut random, &[40, k]).to_f32().into_owned();
        // Every second row begins with what spoils a sum it is added to, even times 0.
        (0..40).step_by(2).for_each(|row| rows[row * k] = f32::INFINITY);
        let a = Tensor::from_f32([40, k], rows).unwrap();
        let b = noise(&mut random, &[k, 7]);
        let m =
            model(vec![node("MatMul", &["a", "b"], "y", vec![])], vec![value("a", &[40, k as i64]), value("b", &[k as i64, 7])], vec![]);
        let got = run(&m, &[("a", &a), ("b", &b)]);
        for (i, v) in got.to_f32().iter().enumerate() {
            assert_eq!(v.is_finite(), i / 7 % 2 == 1, "k = {k}, row {}", i / 7);
        }
    }
}

#[test]
fn weights_may_be_inputs_and_one_axis_has_all_attributes() {
    let mut random = Random(7);
    let x = noise(&mut random, &[2, 6, 19]);
    let attributes = || vec![ints("pads", &[2, 1]), ints("strides", &[3]), ints("dilations", &[2]), int("group", 2)];
    let grown =
        || vec![ints("pads", &[1, 0]), ints("strides", &[2]), ints("dilations", &[3]), ints("output_padding", &[1]), int("group", 2)];
    for (op, w, attributes) in [("Conv", [4, 3, 5], attributes()), ("ConvTranspose", [6, 2, 4], grown())] {
        let (w, b) = (noise(&mut random, &w), noise(&mut random, &[4]));
        let layer = |attributes| vec![node(op, &["x", "w", "b"], "y", attributes)];
        let fixed = model(layer(attributes.clone()), vec![value("x", &[2, 6, 19])], vec![initializer("w", &w), initializer("b", &b)]);
        let inputs = vec![value("x", &[2, 6, 19]), value("w", &dims(&w)), value("b", &[4])];
        let given = model(layer(attributes), inputs, vec![]);
        let want = run(&fixed, &[("x", &x)]);
        assert_eq!(run(&given, &[("x", &x), ("w", &w), ("b", &b)]), want, "{op}");
        let sums: Vec<f64> = if op == "Conv" { convolved(&x, &w, &b) } else { spread(&x, &w, &b, want.shape()[2]) };
        close(&want, &sums, op);
    }
}

/// The 1-D convolution of the test above, element by element.
fn convolved(x: &Tensor, w: &Tensor, b: &Tensor) -> Vec<f64> {
    let (x, w, b) = (x.to_f64(), w.to_f64(), b.to_f64());
    let outputs = (19 + 3 - 9) / 3 + 1;
    let mut y = Vec::new();
    for (n, o) in (0..8).map(|i| (i / 4, i % 4)) {
        for place in 0..outputs {
            let tap = |c: usize, t: usize| {
                let at = (place * 3 + t * 2).checked_sub(2).filter(|&at| at < 19);
                at.map_or(0.0, |at| x[(n * 6 + o / 2 * 3 + c) * 19 + at] * w[(o * 3 + c) * 5 + t])
            };
            y.push(b[o] + (0..15).map(|i| tap(i / 5, i % 5)).sum::<f64>());
        }
    }
    y
}

/// The 1-D transposed convolution of the test above, cell by cell.
fn spread(x: &Tensor, w: &Tensor, b: &Tensor, outputs: usize) -> Vec<f64> {
    assert_eq!(outputs, 2 * 18 + 1 + 10 - 1);
    let (x, w, b) = (x.to_f64(), w.to_f64(), b.to_f64());
    let mut y: Vec<f64> = (0..8 * outputs).map(|i| b[i / outputs % 4]).collect();
    for (n, c, cell) in (0..12 * 19).map(|i: usize| (i / 19 / 6, i / 19 % 6, i % 19)) {
        for (o, t) in (0..8usize).map(|i| (i / 4, i % 4)) {
            if let Some(at) = (cell * 2 + t * 3).checked_sub(1).filter(|&at| at < outputs) {
                y[(n * 4 + c / 3 * 2 + o) * outputs + at] += x[(n * 6 + c) * 19 + cell] * w[(c * 2 + o) * 4 + t];
            }
        }
    }
    y
}

#[test]
fn a_quantised_convolution_equals_whole_number_arithmetic() {
    // 1x4x5x5 by 3x4x3x3, one scale for each output channel, everything odd.
    let mut random = Random(3);
    let mut byte = |least: i64, most: i64| least + (random.next() % (most - least + 1) as u64) as i64;
    let x: Vec<i64> = (0..100).map(|_| byte(0, 255)).collect();
    let w: Vec<i64> = (0..108).map(|_| byte(-128, 127)).collect();
    let b: Vec<i64> = (0..3).map(|_| byte(-9000, 9000)).collect();
    let (xs, ws, ys) = (0.0173f32, [0.0021f32, 0.0035, 0.0009], 0.037f32);
    let (xz, yz) = (117i64, 131i64);
    let constants = vec![
        tensor("xs", &[], &[xs]),
        whole("xz", data_type::UINT8, &[], &[xz]),
        whole("w", data_type::INT8, &[3, 4, 3, 3], &w),
        tensor("ws", &[3], &ws),
        whole("wz", data_type::INT8, &[3], &[0, 0, 0]),
        tensor("ys", &[], &[ys]),
        whole("yz", data_type::UINT8, &[], &[yz]),
        whole("b", data_type::INT32, &[3], &b),
    ];
    let mut input = value("x", &[1, 4, 5, 5]);
    input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = data_type::UINT8;
    let names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
    let m = model(vec![node("QLinearConv", &names, "y", vec![ints("pads", &[1, 1, 1, 1])])], vec![input], constants);
    let got = run(&m, &[("x", &Tensor::integers(DType::U8, [1, 4, 5, 5], x.clone()).unwrap())]);
    assert_eq!(got.dtype(), DType::U8);
    for (i, &g) in got.as_i64().unwrap().iter().enumerate() {
        let (o, row, column) = (i / 25, i / 5 % 5, i % 5);
        let mut sum = b[o];
        for (c, ky, kx) in (0..36).map(|t| (t / 9, t / 3 % 3, t % 3)) {
            let (r, k) = ((row + ky).wrapping_sub(1), (column + kx).wrapping_sub(1));
            if r < 5 && k < 5 {
                sum += (x[(c * 5 + r) * 5 + k] - xz) * w[((o * 4 + c) * 3 + ky) * 3 + kx];
            }
        }
        let exact = sum as f64 * f64::from(xs) * f64::from(ws[o]) / f64::from(ys);
        let want = (exact.round_ties_even() as i64 + yz).clamp(0, 255);
        // At a tie the one rounding of a sum in f32 may decide.
        assert!(g == want || ((exact - exact.floor()) - 0.5).abs() < 1e-4 && (g - want).abs() == 1, "{i}: {g} instead of {want}");
    }
}

#[test]
fn a_pair_of_quantise_and_dequantise_is_one_pass() {
    let pair = |scale: &str| {
        let nodes = vec![node("QuantizeLinear", &["x", "s", "z"], "q", vec![]), node("DequantizeLinear", &["q", scale, "z"], "y", vec![])];
        let constants = vec![tensor("s", &[], &[0.1]), tensor("t", &[], &[0.2]), whole("z", data_type::INT8, &[], &[3])];
        model(nodes, vec![value("x", &[1, 7])], constants)
    };
    let x = Tensor::from_f32([1, 7], vec![-20.0, -13.1, -0.05, 0.0, 0.049, 0.31, 20.0]).unwrap();
    for (scale, unit, passes) in [("s", 0.1, 1), ("t", 0.2, 2)] {
        let network = compiled(&pair(scale), &[("x", &x)]);
        let quantising = |d: &&lookalike::network::DispatchSummary| d.shader.starts_with("quantize/");
        assert_eq!(network.summary().unwrap().dispatches.iter().filter(quantising).count(), passes);
        let got = network.run(&[("x", &x)]).unwrap().swap_remove(0).1;
        close(&got, &[-131.0, -131.0, 0.0, 0.0, 0.0, 3.0, 124.0].map(|q| q * unit), scale);
    }
}

#[test]
fn channels_are_reduced_where_pooling_left_them() {
    for (op, keepdims) in [("ReduceMean", 1), ("ReduceMax", 1), ("ReduceSum", 0), ("ReduceLogSumExp", 0)] {
        // Of 8 and 36 channels there are whole vec4s, of 6 there is a rest that must not count.
        for [n, c, h, w] in [[1, 8, 5, 4], [3, 36, 3, 8], [2, 6, 4, 4]] {
            let x = noise(&mut Random(11), &[n, c, h, w]);
            let pool = node("MaxPool", &["x"], "pooled", vec![ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])]);
            let reduced = node(op, &["pooled", "axes"], "y", vec![int("keepdims", keepdims)]);
            let m = model(vec![pool, reduced], vec![value("x", &dims(&x))], vec![build::indices("axes", &[1])]);
            let network = compiled(&m, &[("x", &x)]);
            let copies = network.summary().unwrap().dispatches.iter().filter(|d| d.label == "pooled to rows").count();
            assert_eq!(copies, usize::from(c % 4 != 0), "{op} of {c} channels");
            let got = network.run(&[("x", &x)]).unwrap().swap_remove(0).1;
            assert_eq!(got.shape().rank(), if keepdims == 1 { 4 } else { 3 });
            let x = x.to_f64();
            let want: Vec<f64> = (0..n * h * w / 2)
                .map(|place| {
                    let (n, rest) = (place / (h * w / 2), place % (h * w / 2) * 2);
                    let channels = (0..c).map(|channel| (n * c + channel) * h * w + rest);
                    let maxima: Vec<f64> = channels.map(|at| x[at].max(x[at + 1])).collect();
                    match op {
                        "ReduceMean" => maxima.iter().sum::<f64>() / c as f64,
                        "ReduceMax" => maxima.iter().copied().fold(f64::MIN, f64::max),
                        "ReduceSum" => maxima.iter().sum(),
                        _ => maxima.iter().map(|v| v.exp()).sum::<f64>().ln(),
                    }
                })
                .collect();
            close(&got, &want, &format!("{op} of {c} channels"));
        }
    }
}

#[test]
fn what_is_not_done_is_said() {
    let x = || vec![value("x", &[1, 2, 4, 4, 4])];
    let refused = |m: &ModelProto, phrase: &str| {
        let said = refusal(m);
        assert!(said.contains(phrase), "no {phrase:?} in: {said}");
    };
    for op in ["Conv", "ConvTranspose"] {
        let m = model(vec![node(op, &["x", "w"], "y", vec![])], x(), vec![tensor("w", &[2, 2, 1, 1, 1], &[0.0; 4])]);
        refused(&m, "it has three spatial dimensions");
    }
    let numbers = vec![whole("a", data_type::INT32, &[1, 2], &[1, 2]), whole("b", data_type::INT32, &[2, 1], &[3, 4])];
    let nodes =
        vec![node("Gemm", &["a", "b"], "g", vec![]), node("Cast", &["g"], "f", vec![int("to", 1)]), node("Add", &["x", "f"], "y", vec![])];
    refused(&model(nodes, x(), numbers), "it multiplies matrices of int32");
    let nodes = vec![NodeProto {
        domain: "com.microsoft".into(),
        ..node("QLinearGlobalAveragePool", &["x", "s", "z", "s", "z"], "y", vec![int("channels_last", 1)])
    }];
    let constants = vec![tensor("s", &[], &[1.0]), whole("z", data_type::UINT8, &[], &[0])];
    refused(&model(nodes, x(), constants), "its channels come last");
    refused(
        &model(vec![node("QuantizeLinear", &["x", "s"], "y", vec![int("output_dtype", 22)])], x(), vec![tensor("s", &[], &[1.0])]),
        "it quantises to",
    );
    // Weights that are computed from a picture are refused when the network is planned.
    let nodes = vec![node("Relu", &["x"], "w", vec![]), node("Conv", &["x", "w"], "y", vec![ints("kernel_shape", &[4, 4])])];
    let m = load(&model(nodes, vec![value("x", &[1, 2, 4, 4])], vec![])).unwrap();
    let said = Network::compile(&gpu(), &m, &CompileOptions::default()).unwrap_err().to_string();
    assert!(said.contains("takes its weights from a value that is computed (`w`)"), "{said}");
}
