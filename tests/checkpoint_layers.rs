//! Files that store layers without names that mean anything: Caffe's and dlib's, against the numbers of other programs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};

use lookalike::error::Error;
use lookalike::graph::{Conv, ConvTranspose, Epilogue, Graph, Linear, Op, Pool, PoolKind, Unary, ValueId, Window};
use lookalike::import::Limits;
use lookalike::import::checkpoint::{Format, StateDict};
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints")
}

fn load(file: &str) -> StateDict {
    StateDict::load(&folder().join(file), &Limits::default()).unwrap()
}

fn names(dict: &StateDict) -> Vec<&str> {
    dict.iter().map(|(name, _)| name).collect()
}

fn numbers(dict: &StateDict, name: &str) -> Vec<f32> {
    dict.get(name).unwrap_or_else(|| panic!("{name}")).to_f32().into_owned()
}

/// A network whose constants come from a state dict.
struct Builder<'d> {
    graph: Graph,
    dict: &'d StateDict,
    x: ValueId,
}

impl<'d> Builder<'d> {
    fn new(dict: &'d StateDict) -> Self {
        let (graph, x) = common::graph_of(&[4, 6, 4]);
        Self { graph, dict, x }
    }

    /// A layer and its parameters, as far as the file has them.
    fn layer(&mut self, name: &str, op: Op, parts: &[&str]) {
        let mut operands = vec![self.x];
        for part in parts {
            let name = format!("{name}.{part}");
            let tensor = self.dict.get(&name).unwrap_or_else(|| panic!("{name}")).clone();
            operands.push(self.graph.add_constant(name, tensor));
        }
        self.x = self.graph.add_node(name, op, &operands);
    }

    fn conv(&mut self, name: &str, groups: usize, bias: bool) {
        let conv = Conv { window: Window::square(3, 1, 1), groups, bias, pre_affine: false, epilogue: Epilogue::default() };
        self.layer(name, Op::Conv(conv), if bias { &["weight", "bias"] } else { &["weight"] });
    }

    fn pool(&mut self) {
        let pool = Pool { kind: PoolKind::Max, window: Window::square(2, 2, 0), ceil: true, count_include_pad: false };
        self.layer("pool", Op::Pool(pool), &[]);
    }

    fn norm(&mut self, name: &str) {
        self.layer(name, Op::BatchNorm { epsilon: 1e-5 }, &["weight", "bias", "running_mean", "running_var"]);
    }

    fn fc(&mut self, name: &str, bias: bool) {
        let linear = Linear { bias, flatten_order: Vec::new(), epilogue: Epilogue::default() };
        self.layer(name, Op::Linear(linear), if bias { &["weight", "bias"] } else { &["weight"] });
    }

    fn run(self) -> Vec<f32> {
        let network = Network::compile(&common::gpu(), &common::model_of(self.graph), &CompileOptions::default()).unwrap();
        let input = common::read_npy(&folder().join("caffe/input.npy"));
        network.run(&[("input", &input)]).unwrap()[0].1.to_f32().into_owned()
    }
}

/// What OpenCV computes, and this crate from the same file.
fn agree(got: &[f32], file: &str) {
    let want = common::read_npy(&folder().join(file)).to_f64();
    let error = common::relative_error(got, &want);
    println!("{file}: {error:e}");
    assert!(error < 2e-6, "{file}: {error:e} of {got:?} and {want:?}");
}

#[test]
fn caffe_layers_compute_what_opencv_computes() {
    let dict = load("caffe/net.caffemodel");
    assert_eq!(dict.format, Format::Caffe);
    let mut net = Builder::new(&dict);
    net.conv("conv1", 2, true);
    net.norm("norm1");
    net.layer("slopes", Op::PRelu, &["weight"]);
    net.pool();
    let deconv = ConvTranspose { window: Window::square(2, 2, 0), groups: 1, bias: true, output_padding: [0; 2], output_shape: None };
    net.layer("deconv", Op::ConvTranspose(deconv), &["weight", "bias"]);
    net.conv("depthwise", 4, false);
    net.layer("scale2", Op::Affine, &["weight", "bias"]);
    net.norm("norm2");
    net.layer("relu", Op::Unary(Unary::Relu), &[]);
    net.fc("fc1", true);
    net.fc("fc2", false);
    agree(&net.run(), "caffe/net.npy");
}

#[test]
fn caffe_layers_of_old_compute_what_opencv_computes() {
    let dict = load("caffe/v1.caffemodel");
    let mut net = Builder::new(&dict);
    net.conv("conv1", 2, true);
    net.layer("relu", Op::Unary(Unary::Relu), &[]);
    net.pool();
    net.fc("fc1", true);
    net.fc("fc2", false);
    agree(&net.run(), "caffe/v1.npy");
}

#[test]
fn caffe_tensors_have_the_layouts_of_pytorch() {
    let dict = load("caffe/net.caffemodel");
    let shapes: Vec<_> = dict.iter().map(|(name, t)| format!("{name} {}", t.shape())).collect();
    let want = [
        "conv1.weight 8x2x3x3",
        "conv1.bias 8",
        "norm1.weight 8",
        "norm1.bias 8",
        "norm1.running_mean 8",
        "norm1.running_var 8",
        "slopes.weight 8",
        "deconv.weight 8x4x2x2",
        "deconv.bias 4",
        "depthwise.weight 4x1x3x3",
        "scale2.weight 4",
        "scale2.bias 4",
        "norm2.weight 4",
        "norm2.bias 4",
        "norm2.running_mean 4",
        "norm2.running_var 4",
        "fc1.weight 6x96",
        "fc1.bias 6",
        "fc2.weight 5x6",
    ];
    assert_eq!(shapes, want);
    // Old shapes of four numbers.
    let old = load("caffe/v1.caffemodel");
    for (name, tensor) in old.iter().filter(|(name, _)| *name != "fc1.weight" && *name != "fc1.bias") {
        assert_eq!(Some(tensor), dict.get(name), "{name}");
    }
    assert_eq!(old.get("fc1.weight").unwrap().shape().dims(), [6, 48]);
}

#[test]
fn caffe_numbers_do_not_depend_on_how_they_are_stored() {
    let (plain, other) = (load("caffe/net.caffemodel"), load("caffe/other.caffemodel"));
    assert_eq!(names(&plain), names(&other));
    for (name, tensor) in plain.iter() {
        assert_eq!(Some(tensor), other.get(name), "{name}");
    }
}

#[test]
fn caffe_layers_at_the_edge() {
    let dict = load("caffe/edges.caffemodel");
    let want = [
        // As if a Scale followed that changes nothing; of no pictures there are no sums.
        ("norm.weight", &[1.0, 1.0][..]),
        ("norm.bias", &[0.0, 0.0]),
        ("norm.running_mean", &[0.0, 0.0]),
        ("norm.running_var", &[0.0, 0.0]),
        ("scale.weight", &[1.0, 2.0]),
        ("scale.bias", &[0.0, 0.0]),
        ("slope.weight", &[0.25]),
    ];
    assert_eq!(names(&dict), want.map(|(name, _)| name));
    for (name, values) in want {
        assert_eq!(numbers(&dict, name), values, "{name}");
    }
}

#[test]
fn dlib_layers_come_forwards() {
    let dict = load("dlib/net.dat");
    assert_eq!(dict.format, Format::Dlib);
    let want = [
        ("conv1.weight", &[4, 3, 3, 3][..]),
        ("conv1.bias", &[4]),
        ("conv1.affine.weight", &[4]),
        ("conv1.affine.bias", &[4]),
        ("conv2.weight", &[2, 4, 1, 1]),
        ("conv2.bias", &[2]),
        ("conv2.affine.weight", &[2]),
        ("conv2.affine.bias", &[2]),
        ("fc.weight", &[3, 2]),
    ];
    let mut next = 1.0;
    for ((name, tensor), (want, shape)) in dict.iter().zip(want) {
        assert_eq!((name, tensor.shape().dims()), (want, shape));
        let counted: Vec<f32> = (0..tensor.len()).map(|i| next + i as f32).collect();
        next += tensor.len() as f32;
        // The matrix is stored with as many rows as there are inputs.
        let counted = if name == "fc.weight" { [0, 3, 1, 4, 2, 5].map(|i| counted[i]).to_vec() } else { counted };
        assert_eq!(tensor.to_f32().as_ref(), counted, "{name}");
    }
    assert_eq!(dict.iter().len(), want.len());
}

/// What the published network subtracts from red, green and blue.
const MEAN: [f64; 3] = [122.782, 117.001, 104.298];

/// The published file, where it is at hand, against the same network in ONNX, whose affine layers are folded into the convolutions.
#[test]
fn dlib_published_network() {
    let Some(data) = common::test_data() else { return };
    let models = data.join("data/models");
    let (dat, onnx) = (models.join("dlib_face_recognition_resnet_model_v1.dat"), models.join("dlib_face_resnet_v1.onnx"));
    if !dat.is_file() || !onnx.is_file() {
        println!("skipped: {} or {} is not there", dat.display(), onnx.display());
        return;
    }
    let dict = StateDict::load(&dat, &Limits::default()).unwrap();
    assert_eq!(dict.iter().map(|(_, t)| t.len()).sum::<usize>(), 5_614_592);
    let model = Model::load(&onnx, &Limits::default()).unwrap();
    let mut rest = dict.iter().map(|(_, t)| t).peekable();
    let mut worst = (0.0, String::new());
    let mut compared = 0;
    for node in &model.graph.nodes {
        let operand = |i: usize| model.graph.constant(node.inputs[i]).unwrap();
        let pairs = match &node.op {
            Op::Conv(_) => {
                let [weight, bias, scale, shift] = [(); 4].map(|()| rest.next().unwrap().to_f64());
                let row = weight.len() / scale.len();
                let mut folded: Vec<f64> = weight.iter().enumerate().map(|(i, w)| w * scale[i / row]).collect();
                let mut biases: Vec<f64> = (0..bias.len()).map(|o| bias[o] * scale[o] + shift[o]).collect();
                if compared == 0 {
                    // (x - mean) / 256 is part of the first convolution there.
                    folded.iter_mut().for_each(|w| *w /= 256.0);
                    for (i, w) in folded.iter().enumerate() {
                        biases[i / row] -= w * MEAN[i % row / (row / 3)];
                    }
                }
                vec![(operand(1).to_f32().into_owned(), folded), (operand(2).to_f32().into_owned(), biases)]
            }
            Op::Linear(_) => vec![(operand(1).to_f32().into_owned(), rest.next().unwrap().to_f64())],
            Op::MatMul => {
                let (stored, ours) = (operand(1), rest.next().unwrap());
                let [inputs, outputs] = *stored.shape().dims() else { panic!("{}", stored.shape()) };
                let (stored, turned) = (stored.to_f32(), (0..inputs * outputs).map(|i| i % inputs * outputs + i / inputs));
                vec![(turned.map(|i| stored[i]).collect(), ours.to_f64())]
            }
            _ => continue,
        };
        for (got, want) in pairs {
            compared += got.len();
            let error = common::relative_error(&got, &want);
            if error > worst.0 {
                worst = (error, node.name.clone());
            }
        }
    }
    println!("{compared} numbers; the largest difference is {:e} of the largest number, in {}", worst.0, worst.1);
    assert!(rest.peek().is_none() && compared == 5_607_488, "{compared}");
    // Folding in f32 rounds once or twice.
    assert!(worst.0 < 2e-7, "{worst:?}");
}

/// Other published files of dlib, where they are at hand.
#[test]
fn dlib_other_files_are_refused_by_name() {
    let Some(data) = common::test_data() else { return };
    for (file, phrase) in [
        ("mmod_human_face_detector.dat", "the loss `loss_mmod_`"),
        ("shape_predictor_5_face_landmarks.dat", "is a shape predictor of dlib"),
        ("shape_predictor_68_face_landmarks.dat", "is a shape predictor of dlib"),
    ] {
        let path = data.join("data/models").join(file);
        if !path.is_file() {
            println!("skipped: {} is not there", path.display());
            continue;
        }
        match StateDict::load(&path, &Limits::default()) {
            Err(Error::Unsupported(text)) => assert!(text.contains(phrase), "{text}"),
            other => panic!("{file}: {other:?}"),
        }
    }
}

#[test]
fn models_of_onnx_are_no_checkpoints() {
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/seeds")).unwrap() {
        let path = file.unwrap().path();
        let text = match StateDict::load(&path, &Limits::default()) {
            Err(e) => e.to_string(),
            Ok(dict) if dict.format == Format::Safetensors => continue,
            Ok(dict) => panic!("{} is {:?}", path.display(), dict.format),
        };
        assert!(text.contains("no checkpoint of a known format"), "{text}");
    }
}
