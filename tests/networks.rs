//! Whole networks against the f64 reference: random graphs, any batch, any intermediate value, tensors beyond one binding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
mod networks {
    pub(crate) mod random_graph;
}

use common::{Random, add_conv, add_linear, compare, gpu, graph_of, model_of, open_device, pick, relative_error, small_model};
use lookalike::error::Error;
use lookalike::gpu::Gpu;
use lookalike::graph::{Binary, Dim, Epilogue, LocallyConnected, Op, Unary, ValueId, Window};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::reference::{Array, run_graph};
use lookalike::tensor::Tensor;
use lookalike::wgpu;
use networks::random_graph::random_graph;

/// The largest error of any output, relative to the largest number of that output.
fn worst(gpu: &Gpu, model: &Model, input: &Tensor, outputs: &[String]) -> (f64, String) {
    let options = CompileOptions { batch: input.shape()[0], outputs: outputs.to_vec(), ..CompileOptions::default() };
    let network = Network::compile(gpu, model, &options).unwrap();
    let results = network.run(&[("input", input)]).unwrap();
    let names: Vec<String> = results.iter().map(|(n, _)| n.clone()).collect();
    let ids: Vec<ValueId> = names.iter().map(|n| model.graph.find(n).unwrap()).collect();
    let wanted = run_graph(&model.graph, &[Array::from(input)], &ids).unwrap();
    assert_eq!(results.len(), if outputs.is_empty() { model.graph.outputs.len() } else { outputs.len() });
    let mut worst = (0.0, String::new());
    for ((name, got), want) in results.iter().zip(&wanted) {
        assert_eq!(got.shape(), &want.shape, "{name}");
        let error = relative_error(&got.to_f32(), &want.data);
        if error >= worst.0 {
            worst = (error, name.clone());
        }
    }
    worst
}

/// The values that nodes produce.
fn node_outputs(model: &Model) -> Vec<String> {
    model.graph.nodes.iter().flat_map(|n| &n.outputs).map(|&id| model.graph.name(id).to_owned()).collect()
}

#[test]
fn random_graphs_equal_the_reference() {
    for seed in 0..60 {
        let (model, input) = random_graph(seed);
        let (error, name) = worst(&gpu(), &model, &input, &[]);
        let layers: Vec<_> = model.graph.nodes.iter().map(|n| n.name.as_str()).collect();
        assert!(error <= 1e-4, "seed {seed}: {error:e} at {name} of {layers:?}");
    }
}

#[test]
fn every_intermediate_value_of_random_graphs_equals_the_reference() {
    for seed in 1000..1030 {
        let (model, input) = random_graph(seed);
        let names = node_outputs(&model);
        let (error, name) = worst(&gpu(), &model, &input, &names);
        assert!(error <= 1e-4, "seed {seed}: {error:e} at {name} of {names:?}");
    }
}

#[test]
fn any_value_can_be_asked_for_by_name() {
    let (model, gpu) = (small_model(), gpu());
    let input = Random(9).tensor(&[2, 3, 16, 16]);
    for name in node_outputs(&model) {
        let (error, _) = worst(&gpu, &model, &input, std::slice::from_ref(&name));
        assert!(error <= 1e-5, "{name}: {error:e}");
    }
    // The input itself, twice the same value, and a wrong name.
    let names = ["input", "relu1", "relu1"].map(str::to_owned).to_vec();
    let (error, name) = worst(&gpu, &model, &input, &names);
    assert!(error <= 1e-5, "{name}: {error:e}");
    let options = CompileOptions { outputs: vec!["relu9".to_owned()], ..CompileOptions::default() };
    let e = Network::compile(&gpu, &model, &options).unwrap_err();
    assert!(matches!(&e, Error::Caller(text) if text.contains("`relu9`") && text.contains("fc")), "{e}");
}

#[test]
fn a_picture_has_the_same_result_alone_and_in_a_batch() {
    let network = Network::compile(&gpu(), &small_model(), &CompileOptions { batch: 8, ..CompileOptions::default() }).unwrap();
    let input = Random(11).tensor(&[8, 3, 16, 16]);
    let all = network.run(&[("input", &input)]).unwrap();
    for i in 0..8 {
        let alone = network.run(&[("input", &pick(&input, [i]))]).unwrap();
        let (cosine, error) = compare(&alone[0].1.to_f32(), &pick(&all[0].1, [i]).to_f32());
        assert!(cosine > 0.999_999 && error < 1e-5, "picture {i}: {cosine} {error:e}");
    }
}

#[test]
fn half_weights_stay_close() {
    let model = small_model();
    let input = Random(12).tensor(&[2, 3, 16, 16]);
    let run = |precision| {
        let network = Network::compile(&gpu(), &model, &CompileOptions { precision, ..CompileOptions::default() }).unwrap();
        network.run(&[("input", &input)]).unwrap().remove(0).1
    };
    let (cosine, error) = compare(&run(Precision::F16).to_f32(), &run(Precision::F32).to_f32());
    assert!(cosine > 0.9999 && error < 1e-2, "{cosine} {error:e}");
    assert!(error > 0.0, "the weights are not halves");
}

fn refused(network: &Network, inputs: &[(&str, &Tensor)]) -> String {
    match network.run(inputs) {
        Err(Error::Caller(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_inputs_are_named() {
    let network = Network::compile(&gpu(), &small_model(), &CompileOptions::default()).unwrap();
    let fits = Tensor::zeros([1, 3, 16, 16]);
    let text = refused(&network, &[("bogus", &fits)]);
    assert!(text.contains("`bogus`") && text.contains("input"), "{text}");
    let text = refused(&network, &[]);
    assert!(text.contains("`input` is missing"), "{text}");
    for dims in [vec![1, 3, 16, 17], vec![1, 4, 16, 16], vec![3, 16, 16], vec![0, 3, 16, 16], vec![]] {
        let wrong = Tensor::zeros(dims);
        let text = refused(&network, &[("input", &wrong)]);
        assert!(text.contains("`input`") && text.contains(&wrong.shape().to_string()) && text.contains("3x16x16"), "{text}");
    }
    assert_eq!(network.run(&[("input", &fits)]).unwrap()[0].1.shape().dims(), [1, 10]);
    let e = Network::compile(&gpu(), &small_model(), &CompileOptions { batch: 0, ..CompileOptions::default() }).unwrap_err();
    assert!(matches!(e, Error::Caller(_)), "{e:?}");
}

#[test]
fn two_inputs_are_matched_by_name_and_not_by_order() {
    let (mut g, a) = graph_of(&[4]);
    let b = g.add_input("other", vec![Dim::Free("batch".to_owned()), Dim::Fixed(4)]);
    g.add_node("difference", Op::Binary(Binary::Sub), &[a, b]);
    let network = Network::compile(&gpu(), &model_of(g), &CompileOptions::default()).unwrap();
    let (x, y) = (Tensor::from_f32([1, 4], vec![5.0; 4]).unwrap(), Tensor::from_f32([1, 4], vec![2.0; 4]).unwrap());
    for inputs in [[("input", &x), ("other", &y)], [("other", &y), ("input", &x)]] {
        assert_eq!(network.run(&inputs).unwrap()[0].1.to_f32().as_ref(), [3.0; 4]);
    }
    assert!(refused(&network, &[("input", &x)]).contains("`other` is missing"));
}

/// DeepFace's L6: 16 filters of 5x5x16 at each of 21x21 places.
#[test]
fn a_locally_connected_layer_of_deepface_equals_the_reference() {
    let mut r = Random(13);
    let (mut g, x) = graph_of(&[16, 25, 25]);
    let w = g.add_constant("weight", r.scaled(&[21, 21, 16, 16, 5, 5], 0.1));
    let b = g.add_constant("bias", r.scaled(&[21, 21, 16], 0.3));
    let local = LocallyConnected { window: Window::square(5, 1, 0), tile: [1, 1], bias: true, epilogue: Epilogue::default() };
    let y = g.add_node("L6", Op::LocallyConnected(local), &[x, w, b]);
    g.add_node("relu", Op::Unary(Unary::Relu), &[y]);
    let model = model_of(g);
    for batch in [1, 2, 9] {
        let (error, _) = worst(&gpu(), &model, &r.tensor(&[batch, 16, 25, 25]), &[]);
        assert!(error <= 1e-5, "batch {batch}: {error:e}");
    }
}

/// A device whose bindings hold 256 KiB stands in for large batches on a real one.
fn narrow_gpu() -> Gpu {
    let (info, device, queue) = open_device(|limits| wgpu::Limits { max_storage_buffer_binding_size: 256 << 10, ..limits });
    let gpu = Gpu::from_wgpu(info, device, queue).unwrap();
    assert_eq!(gpu.caps().max_binding, 256 << 10);
    gpu
}

#[test]
fn a_batch_beyond_one_binding_is_run_in_parts() {
    let mut r = Random(14);
    let (mut g, x) = graph_of(&[4, 32, 32]);
    let y = add_conv(&mut g, &mut r, "conv", x, [8, 4, 1], 1);
    g.add_node("relu", Op::Unary(Unary::Relu), &[y]);
    let model = model_of(g);
    // 32 KiB of results a picture: 8 fit a binding, 19 do not.
    let input = r.tensor(&[19, 4, 32, 32]);
    let parts = Network::compile(&narrow_gpu(), &model, &CompileOptions::default()).unwrap().run(&[("input", &input)]).unwrap();
    let whole = Network::compile(&gpu(), &model, &CompileOptions::default()).unwrap().run(&[("input", &input)]).unwrap();
    assert_eq!(parts[0].1.shape(), whole[0].1.shape());
    let (cosine, error) = compare(&parts[0].1.to_f32(), &whole[0].1.to_f32());
    assert!(cosine > 0.999_999 && error < 1e-6, "{cosine} {error:e}");
}

#[test]
fn one_picture_beyond_one_binding_is_refused_with_the_layer() {
    let (mut g, x) = graph_of(&[4, 200, 200]);
    add_conv(&mut g, &mut Random(15), "wide", x, [8, 4, 1], 1);
    let e = Network::compile(&narrow_gpu(), &model_of(g), &CompileOptions::default()).unwrap_err();
    assert!(matches!(&e, Error::Limits(text) if text.contains("binding")), "{e:?}");
}

/// Checks some outputs of a `[outputs, inputs]` linear layer against dot products in f64.
fn check_linear(gpu: &Gpu, outputs: usize, inputs: usize, batches: &[usize]) {
    let mut r = Random(16);
    let (mut g, x) = graph_of(&[inputs]);
    add_linear(&mut g, &mut r, "fc", x, outputs, inputs);
    let model = model_of(g);
    let constant = |name: &str| model.graph.constant(model.graph.find(name).unwrap()).unwrap().clone();
    let (weight, bias) = (constant("fc.weight"), constant("fc.bias"));
    let (weight, bias) = (weight.to_f32(), bias.to_f32());
    let network = Network::compile(gpu, &model, &CompileOptions::default()).unwrap();
    for &batch in batches {
        let input = r.tensor(&[batch, inputs]);
        let result = network.run(&[("input", &input)]).unwrap().remove(0).1;
        assert_eq!(result.shape().dims(), [batch, outputs]);
        let (x, y) = (input.to_f32(), result.to_f32());
        for n in 0..batch {
            // Every 97th, the ends, and both sides of the middle, where weights may be cut.
            for o in (0..outputs).step_by(97).chain([outputs / 2 - 1, outputs / 2, outputs - 1]) {
                let row = weight[o * inputs..(o + 1) * inputs].iter().zip(&x[n * inputs..(n + 1) * inputs]);
                let want = f64::from(bias[o]) + row.map(|(&w, &x)| f64::from(w) * f64::from(x)).sum::<f64>();
                let got = f64::from(y[n * outputs + o]);
                assert!((got - want).abs() <= 1e-4, "batch {batch}, picture {n}, output {o}: {got}, expected {want}");
            }
        }
    }
}

#[test]
fn weights_beyond_one_binding_are_cut() {
    // 1 MiB of weights on a device that binds 256 KiB.
    check_linear(&narrow_gpu(), 1000, 256, &[1, 3]);
}

#[test]
fn weights_beyond_128_mib_are_computed() {
    check_linear(&gpu(), 5000, 8192, &[1, 3]);
}
