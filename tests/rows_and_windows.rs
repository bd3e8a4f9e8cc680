//! What import makes of pooling, reductions, normalisation and selection: attributes of every operator set, and what is wrong with them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "hostile/build.rs"]
mod build;

use build::{bytes, float, indices, int, ints, model, node, tensor, value};
use lookalike::error::Error;
use lookalike::graph::Op;
use lookalike::import::Limits;
use lookalike::import::onnx::wire::{AttributeProto, ModelProto, NodeProto, TensorProto};
use lookalike::model::Model;
use lookalike::reference::{Array, run_graph};

fn load(model: &ModelProto) -> Result<Model, Error> {
    Model::from_onnx(&bytes(model), "m.onnx", &Limits::default())
}

/// A model of one operator of this operator set on `x`.
fn one(opset: i64, op: &str, operands: &[&str], attributes: Vec<AttributeProto>, constants: Vec<TensorProto>) -> ModelProto {
    let mut m = model(vec![node(op, operands, "y", attributes)], constants);
    m.opset_import[0].version = opset;
    m
}

#[track_caller]
fn refused(model: &ModelProto, phrase: &str) {
    let said = load(model).err().unwrap_or_else(|| panic!("imported, but should say {phrase:?}")).to_string();
    assert!(said.contains(phrase), "no {phrase:?} in: {said}");
}

/// `y` of a model on a ramp of this shape.
fn run(mut model: ModelProto, shape: &[i64]) -> Array {
    model.graph.as_mut().unwrap().input[0] = value("x", shape);
    let loaded = load(&model).unwrap();
    let dims: Vec<usize> = shape.iter().map(|&d| d as usize).collect();
    let data = (0..dims.iter().product::<usize>()).map(|i| (i * 7 % 11) as f64 / 4.0 - 1.0).collect();
    run_graph(&loaded.graph, &[Array::new(dims, data).unwrap()], &loaded.graph.outputs).unwrap().remove(0)
}

#[test]
fn attributes_are_checked() {
    let on_x = |op: &str, attributes: Vec<AttributeProto>, phrase: &str| refused(&one(18, op, &["x"], attributes, vec![]), phrase);
    on_x("MaxPool", vec![ints("kernel_shape", &[2; 4])], "4 spatial axes");
    on_x("MaxPool", vec![ints("kernel_shape", &[2; 3])], "takes 5 dimensions");
    on_x("MaxPool", vec![ints("kernel_shape", &[])], "kernel without axes");
    on_x("MaxPool", vec![ints("kernel_shape", &[2, 2]), int("storage_order", 2)], "`storage_order` = 2");
    on_x("LpPool", vec![ints("kernel_shape", &[2, 2]), int("p", 0)], "`p` = 0");
    on_x("GlobalLpPool", vec![int("p", i64::MAX)], "`p`");
    on_x("LpNormalization", vec![int("p", 3)], "p = 3");
    on_x("MeanVarianceNormalization", vec![ints("axes", &[])], "axes []");
    on_x("ReduceSum", vec![ints("axes", &[1])], "no longer knows");
    on_x("ArgMax", vec![int("axis", 65)], "axis 65");
    on_x("ArgMin", vec![int("keepdims", 2)], "`keepdims` = 2");
    on_x("TopK", vec![], "lacks the operand 1");
    refused(&one(9, "TopK", &["x"], vec![], vec![]), "no k");
    let with = |op: &str, attributes: Vec<AttributeProto>, phrase: &str| {
        refused(&one(21, op, &["x", "s", "s"], attributes, vec![tensor("s", &[2], &[1.0, 2.0])]), phrase);
    };
    with("GroupNormalization", vec![], "no num_groups");
    with("GroupNormalization", vec![int("num_groups", -1)], "`num_groups` = -1");
    with("GroupNormalization", vec![int("num_groups", 1), int("stash_type", 7)], "stash_type = 7");
    with("InstanceNormalization", vec![float("epsilon", -1.0)], "negative epsilon");
    with("LayerNormalization", vec![float("epsilon", f32::NAN)], "`epsilon` = NaN");
}

#[test]
fn batch_normalisation_says_what_its_parameters_lack() {
    let parameters = |other: TensorProto| vec![tensor("s", &[2], &[1.0, 2.0]), other];
    let operands = ["x", "s", "s", "s", "v"];
    let batch_norm = |opset, other, attributes| one(opset, "BatchNormalization", &operands, attributes, parameters(other));
    refused(&batch_norm(15, tensor("v", &[3], &[1.0; 3]), vec![]), "variance of the shape 3");
    refused(&batch_norm(15, tensor("v", &[], &[1.0]), vec![]), "variance of the shape scalar");
    refused(&batch_norm(15, tensor("v", &[2], &[1.0; 2]), vec![int("training_mode", 1)]), "training mode");
    let computed = NodeProto { ..node("Reciprocal", &["s"], "v", vec![]) };
    let mut m = one(15, "BatchNormalization", &operands, vec![], vec![tensor("s", &[2], &[1.0, 2.0])]);
    m.graph.as_mut().unwrap().node.insert(0, computed);
    assert!(load(&m).is_ok());
    // One entry per place: opset 8 knew that.
    let places = tensor("p", &[2, 4, 4], &[1.5; 32]);
    let m = |opset| one(opset, "BatchNormalization", &["x", "p", "p", "p", "p"], vec![], vec![places.clone()]);
    refused(&m(9), "not vectors");
    let mut old = m(8);
    old.graph.as_mut().unwrap().node[0].attribute.push(int("spatial", 0));
    assert!(load(&old).is_ok());
}

#[test]
fn softmax_flattens_before_operator_set_13() {
    let softmax = |opset, axis| run(one(opset, "Softmax", &["x"], vec![int("axis", axis)], vec![]), &[1, 2, 3, 4]).data;
    let sums = |y: &[f64], rows: usize| y.chunks(24 / rows).map(|row| row.iter().sum::<f64>()).collect::<Vec<_>>();
    assert!(sums(&softmax(12, 2), 2).iter().all(|s| (s - 1.0).abs() < 1e-12));
    assert!(sums(&softmax(13, 2), 2).iter().all(|s| (s - 4.0).abs() < 1e-12));
    assert_eq!(softmax(12, 3), softmax(13, 3));
}

/// Pooling over height and width and then over depth, against windows counted out by hand.
#[test]
fn pooling_over_three_axes_is_pooling_over_two_and_one() {
    let attributes = vec![ints("kernel_shape", &[2, 2, 3]), ints("strides", &[2, 1, 2]), ints("pads", &[1, 0, 1, 0, 1, 1])];
    let (d, h, w) = (3usize, 3usize, 4usize);
    let x = |z: usize, y: usize, x: usize| ((z * h + y) * w + x) * 7 % 11;
    let mut windows = Vec::new();
    for (oz, oy, ox) in (0..2usize).flat_map(|z| (0..3usize).flat_map(move |y| (0..2usize).map(move |x| (z, y, x)))) {
        let mut cells = Vec::new();
        for (kz, ky, kx) in (0..2usize).flat_map(|z| (0..2usize).flat_map(move |y| (0..3usize).map(move |x| (z, y, x)))) {
            let place = ((oz * 2 + kz).checked_sub(1), oy + ky, (ox * 2 + kx).checked_sub(1));
            if let (Some(z), y, Some(c)) = place
                && z < d
                && y < h
                && c < w
            {
                cells.push(x(z, y, c) as f64 / 4.0 - 1.0);
            }
        }
        windows.push(cells);
    }
    let check = |op: &str, extra: Vec<AttributeProto>, of: &dyn Fn(&[f64]) -> f64| {
        let y = run(one(19, op, &["x"], [attributes.clone(), extra].concat(), vec![]), &[1, 1, 3, 3, 4]);
        assert_eq!(y.shape.dims(), [1, 1, 2, 3, 2]);
        for (got, cells) in y.data.iter().zip(&windows) {
            assert!((got - of(cells)).abs() < 1e-12, "{op}: {got} instead of {}", of(cells));
        }
    };
    check("MaxPool", vec![], &|c| c.iter().copied().fold(f64::MIN, f64::max));
    check("AveragePool", vec![], &|c| c.iter().sum::<f64>() / c.len() as f64);
    check("AveragePool", vec![int("count_include_pad", 1)], &|c| c.iter().sum::<f64>() / 12.0);
    check("LpPool", vec![int("p", 3)], &|c| c.iter().map(|v| v.abs().powi(3)).sum::<f64>().cbrt());
}

#[test]
fn axes_move_from_attributes_to_operands() {
    let old = run(one(11, "ReduceL2", &["x"], vec![ints("axes", &[-1, 1])], vec![]), &[1, 2, 3, 4]);
    let new = run(one(18, "ReduceL2", &["x", "a"], vec![], vec![indices("a", &[1, 3])]), &[1, 2, 3, 4]);
    assert_eq!(old, new);
    let loaded = load(&one(18, "ReduceL1", &["x"], vec![int("noop_with_empty_axes", 1)], vec![])).unwrap();
    assert!(matches!(&loaded.graph.nodes[0].op, Op::Reduce { none_if_empty: true, .. }));
    let loaded = load(&one(18, "ReduceMean", &["x"], vec![int("noop_with_empty_axes", 1)], vec![])).unwrap();
    assert!(matches!(&loaded.graph.nodes[0].op, Op::Identity));
}
