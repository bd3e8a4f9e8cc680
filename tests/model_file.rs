//! Importing, saving and loading models.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "hostile/build.rs"]
mod build;

use std::path::{Path, PathBuf};

use build::{bytes, int, ints, model, network, node, tensor, value};
use lookalike::error::Error;
use lookalike::graph::{Dim, Graph, Op, infer_shapes};
use lookalike::import::Limits;
use lookalike::import::onnx::wire::ModelProto;
use lookalike::model::{Align, Channels, Description, EmbeddingDescription, Flip, Model, Precision};
use lookalike::tensor::{DType, Shape};

fn import(model: &ModelProto) -> Model {
    Model::from_onnx(&bytes(model), "small.onnx", &Limits::default()).unwrap()
}

fn reload(model: &Model, precision: Precision) -> Model {
    Model::from_safetensors(&model.to_bytes(precision).unwrap(), "m", &Limits::default()).unwrap()
}

fn assert_same(a: &Graph, b: &Graph) {
    assert_eq!(a.nodes, b.nodes);
    assert_eq!(a.inputs, b.inputs);
    assert_eq!(a.outputs, b.outputs);
    assert_eq!(a.values.len(), b.values.len());
    for (x, y) in a.values.iter().zip(&b.values) {
        assert_eq!(x.name, y.name);
        assert_eq!(x.constant, y.constant, "{}", x.name);
    }
}

/// The shape of each output for a batch of `n`.
fn outputs(model: &Model, n: usize) -> Vec<Shape> {
    let inputs = model.graph.input_shapes(n, &[]).unwrap();
    let shapes = infer_shapes(&model.graph, &inputs).unwrap();
    model.graph.outputs.iter().map(|o| shapes[o.0 as usize].clone()).collect()
}

#[test]
fn saving_and_loading_keeps_graph_and_digest() {
    let m = import(&network());
    let back = reload(&m, Precision::F32);
    assert_same(&m.graph, &back.graph);
    assert_eq!(m.digest(), back.digest());
    assert_eq!(m.description, back.description);
    assert_eq!(m.digest().len(), 64);
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let first = import(&network()).to_bytes(Precision::F16).unwrap();
    for _ in 0..5 {
        assert!(first == import(&network()).to_bytes(Precision::F16).unwrap());
    }
}

#[test]
fn the_digest_sees_weights_graph_and_description() {
    let m = import(&network());
    let changed = |change: &dyn Fn(&mut ModelProto)| {
        let mut p = network();
        change(&mut p);
        import(&p).digest().to_owned()
    };
    assert_eq!(m.digest(), changed(&|p| p.producer_name = "another".into()));
    assert_ne!(m.digest(), changed(&|p| p.graph.as_mut().unwrap().initializer[1] = tensor("b", &[4], &[0.0, 0.0, 0.0, -0.0])));
    assert_ne!(m.digest(), changed(&|p| p.graph.as_mut().unwrap().node[0].attribute[1] = ints("pads", &[2, 2, 0, 0])));
    let mut described = m.clone();
    described.describe(Description { licence: Some("MIT".into()), ..m.description.clone() }).unwrap();
    assert_ne!(m.digest(), described.digest());
    assert_eq!(described.digest(), reload(&described, Precision::F32).digest());
}

#[test]
fn f16_halves_weights_and_keeps_what_it_cannot_hold() {
    let mut p = network();
    p.graph.as_mut().unwrap().initializer[1] = tensor("b", &[4], &[1.0, 65504.0, 65520.0, 0.0]);
    let m = import(&p);
    let half = reload(&m, Precision::F16);
    let dtype = |name: &str| half.graph.constant(half.graph.find(name).unwrap()).unwrap().dtype();
    assert_eq!((dtype("w"), dtype("b"), dtype("fc")), (DType::F16, DType::F32, DType::F16));
    assert_ne!(m.digest(), half.digest());
    // f16 weights stay f16, whatever is asked for, and the digest with them.
    assert_eq!(half.digest(), reload(&half, Precision::F32).digest());
    assert!(m.to_bytes(Precision::F16).unwrap().len() < m.to_bytes(Precision::F32).unwrap().len());
}

#[test]
fn resize_factors_are_never_rounded() {
    let p = model(vec![node("Upsample", &["x", "s"], "y", vec![])], vec![tensor("s", &[4], &[1.0, 1.0, 1.333_333_4, 1.1])]);
    let mut p = p;
    p.opset_import[0].version = 9;
    let m = import(&p);
    assert_same(&m.graph, &reload(&m, Precision::F16).graph);
}

#[test]
fn any_safetensors_library_can_read_the_file() {
    let m = import(&network());
    let file = m.to_bytes(Precision::F32).unwrap();
    let read = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(read.tensor("w").unwrap().shape(), [4, 2, 3, 3]);
    // The shape of the Reshape was freed of its batch, so the file's own is not there.
    let mut names = read.names();
    names.sort_unstable();
    assert_eq!(names, ["b", "fc", "fcb", "r.shape", "slope", "w"]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["lookalike.format"], "1");
    let graph: serde_json::Value = serde_json::from_str(&metadata["lookalike.graph"]).unwrap();
    assert_eq!(graph["nodes"][0]["op"], "conv");
    assert_eq!(graph["nodes"][0]["inputs"], serde_json::json!(["x", "w", "b"]));
    assert_eq!(graph["inputs"], serde_json::json!([{"name": "x", "dims": ["batch", 2, 4, 4]}]));
}

#[test]
fn descriptions_survive_and_are_checked() {
    let mut m = import(&network());
    assert_eq!(m.description.name, "small");
    let mut d = Description { name: "n".into(), ..Default::default() };
    d.input.channels = Channels::Bgr;
    d.input.mean = [127.5, 0.1, 3.0];
    d.align = Some(Align { size: [112, 112], points: Some([[38.2946, 51.6963]; 5]), ..Align::default() });
    d.embedding = Some(EmbeddingDescription { output: Some("y".into()), flip: Flip::Sum, threshold: Some(0.29), ..Default::default() });
    m.describe(d.clone()).unwrap();
    assert_eq!(reload(&m, Precision::F32).description, d);
    let wrong = |change: &dyn Fn(&mut Description)| {
        let mut bad = d.clone();
        change(&mut bad);
        assert!(matches!(m.clone().describe(bad), Err(Error::Model(_))));
    };
    wrong(&|d| d.embedding.as_mut().unwrap().output = Some("ghost".into()));
    wrong(&|d| d.embedding.as_mut().unwrap().output = Some("w".into()));
    wrong(&|d| d.input.scale = [0.0; 3]);
    wrong(&|d| d.input.mean[1] = f32::NAN);
    wrong(&|d| d.align.as_mut().unwrap().size = [0, 112]);
    wrong(&|d| d.align.as_mut().unwrap().template = Some("arcface-112".into()));
}

#[test]
fn saving_replaces_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    std::fs::write(&path, "old").unwrap();
    let m = import(&network());
    m.save(&path, Precision::F32).unwrap();
    assert_eq!(Model::load(&path, &Limits::default()).unwrap().digest(), m.digest());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
    assert!(matches!(m.save(&folder.path().join("absent/m.safetensors"), Precision::F32), Err(Error::Io { .. })));
    assert!(matches!(m.save(Path::new("/"), Precision::F32), Err(Error::Caller(_))));
    assert!(m.save(folder.path(), Precision::F32).is_err());
    assert!(Model::load(folder.path(), &Limits::default()).is_err());
}

#[test]
fn the_content_decides_how_a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.safetensors"), folder.path().join("b.onnx"));
    std::fs::write(&a, bytes(&network())).unwrap();
    let from_onnx = Model::load(&a, &Limits::default()).unwrap();
    from_onnx.save(&b, Precision::F32).unwrap();
    assert_eq!(Model::load(&b, &Limits::default()).unwrap().digest(), from_onnx.digest());
}

/// Replaces text inside the header, keeping its length field right.
fn edit(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let n = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&file[8..8 + n]).unwrap();
    assert!(header.contains(from), "{from} not in {header}");
    let header = header.replacen(from, to, 1);
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &file[8 + n..]].concat()
}

#[test]
fn model_files_that_contradict_themselves_are_refused() {
    let file = import(&network()).to_bytes(Precision::F32).unwrap();
    let refused = |from: &str, to: &str, phrase: &str| {
        let e = Model::from_safetensors(&edit(&file, from, to), "m.safetensors", &Limits::default()).unwrap_err().to_string();
        assert!(e.contains(phrase), "{e}");
    };
    refused(r#""lookalike.format":"1""#, r#""lookalike.format":"2""#, "format version \"2\"");
    refused(r#""lookalike.format":"1","#, "", "without a graph");
    refused("lookalike.graph", "lookalike.graf", "lacks the entry");
    refused("lookalike.description", "lookalike.beschreibung", "lacks the entry");
    refused(r#"\"name\":\"small\""#, r#"\"nom\":\"small\""#, "description");
    refused(r#"[\"x\",\"w\",\"b\"]"#, r#"[\"x\",\"v\",\"b\"]"#, "no tensor `v`");
    refused(r#"[\"x\",\"w\",\"b\"]"#, r#"[\"y\",\"w\",\"b\"]"#, "reads `y`");
    refused(r#"[\"x\",\"w\",\"b\"]"#, r#"[\"x\",\"w\"]"#, "2 operands");
    refused(r#"[\"x\",\"w\",\"b\"]"#, r#"[\"x\",\"fc\",\"b\"]"#, "weight of the shape 3x64");
    refused(r#"\"outputs\":[\"c\"]"#, r#"\"outputs\":[\"c\",\"c\"]"#, "twice");
    refused(r#"\"kernel\":[3,3]"#, r#"\"kernel\":[0,3]"#, "out of range");
    refused(r#"\"stride\":[1,1]"#, r#"\"stride\":[0,1]"#, "out of range");
    refused(r#"\"groups\":1"#, r#"\"groups\":0"#, "0 groups");
    refused(r#"\"op\":\"conv\""#, r#"\"op\":\"convolve\""#, "convolve");
    refused(r#"\"batch\",2,4,4"#, r#"1,2,4,4"#, "fixed batch");
    refused(r#""dtype":"I64""#, r#""dtype":"F64""#, "F64");
    refused(r#""shape":[4,2,3,3]"#, r#""shape":[4,2,3,9]"#, "safetensors");
}

#[test]
fn a_frozen_batch_is_free_after_import() {
    let m = import(&network());
    assert_eq!(m.graph.inputs[0].dims[0], Dim::Free("batch".into()));
    assert_eq!(outputs(&m, 1), [Shape::from([1, 3])]);
    assert_eq!(outputs(&m, 5), [Shape::from([5, 3])]);
}

#[test]
fn frozen_reshapes_of_detectors_follow_the_batch() {
    // Transpose, then [1, -1, 2] and [1, 16, 2]: the heads of YuNet and RetinaFace.
    for target in [[1, -1, 2], [1, 16, 2]] {
        let p = model(
            vec![node("Transpose", &["x"], "t", vec![ints("perm", &[0, 2, 3, 1])]), node("Reshape", &["t", "s"], "y", vec![])],
            vec![build::indices("s", &target)],
        );
        assert_eq!(outputs(&import(&p), 3), [Shape::from([3, 16, 2])]);
    }
}

#[test]
fn symbolic_names_of_dimensions_are_kept() {
    let mut p = network();
    p.graph.as_mut().unwrap().input[0] = value("x", &[-1, 2, 0, 4]);
    let dims = import(&p).graph.inputs[0].dims.clone();
    assert_eq!(dims, [Dim::Free("d".into()), Dim::Fixed(2), Dim::Free("height".into()), Dim::Fixed(4)]);
}

#[test]
fn constants_listed_as_inputs_are_not_inputs() {
    let mut p = network();
    p.ir_version = 3;
    p.graph.as_mut().unwrap().input.push(value("w", &[4, 2, 3, 3]));
    assert_eq!(import(&p).graph.inputs.len(), 1);
}

#[test]
fn one_dimensional_convolution_runs_as_a_row() {
    let mut p = model(
        vec![node("Conv", &["x", "w"], "y", vec![ints("pads", &[1, 0]), int("group", 2)])],
        vec![tensor("w", &[4, 1, 3], &[0.5; 12])],
    );
    p.graph.as_mut().unwrap().input[0] = value("x", &[1, 2, 10]);
    let m = import(&p);
    assert_eq!(outputs(&m, 2), [Shape::from([2, 4, 9])]);
    assert!(matches!(&m.graph.nodes[1].op, Op::Conv(c) if c.window.kernel == [1, 3] && c.window.pads == [0, 1, 0, 0]));
}

/// Nodes of the model, and the shapes of its outputs for a batch of 3 (free sizes 320).
/// Written down from `onnx.load` (number of nodes without Constant) and each model's documentation.
const MODELS: [(&str, usize, &[&[usize]]); 11] = [
    ("dlib_face_resnet_v1", 85, &[&[3, 128]]),
    ("face_reid_retail_0095", 188, &[&[3, 256]]),
    ("landmarks5_retail_0009", 38, &[&[3, 10]]),
    ("mobilefacenet_foamliu", 98, &[&[3, 128]]),
    ("mtcnn_onet", 19, &[&[3, 4], &[3, 10], &[3, 2]]),
    ("mtcnn_pnet", 10, &[&[3, 4, 155, 155], &[3, 2, 155, 155]]),
    ("mtcnn_rnet", 15, &[&[3, 4], &[3, 2]]),
    ("retinaface_rfb_320", 130, &[&[3, 4420, 4], &[3, 4420, 2], &[3, 4420, 10]]),
    ("ultralight_rfb_320", 110, &[&[3, 4420, 2], &[3, 4420, 4]]),
    ("yunet_n_320", 115, &[&[3, 1600, 1], &[3, 400, 1], &[3, 100, 1]]),
    ("yunet_n_dynamic", 163, &[&[3, 1600, 1], &[3, 400, 1], &[3, 100, 1]]),
];

fn data() -> Option<PathBuf> {
    let path = std::env::var_os("LOOKALIKE_TEST_DATA").map(PathBuf::from);
    if path.is_none() {
        println!("skipped: LOOKALIKE_TEST_DATA is not set");
    }
    path
}

#[test]
fn third_party_models_import_with_a_free_batch() {
    let Some(data) = data() else { return };
    for (name, nodes, wanted) in MODELS {
        let m = Model::load(&data.join(format!("data/models/{name}.onnx")), &Limits::default()).unwrap();
        assert_eq!(m.graph.nodes.len(), nodes, "{name}");
        let given: Vec<_> = m
            .graph
            .inputs
            .iter()
            .filter(|i| i.dims.iter().skip(1).any(|d| matches!(d, Dim::Free(_))))
            .map(|i| (m.graph.name(i.value).to_owned(), Shape::from([3, 3, 320, 320])))
            .collect();
        let inputs = m.graph.input_shapes(3, &given).unwrap();
        let shapes = infer_shapes(&m.graph, &inputs).unwrap();
        for (id, dims) in m.graph.outputs.iter().zip(wanted) {
            assert_eq!(&shapes[id.0 as usize][..], *dims, "{name} {}", m.graph.name(*id));
        }
    }
    let m = Model::load(&data.join("weights/embedder.onnx"), &Limits::default()).unwrap();
    assert_eq!(outputs(&m, 3), [Shape::from([3, 128])]);
}

#[test]
fn third_party_models_survive_saving() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, ..) in MODELS {
        let m = Model::load(&data.join(format!("data/models/{name}.onnx")), &Limits::default()).unwrap();
        let path = folder.path().join(name);
        m.save(&path, Precision::F32).unwrap();
        let back = Model::load(&path, &Limits::default()).unwrap();
        assert_same(&m.graph, &back.graph);
        assert_eq!(m.digest(), back.digest(), "{name}");
        m.save(&path, Precision::F16).unwrap();
        let half = Model::load(&path, &Limits::default()).unwrap();
        assert_eq!(m.graph.nodes, half.graph.nodes, "{name}");
    }
}
