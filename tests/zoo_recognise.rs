//! Networks of the registry are known again in files that name, fold and spell their layers otherwise, and nothing else is taken for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::{Random, gpu, graph_of, test_data};
use lookalike::error::{Error, Result};
use lookalike::graph::passes::optimise;
use lookalike::graph::{Binary, Conv, Dim, Epilogue, Graph, Linear, Op, PadMode, Unary, Window};
use lookalike::import::Limits;
use lookalike::model::{Channels, Description, Model};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{Shape, Tensor};
use lookalike::zoo::{self, Entry, Parameters, Seeded, Shapes};

/// Networks above this are left out: folding and hashing their weights takes seconds in a build without optimisation.
const LARGEST: u64 = 8_000_000;

fn entry(name: &str) -> &'static Entry {
    zoo::find(name).unwrap()
}

fn model(name: &str) -> Model {
    entry(name).model(&mut Shapes).unwrap()
}

fn nameless(graph: &Graph) -> Model {
    Model::new(graph, Description { name: "file".to_owned(), ..Description::default() }).unwrap_or_else(|e| panic!("{e}"))
}

/// What an exporter might leave of a network: folded, fused, renamed.
fn exported(entry: &Entry, parameters: &mut dyn Parameters) -> Model {
    let mut graph = entry.graph(parameters).unwrap();
    let [height, width] = entry.input.size;
    let shapes = vec![Shape::from([1, entry.input.depth(), height, width]); graph.inputs.len()];
    optimise(&mut graph, &shapes).unwrap();
    for (i, value) in graph.values.iter_mut().enumerate() {
        value.name = format!("v{i}");
    }
    for (i, node) in graph.nodes.iter_mut().enumerate() {
        node.name = format!("n{i}");
    }
    let description = graph.outputs.first().map(|&o| graph.name(o).to_owned());
    let embedding = lookalike::model::EmbeddingDescription { output: description, ..Default::default() };
    let description = Description { name: "file".to_owned(), embedding: Some(embedding), ..Description::default() };
    Model::new(&graph, description).unwrap_or_else(|e| panic!("{}: {e}", entry.name))
}

fn refused(name: &str, model: Model) -> String {
    match zoo::recognise(entry(name), model) {
        Err(Error::Model(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn folded_and_renamed_networks_are_known_again() {
    let small = zoo::networks().filter(|e| e.counts.parameters <= LARGEST);
    for entry in small {
        let file = exported(entry, &mut Seeded(1));
        let names: Vec<_> = file.graph.outputs.iter().map(|&o| file.graph.name(o).to_owned()).collect();
        let known = zoo::recognise(entry, file).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        assert_eq!(known.description.name, entry.name);
        assert_eq!(known.description.licence, None);
        assert_eq!(known.description.input.mean, entry.input.mean, "{}", entry.name);
        let output = known.description.embedding.and_then(|e| e.output);
        assert_eq!(output.is_some(), entry.embedding().is_some(), "{}", entry.name);
        assert!(output.is_none_or(|o| names.contains(&o)), "{}", entry.name);
    }
}

#[test]
fn residual_networks_are_known_again() {
    for name in ["iresnet-18", "iresnet-se-18"] {
        zoo::recognise(entry(name), exported(entry(name), &mut Shapes)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn the_first_layer_that_differs_is_named() {
    let cases = [
        ("mtcnn-onet", "mtcnn-rnet", ["`conv1` (Conv 32x3x3x3", "`conv1` (Conv 28x3x3x3"]),
        ("mtcnn-rnet", "mtcnn-onet", ["`conv1` (Conv 28x3x3x3", "`conv1` (Conv 32x3x3x3"]),
        ("yunet-s", "yunet-n", ["`model1.conv2.pw` (Conv 32x16x1x1", "`model1.conv2.pw` (Conv 64x16x1x1"]),
        ("yunet-n", "yunet-s", ["`model1.conv2.pw` (Conv 64x16x1x1", "`model1.conv2.pw` (Conv 32x16x1x1"]),
        ("iresnet-se-18", "iresnet-18", ["`layer1.0.bn3.avg` (GlobalAveragePool)", "`layer1.0.bn3.add` (Add)"]),
    ];
    for (network, file, parts) in cases {
        let text = refused(network, model(file));
        for part in parts {
            assert!(text.contains(part), "{file} as {network}: {text}");
        }
        assert!(text.starts_with(&format!("The file is not `{network}`: ")), "{text}");
    }
}

#[test]
fn inputs_and_outputs_have_to_be_the_same() {
    let text = refused("mtcnn-lnet", model("mtcnn-rnet"));
    assert!(text.contains("`left_eye`") && text.contains("`input`"), "{text}");

    let text = refused("yunet-n", nameless(&graph_of_one_gray_conv()));
    assert!(text.contains("batchx3xheightxwidth") && text.contains("batchx1x32x32"), "{text}");

    let mut small = entry("inception-resnet-v1").graph(&mut Shapes).unwrap();
    small.inputs[0].dims[2..].fill(Dim::Fixed(128));
    let text = refused("inception-resnet-v1", nameless(&small));
    assert!(text.contains("batchx3x160x160") && text.contains("batchx3x128x128"), "{text}");

    // Logits instead of probabilities.
    let mut logits = entry("mtcnn-rnet").graph(&mut Shapes).unwrap();
    logits.outputs[1] = logits.find("dense5_1").unwrap();
    let text = refused("mtcnn-rnet", nameless(&logits));
    assert!(text.contains("`prob` after Softmax") && text.contains("`dense5_1` as it is"), "{text}");

    let mut fewer = entry("mtcnn-onet").graph(&mut Shapes).unwrap();
    fewer.outputs.remove(1);
    let text = refused("mtcnn-onet", nameless(&fewer));
    assert!(text.contains("goes on with `dense6_3` (Linear 10x256)"), "{text}");
}

#[test]
fn branches_that_are_built_alike_are_counted() {
    let mut shared = entry("yunet-s").graph(&mut Shapes).unwrap();
    let [probabilities, presence] = ["cls0.dw", "obj0.dw"].map(|n| shared.find(n).unwrap());
    let reader = shared.nodes.iter_mut().find(|n| n.inputs.contains(&presence)).unwrap();
    reader.inputs[0] = probabilities;
    let text = refused("yunet-s", nameless(&shared));
    assert!(text.contains("2 layers like `cls0.pw` (Conv 1x64x1x1") && text.contains("the file has 1"), "{text}");
}

fn graph_of_one_gray_conv() -> Graph {
    let (mut graph, x) = graph_of(&[1, 32, 32]);
    let w = graph.add_constant("w", Tensor::zeros([8, 1, 3, 3]));
    let conv = Conv { window: Window::square(3, 1, 1), groups: 1, bias: false, pre_affine: false, epilogue: Epilogue::default() };
    let y = graph.add_node("conv", Op::Conv(conv), &[x, w]);
    graph.outputs.push(y);
    graph
}

/// The refinement network as a converter from another framework would write it.
fn spelled_otherwise(inner_scale: Option<f32>) -> Model {
    let (mut g, x) = graph_of(&[3, 24, 24]);
    let mut x = x;
    if let Some(scale) = inner_scale {
        let mean = g.add_constant("mean", Tensor::vector(vec![127.5]));
        let factor = g.add_constant("factor", Tensor::vector(vec![scale]));
        x = g.add_node("minus", Op::Binary(Binary::Sub), &[x, mean]);
        x = g.add_node("times", Op::Binary(Binary::Mul), &[x, factor]);
    }
    let window = |k: usize| Window::square(k, 1, 0);
    for (i, (outputs, inputs, kernel)) in [(28, 3, 3), (48, 28, 3), (64, 48, 2)].into_iter().enumerate() {
        let w = g.add_constant(format!("w{i}"), Tensor::zeros([outputs, inputs, kernel, kernel]));
        let conv = Conv { window: window(kernel), groups: 1, bias: false, pre_affine: false, epilogue: Epilogue::default() };
        let y = g.add_node(format!("c{i}"), Op::Conv(conv), &[x, w]);
        // PReLU from two ReLUs.
        let slope = g.add_constant(format!("slope{i}"), Tensor::zeros([outputs, 1, 1]));
        let negative = g.add_node(format!("negative{i}"), Op::Unary(Unary::Neg), &[y]);
        let negative = g.add_node(format!("below{i}"), Op::Unary(Unary::Relu), &[negative]);
        let negative = g.add_node(format!("scaled{i}"), Op::Binary(Binary::Mul), &[slope, negative]);
        let positive = g.add_node(format!("above{i}"), Op::Unary(Unary::Relu), &[y]);
        x = g.add_node(format!("prelu{i}"), Op::Binary(Binary::Sub), &[positive, negative]);
        if i < 2 {
            // The odd cell that rounding up adds, as padding of a window that rounds down.
            let pad = if i == 0 { [0, 0, 1, 1] } else { [0; 4] };
            let window = Window { pads: pad, stride: [2, 2], ..Window::square(3, 2, 0) };
            let ceil = i > 0;
            let pool = lookalike::graph::Pool { kind: lookalike::graph::PoolKind::Max, window, ceil, count_include_pad: false };
            x = g.add_node(format!("pool{i}"), Op::Pool(pool), &[x]);
        }
    }
    // A dense layer as a convolution over the whole map, and one as a matrix product.
    let w = g.add_constant("w3", Tensor::zeros([128, 64, 3, 3]));
    let conv = Conv { window: window(3), groups: 1, bias: false, pre_affine: false, epilogue: Epilogue::default() };
    let x = g.add_node("c3", Op::Conv(conv), &[x, w]);
    let flat = g.add_node("flat", Op::Flatten { axis: 1 }, &[x]);
    let w = g.add_constant("w4", Tensor::zeros([128, 4]));
    let reg = g.add_node("boxes", Op::MatMul, &[flat, w]);
    let w = g.add_constant("w5", Tensor::zeros([2, 128]));
    let linear = Linear { bias: false, flatten_order: Vec::new(), epilogue: Epilogue::default() };
    let prob = g.add_node("faces", Op::Linear(linear), &[flat, w]);
    let prob = g.add_node("softmax", Op::Softmax { axis: -1, flatten: false }, &[prob]);
    g.outputs = vec![prob, reg];
    nameless(&g)
}

#[test]
fn other_spellings_of_the_same_layers_are_the_same() {
    let known = zoo::recognise(entry("mtcnn-rnet"), spelled_otherwise(None)).unwrap();
    assert_eq!(known.description.input.mean, [127.5; 3]);
}

#[test]
fn a_file_that_scales_its_pixels_is_fed_plain_ones() {
    let known = zoo::recognise(entry("mtcnn-rnet"), spelled_otherwise(Some(1.0 / 127.5))).unwrap();
    assert_eq!((known.description.input.mean, known.description.input.scale), ([0.0; 3], [1.0; 3]));
    assert_eq!(known.description.input.channels, Channels::Rgb);
    let text = refused("mtcnn-rnet", spelled_otherwise(Some(1.0)));
    assert!(text.contains("(x - 127.5) * 1 of its pixels"), "{text}");
}

#[test]
fn what_a_file_says_of_its_pixels_stands() {
    let entry = entry("mobilefacenet");
    let mut file = exported(entry, &mut Seeded(2));
    let mut description = file.description.clone();
    description.input.mean = [1.0, 2.0, 3.0];
    file.describe(description.clone()).unwrap();
    assert_eq!(zoo::recognise(entry, file).unwrap().description.input, description.input);
    // Nothing said: what the registry says.
    let known = zoo::recognise(entry, exported(entry, &mut Seeded(2))).unwrap();
    assert_eq!(known.description.input.mean, entry.input.mean);
}

#[test]
fn padding_of_its_own_is_the_padding_of_the_convolution() {
    let mut g = entry("yunet-s").graph(&mut Shapes).unwrap();
    let pads = g.add_constant("pads", Tensor::indices(vec![0, 0, 1, 1, 0, 0, 1, 1]));
    let padded = g.add_value("padded");
    let input = g.inputs[0].value;
    let first = g.nodes.iter_mut().find(|n| matches!(n.op, Op::Conv(_))).unwrap();
    first.inputs[0] = padded;
    if let Op::Conv(conv) = &mut first.op {
        conv.window.pads = [0; 4];
    }
    let pad = lookalike::graph::Node {
        name: "pad".to_owned(),
        op: Op::Pad { mode: PadMode::Constant },
        inputs: vec![input, pads],
        outputs: vec![padded],
    };
    g.nodes.insert(0, pad);
    zoo::recognise(entry("yunet-s"), nameless(&g)).unwrap_or_else(|e| panic!("{e}"));
}

/// The outputs of a model, as bits, for pixels that are not round.
fn outputs(model: &Model, shape: &[usize]) -> Vec<(String, Vec<u32>)> {
    let name = model.graph.name(model.graph.inputs[0].value).to_owned();
    let options = CompileOptions { shapes: vec![(name.clone(), Shape::from(shape))], ..CompileOptions::default() };
    let network = Network::compile(&gpu(), model, &options).unwrap();
    let input = Random(5).tensor(shape);
    let outputs = network.run(&[(&name, &input)]).unwrap();
    outputs.into_iter().map(|(n, t)| (n, t.to_f32().iter().map(|v| v.to_bits()).collect())).collect()
}

fn load(data: &Path, file: &str) -> Model {
    Model::load(&data.join(format!("data/models/{file}.onnx")), &Limits::default()).unwrap()
}

fn accepted(file: &str, network: &str, shape: &[usize]) -> Option<Model> {
    let data = test_data()?;
    let entry = zoo::find(network).ok().or_else(|| {
        println!("skipped: there is no `{network}`");
        None
    })?;
    let known: Result<Model> = zoo::recognise(entry, load(&data, file));
    let known = known.unwrap_or_else(|e| panic!("{file} as {network}: {e}"));
    assert_eq!(known.description.name, entry.name);
    assert_eq!(known.description.licence, None);
    let (got, want) = (outputs(&known, shape), outputs(&load(&data, file), shape));
    assert!(!got.is_empty() && got == want, "{file}: the outputs changed");
    Some(known)
}

#[test]
fn published_detectors_are_known_again() {
    accepted("mtcnn_pnet", "mtcnn-pnet", &[1, 3, 37, 50]);
    accepted("mtcnn_rnet", "mtcnn-rnet", &[1, 3, 24, 24]);
    accepted("mtcnn_onet", "mtcnn-onet", &[1, 3, 48, 48]);
    accepted("yunet_n_320", "yunet-n", &[1, 3, 320, 320]);
    accepted("yunet_n_dynamic", "yunet-n", &[1, 3, 96, 64]);
}

#[test]
fn the_published_embedder_of_dlib_is_known_again() {
    let Some(known) = accepted("dlib_face_resnet_v1", "dlib-resnet-v1", &[1, 3, 150, 150]) else { return };
    let embedding = known.description.embedding.unwrap();
    assert_eq!(embedding.output.as_deref(), Some("output"));
}

#[test]
fn published_networks_are_not_taken_for_others() {
    let Some(data) = test_data() else { return };
    let cases = [
        ("mtcnn_rnet", "mtcnn-onet", "the file has `conv1` (Conv 28x3x3x3"),
        ("yunet_n_320", "yunet-s", "`model1.conv2.pw` (Conv 32x16x1x1"),
        ("yunet_n_dynamic", "yunet-s", "the file has `Conv_9` (Conv 64x16x1x1"),
        ("yunet_n_320", "scrfd-500m", "`stem.dwb.dw`"),
        ("dlib_face_resnet_v1", "iresnet-18", "`conv1` (Conv 64x3x3x3"),
        ("mobilefacenet_foamliu", "iresnet-18", "`conv1` (Conv 64x3x3x3"),
    ];
    for (file, network, part) in cases {
        let text = refused(network, load(&data, file));
        println!("{text}");
        assert!(text.contains(part), "{file} as {network}: {text}");
    }
}
