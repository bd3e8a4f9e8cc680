//! Every rewriting pass, alone and together, leaves the outputs of a graph as they were.
//!
//! Outputs are compared with the f64 reference, so the only difference a pass may make is that of rounding folded weights to f32: a
//! relative 2^-24 = 6e-8 per weight and per fold. A sum of products then errs by 6e-8 times the sum of their absolute values, which in
//! these small graphs stays within about a hundred times the largest output even after a dozen layers; hence 1e-5 of that output.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "passes_preserve_outputs/builder.rs"]
mod builder;
#[path = "passes_preserve_outputs/models.rs"]
mod models;

use std::sync::Arc;

use builder::Builder;
use lookalike::error::Result;
use lookalike::graph::passes::{self, activation_fusion, affine_folding, affine_recognition, identity_removal, residual_fusion};
use lookalike::graph::{Binary, Conv, Graph, Op, Unary, infer_shapes};
use lookalike::reference::{self, Array};
use lookalike::tensor::{Shape, Tensor};
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-5;

type Pass = fn(&mut Graph, &[Shape]) -> Result<bool>;

const PASSES: [(&str, Pass); 5] = [
    ("identity_removal", identity_removal::run),
    ("affine_recognition", affine_recognition::run),
    ("affine_folding", affine_folding::run),
    ("activation_fusion", activation_fusion::run),
    ("residual_fusion", residual_fusion::run),
];

fn evaluate(graph: &Graph, shapes: &[Shape]) -> Vec<(String, Array)> {
    let inputs: Vec<Array> = shapes.iter().map(|shape| Array::from(&builder::noise(&shape[..], 1.0, 0.2, 99))).collect();
    let outputs = reference::run_graph(graph, &inputs, &graph.outputs).unwrap();
    graph.outputs.iter().map(|&id| graph.name(id).to_owned()).zip(outputs).collect()
}

/// The largest difference, relative to the largest output.
fn difference(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape, b.shape);
    let largest = a.data.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    a.data.iter().zip(&b.data).fold(0.0, |m: f64, (x, y)| m.max((x - y).abs())) / largest
}

fn assert_same(what: &str, before: &Graph, after: &Graph, shapes: &[Shape]) {
    assert_in_order(what, after);
    let (before, after) = (evaluate(before, shapes), evaluate(after, shapes));
    assert_eq!(before.len(), after.len());
    for ((name, a), (other, b)) in before.iter().zip(&after) {
        assert_eq!(name, other, "{what}");
        let difference = difference(a, b);
        assert!(difference <= TOLERANCE, "{what} changes `{name}` by {difference:e}");
    }
}

fn assert_in_order(what: &str, graph: &Graph) {
    let mut known: Vec<bool> = graph.values.iter().map(|v| v.constant.is_some()).collect();
    graph.inputs.iter().for_each(|i| known[i.value.0 as usize] = true);
    for node in &graph.nodes {
        assert!(node.inputs.iter().all(|id| known[id.0 as usize]), "{what} puts `{}` before its operands", node.name);
        for id in &node.outputs {
            assert!(!known[id.0 as usize], "{what} produces `{}` twice", graph.name(*id));
            known[id.0 as usize] = true;
        }
    }
    assert!(graph.outputs.iter().all(|id| known[id.0 as usize]), "{what} loses an output");
}

fn optimised(builder: &Builder) -> Graph {
    let mut graph = builder.graph.clone();
    passes::optimise(&mut graph, &builder.input_shapes()).unwrap();
    assert_same("optimise", &builder.graph, &graph, &builder.input_shapes());
    graph
}

fn conv_of(graph: &Graph, i: usize) -> &Conv {
    let Op::Conv(conv) = &graph.nodes[i].op else { panic!("node {i} is {:?}", graph.nodes[i]) };
    conv
}

fn kinds(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|n| n.op.kind()).collect()
}

fn check_passes(b: &Builder, elsewhere: &[Shape]) {
    let shapes = b.input_shapes();
    for (name, pass) in PASSES {
        let mut graph = b.graph.clone();
        let all = infer_shapes(&graph, &shapes).unwrap();
        pass(&mut graph, &all).unwrap();
        assert_same(name, &b.graph, &graph, &shapes);
    }
    let mut graph = b.graph.clone();
    passes::optimise(&mut graph, &shapes).unwrap();
    assert_same("optimise", &b.graph, &graph, &shapes);
    assert_same("optimise, at another size,", &b.graph, &graph, elsewhere);
    let (special, _) = passes::specialise(&graph, elsewhere).unwrap();
    assert_same("specialise", &b.graph, &special, elsewhere);
    let nodes = graph.nodes.clone();
    passes::optimise(&mut graph, &shapes).unwrap();
    assert_eq!(nodes, graph.nodes, "optimising twice changes more than optimising once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn passes_preserve_outputs_of_random_graphs(
        steps in prop::collection::vec((0u8..24, any::<u8>()), 1..14),
        tail in 0u8..6,
        seed in any::<u32>(),
    ) {
        let mut b = Builder::new(4, seed);
        for (step, detail) in steps {
            b.random_step(step, detail);
        }
        let elsewhere = if tail < 2 { [3, 4, 11, 8] } else { [3, 4, 8, 6] };
        b.random_tail(tail);
        check_passes(&b, &[Shape::from(elsewhere)]);
    }
}

#[test]
fn iresnet_block_becomes_two_convolutions() {
    let mut b = Builder::new(4, 1);
    let x = b.x;
    b.batch_norm();
    b.conv(4, 3, 1, 1, 1);
    b.batch_norm();
    b.prelu(0);
    b.conv(4, 3, 1, 1, 1);
    b.batch_norm();
    b.add(x);
    let graph = optimised(&b.finish());
    assert_eq!(graph.nodes.len(), 2, "{:?}", kinds(&graph));
    let (first, second) = (conv_of(&graph, 0), conv_of(&graph, 1));
    assert!(first.pre_affine && first.bias && first.epilogue.slope && !first.epilogue.residual);
    assert!(!second.pre_affine && second.bias && !second.epilogue.slope && second.epilogue.residual);
}

#[test]
fn mobilefacenet_bottleneck_becomes_three_convolutions() {
    let mut b = Builder::new(4, 2);
    let x = b.x;
    for (outputs, kernel, groups) in [(8, 1, 1), (8, 3, 8), (4, 1, 1)] {
        b.conv(outputs, kernel, kernel / 2, 1, groups);
        b.batch_norm();
        if outputs == 8 {
            b.prelu(1);
        }
    }
    b.add(x);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv"; 3]);
    assert!(conv_of(&graph, 0).epilogue.slope && conv_of(&graph, 1).epilogue.slope && conv_of(&graph, 2).epilogue.residual);
}

#[test]
fn bounds_after_a_shortcut_come_after_the_residual() {
    let mut b = Builder::new(4, 3);
    let x = b.x;
    b.conv(4, 3, 1, 1, 1);
    b.add(x);
    b.unary(Unary::Relu);
    let graph = optimised(&b.finish());
    assert_eq!(graph.nodes.len(), 1);
    let epilogue = &conv_of(&graph, 0).epilogue;
    assert_eq!((epilogue.residual, epilogue.lo, epilogue.post_lo, epilogue.post_hi), (true, None, Some(0.0), None));
}

#[test]
fn a_shift_before_zero_padding_stays_out_of_the_bias() {
    let mut b = Builder::new(4, 4);
    b.batch_norm();
    b.conv(4, 3, 1, 1, 1);
    let b = b.finish();
    let graph = optimised(&b);
    assert_eq!(graph.nodes.len(), 1);
    assert!(conv_of(&graph, 0).pre_affine);

    // What naive folding would make of it: the same weights without the affine on load, its shift summed into the bias.
    let places = conv_of(&graph, 0).operands();
    let node = graph.nodes[0].clone();
    let read = |place: usize| graph.constant(node.inputs[place]).unwrap().to_f64();
    let (weight, bias) = (read(1), places.bias.map_or_else(|| vec![0.0; 4], read));
    let (scale, shift) = (read(places.pre_scale.unwrap()), read(places.pre_shift.unwrap()));
    let channel = |j: usize| j / 9 % 4;
    let folded: Vec<f32> = weight.iter().enumerate().map(|(j, w)| (w * scale[channel(j)]) as f32).collect();
    let naive_bias: Vec<f32> =
        (0..4).map(|o| (bias[o] + (o * 36..(o + 1) * 36).map(|j| weight[j] * shift[channel(j)]).sum::<f64>()) as f32).collect();
    let mut naive = graph.clone();
    let w = naive.add_constant("naive.weight", Tensor::from_f32([4, 4, 3, 3], folded).unwrap());
    let bias = naive.add_constant("naive.bias", Tensor::vector(naive_bias));
    naive.nodes[0].inputs = vec![node.inputs[0], w, bias];
    if let Op::Conv(conv) = &mut naive.nodes[0].op {
        (conv.pre_affine, conv.bias) = (false, true);
    }

    let (right, wrong) = (&evaluate(&b.graph, &b.input_shapes())[0].1, &evaluate(&naive, &b.input_shapes())[0].1);
    let (height, width) = (right.shape[2], right.shape[3]);
    let (mut inside, mut border) = (0.0f64, 0.0f64);
    for (i, (x, y)) in right.data.iter().zip(&wrong.data).enumerate() {
        let (row, column) = (i / width % height, i % width);
        let at_border = row == 0 || column == 0 || row + 1 == height || column + 1 == width;
        let worst = if at_border { &mut border } else { &mut inside };
        *worst = worst.max((x - y).abs());
    }
    assert!(inside < 1e-6 && border > 1e-2, "naive folding errs by {inside:e} inside and {border:e} at the border");
}

#[test]
fn an_affine_without_padding_after_it_goes_into_the_filters() {
    let mut b = Builder::new(4, 5);
    b.batch_norm();
    b.conv(6, 3, 0, 2, 2);
    b.batch_norm();
    b.flatten();
    b.linear(5);
    b.batch_norm();
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv", "Flatten", "Linear"]);
    assert!(!conv_of(&graph, 0).pre_affine);
}

#[test]
fn an_affine_before_a_flattened_linear_layer_goes_into_its_filters() {
    let mut b = Builder::new(4, 6);
    b.unary(Unary::Sigmoid);
    b.batch_norm();
    b.flatten();
    b.linear(5);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Sigmoid", "Flatten", "Linear"]);
}

#[test]
fn an_affine_read_twice_is_folded_only_if_all_readers_take_it() {
    for (padding, expected) in [(0, vec!["Conv", "Conv"]), (1, vec!["Affine", "Conv", "Conv"])] {
        let mut b = Builder::new(4, 7);
        b.batch_norm();
        let shared = b.x;
        b.conv(4, 3, 0, 1, 1);
        b.tap();
        b.x = shared;
        b.conv(4, 3, padding, 1, 4);
        let graph = optimised(&b.finish());
        assert_eq!(kinds(&graph), expected);
    }
}

#[test]
fn shared_weights_stay_as_they_were() {
    let mut b = Builder::new(4, 8);
    let x = b.x;
    b.conv(4, 3, 1, 1, 1);
    b.unary(Unary::Tanh);
    b.tap();
    let weight = b.graph.nodes[0].inputs[1];
    b.x = x;
    b.conv(4, 3, 1, 1, 1);
    b.graph.nodes.last_mut().unwrap().inputs[1] = weight;
    b.batch_norm();
    let b = b.finish();
    let graph = optimised(&b);
    let weights: Vec<&Arc<Tensor>> =
        graph.nodes.iter().filter(|n| n.op.kind() == "Conv").map(|n| graph.constant(n.inputs[1]).unwrap()).collect();
    let original = b.graph.constant(weight).unwrap();
    assert_eq!(weights.len(), 2);
    assert!(Arc::ptr_eq(weights[0], original) && !Arc::ptr_eq(weights[1], original));
}

#[test]
fn graph_outputs_inside_a_chain_are_kept() {
    let mut b = Builder::new(4, 9);
    b.conv(4, 3, 1, 1, 1);
    b.tap();
    b.batch_norm();
    b.tap();
    b.unary(Unary::Relu);
    b.identity();
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv", "Affine", "Relu"]);
}

#[test]
fn a_layer_moves_down_when_its_shortcut_is_made_later() {
    let mut b = Builder::new(4, 10);
    let x = b.x;
    b.conv(4, 1, 0, 1, 1);
    let early = b.x;
    b.x = x;
    b.conv(4, 3, 1, 1, 4);
    b.unary(Unary::Tanh);
    b.add(early);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv", "Tanh", "Conv"]);
    assert!(conv_of(&graph, 2).epilogue.residual);
}

#[test]
fn a_broadcast_addition_is_no_residual() {
    let mut b = Builder::new(4, 11);
    let x = b.x;
    b.global_pool();
    b.conv(4, 1, 0, 1, 1);
    let pooled = b.x;
    b.x = x;
    b.conv(4, 3, 1, 1, 1);
    b.add(pooled);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["GlobalAveragePool", "Conv", "Conv", "Add"]);
}

#[test]
fn a_scalar_on_an_axis_of_free_size_stays_binary() {
    let mut b = Builder::new(4, 12);
    b.transpose(&[0, 2, 3, 1]);
    b.constant_operand(Binary::Mul, &[], false);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Transpose", "Mul"]);
}

#[test]
fn input_normalisation_becomes_one_affine_on_load() {
    let mut b = Builder::new(4, 13);
    b.constant_operand(Binary::Sub, &[4, 1, 1], false);
    b.constant_operand(Binary::Mul, &[], true);
    b.conv(4, 3, 1, 2, 1);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv"]);
    assert!(conv_of(&graph, 0).pre_affine);
}

#[test]
fn new_constants_have_readable_unique_names() {
    let mut b = Builder::new(4, 14);
    for _ in 0..2 {
        b.conv(4, 3, 1, 1, 1);
        b.batch_norm();
        b.unary(Unary::LeakyRelu { alpha: 0.1 });
    }
    let b = b.finish();
    let graph = optimised(&b);
    let names: Vec<&str> = graph.values.iter().map(|v| v.name.as_str()).collect();
    let unique: std::collections::HashSet<&&str> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    let (conv, bn) = (&b.graph.nodes[0], &b.graph.nodes[1].name);
    assert_eq!(graph.name(graph.nodes[0].inputs[1]), format!("{}+{bn}", b.graph.name(conv.inputs[1])));
}

#[test]
fn an_affine_that_is_also_the_shortcut_stays() {
    let mut b = Builder::new(4, 15);
    b.batch_norm();
    let normalised = b.x;
    b.conv(4, 1, 0, 1, 1);
    b.add(normalised);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Affine", "Conv"]);
    assert!(conv_of(&graph, 1).epilogue.residual);
}

#[test]
fn an_affine_before_an_affine_on_load_joins_it() {
    let mut b = Builder::new(4, 16);
    b.batch_norm();
    b.batch_norm();
    b.conv(4, 3, 1, 1, 1);
    let b = b.finish();
    let mut graph = b.graph.clone();
    let shapes = b.input_shapes();
    // Recognised and folded with the first normalisation out of reach, then with it back in place.
    let [first, second] = [graph.nodes[0].outputs[0], graph.nodes[1].outputs[0]];
    graph.outputs.extend([first, second]);
    passes::optimise(&mut graph, &shapes).unwrap();
    assert_eq!(kinds(&graph), ["Affine", "Affine", "Conv"]);
    graph.outputs.retain(|&id| id != second);
    for expected in [2, 1] {
        let all = infer_shapes(&graph, &shapes).unwrap();
        affine_folding::run(&mut graph, &all).unwrap();
        assert_eq!(graph.nodes.len(), expected);
        graph.outputs.retain(|&id| id != first);
    }
    assert_same("affine_folding", &b.graph, &graph, &shapes);
}

#[test]
fn bounds_without_zero_stay_nodes() {
    let mut b = Builder::new(4, 17);
    b.conv(4, 3, 1, 1, 1);
    b.unary(Unary::Clip { lo: Some(0.1), hi: Some(0.9) });
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv", "Clip"]);
}

#[test]
fn a_transposition_others_read_through_a_copy_stays() {
    let mut b = Builder::new(4, 18);
    b.transpose(&[0, 2, 3, 1]);
    b.identity();
    let copy = b.x;
    b.transpose(&[0, 3, 1, 2]);
    b.unary(Unary::Tanh);
    b.tap();
    b.x = copy;
    b.unary(Unary::Relu);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Transpose", "Transpose", "Tanh", "Relu"]);
}

#[test]
fn a_transposition_that_is_an_output_through_a_copy_stays() {
    let mut b = Builder::new(4, 20);
    b.transpose(&[0, 2, 3, 1]);
    let original = b.x;
    b.identity();
    b.tap();
    b.x = original;
    b.transpose(&[0, 3, 1, 2]);
    b.unary(Unary::Relu);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Transpose", "Transpose", "Relu"]);
}

#[test]
fn a_copy_that_is_an_output_keeps_its_name() {
    let mut b = Builder::new(4, 19);
    b.conv(4, 3, 1, 1, 1);
    let original = b.x;
    b.identity();
    let copy = b.x;
    b.unary(Unary::Tanh);
    b.tap();
    b.x = original;
    b.identity();
    b.tap();
    b.x = copy;
    b.unary(Unary::Relu);
    let graph = optimised(&b.finish());
    assert_eq!(kinds(&graph), ["Conv", "Tanh", "Relu"]);
}
