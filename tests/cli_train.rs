//! `lookalike train-head` as a user meets it: files in, a model out that embeds through what was learned, sentences and exit codes.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{Random, graph_of};
use lookalike::embed::builtin_model;
use lookalike::graph::{Op, infer_shapes};
use lookalike::import::Limits;
use lookalike::model::{Description, EmbeddingDescription, Model, Normalize, Precision, Similarity};
use lookalike::tensor::Shape;

fn lookalike(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lookalike")).args(args).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn npy(path: &Path, kind: &str, shape: &str, data: impl IntoIterator<Item = u8>) {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(data);
    std::fs::write(path, out).unwrap();
}

fn write_rows(path: &Path, columns: usize, data: &[f32]) {
    npy(path, "<f4", &format!("({}, {columns})", data.len() / columns), data.iter().flat_map(|x| x.to_le_bytes()));
}

fn write_labels(path: &Path, labels: &[i64]) {
    npy(path, "<i8", &format!("({},)", labels.len()), labels.iter().flat_map(|x| x.to_le_bytes()));
}

/// The folder of one test: `x.npy` and `y.npy` of 24 people with 5 rows of 8 numbers, half of which say nothing of them, and a model that
/// gives its input as embedding.
struct Case(tempfile::TempDir);

impl Case {
    fn new() -> Self {
        let case = Self(tempfile::tempdir().unwrap());
        let mut r = Random(4);
        let (mut data, mut labels) = (Vec::new(), Vec::new());
        for person in 0..24 {
            let own: Vec<f32> = (0..4).map(|_| r.signed()).collect();
            for _ in 0..5 {
                data.extend(own.iter().map(|v| v + 0.2 * r.signed()).collect::<Vec<_>>());
                data.extend((0..4).map(|_| 2.0 * r.signed()).collect::<Vec<_>>());
                labels.push(person + 100);
            }
        }
        write_rows(&case.0.path().join("x.npy"), 8, &data);
        write_labels(&case.0.path().join("y.npy"), &labels);
        let (mut graph, x) = graph_of(&[8]);
        let y = graph.add_node("embedding", Op::Identity, &[x]);
        graph.outputs.push(y);
        let embedding = EmbeddingDescription { normalize: Normalize::None, threshold: Some(0.5), ..EmbeddingDescription::default() };
        let description = Description { name: "same".to_owned(), embedding: Some(embedding), ..Description::default() };
        Model::new(&graph, description).unwrap().save(&case.0.path().join("same.safetensors"), Precision::F32).unwrap();
        case
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, out: &str, extra: &[&str]) -> Output {
        let base = ["train-head", "--embeddings", &self.at("x.npy"), "--labels", &self.at("y.npy"), "-o", &self.at(out)].map(str::to_owned);
        let model = ["--model".to_owned(), self.at("same.safetensors")];
        let has_model = extra.contains(&"--model");
        let args: Vec<&str> =
            base.iter().chain(if has_model { &[][..] } else { &model[..] }).map(String::as_str).chain(extra.iter().copied()).collect();
        lookalike(&args)
    }

    fn refused(&self, extra: &[&str], sentence: &str) {
        let output = self.run("refused.safetensors", extra);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{extra:?}: {told}");
        assert!(told.contains(sentence), "{extra:?}: {told}");
        assert!(!self.0.path().join("refused.safetensors").exists(), "{extra:?}");
    }
}

const QUICK: &[&str] =
    &["--loss", "arcface", "--set", "s=16", "--set", "m=0.1", "--optimizer", "adam", "--lr", "0.01", "--batch", "32", "--seed", "3"];

#[test]
fn held_out_people_are_found_more_often_and_the_model_says_so_itself() {
    let case = Case::new();
    let curve = case.at("loss.png");
    let output = case.run("out.safetensors", &[QUICK, &["--steps", "200", "--validation", "0.25", "--curve", &curve, "--json"]].concat());
    assert!(output.status.success(), "{}", told(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((said["steps"].as_u64(), said["people"].as_u64(), said["held_out"]["people"].as_u64()), (Some(200), Some(18), Some(6)));
    let share = |name: &str| said["held_out"][name].as_f64().unwrap();
    assert!(share("rank1") > share("rank1_before") + 0.1, "{said}");
    assert!(said["loss"]["last"].as_f64() < said["loss"]["first"].as_f64(), "{said}");
    // The curve is a picture with something in it.
    let picture = image::open(&curve).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (640, 420));
    let blue = picture.pixels().filter(|p| p.0 == [24, 90, 160]).count();
    assert!(blue > 200, "{blue} pixels of the curve");
    // The model goes through the layer, and its old threshold is gone.
    let model = Model::load(case.at("out.safetensors").as_ref(), &Limits::default()).unwrap();
    assert_eq!(model.description.embedding.as_ref().unwrap().threshold, None);
    let output =
        lookalike(&["run", &case.at("out.safetensors"), "--input", &format!("input={}", case.at("x.npy")), "--out", &case.at("ran")]);
    assert!(output.status.success(), "{}", told(&output));
    let y = common::read_npy(&case.0.path().join("ran/projection.npy"));
    assert_eq!(y.shape().as_ref(), [120, 8]);
    // Without --json, sentences.
    let output = case.run("out.safetensors", &[QUICK, &["--steps", "20", "--validation", "0.25"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The same labels as a table of names, which are the same people in the same order.
    let table: String = (0..120).map(|i| format!("{i},person {}\n", i / 5 + 100)).collect();
    std::fs::write(case.at("y.csv"), format!("row,label\n{table}")).unwrap();
    let named = ["train-head", "--embeddings", &case.at("x.npy"), "--labels", &case.at("y.csv"), "--model", &case.at("same.safetensors")];
    let named =
        lookalike(&[&named[..], &["-o", &case.at("named.safetensors")], QUICK, &["--steps", "20", "--validation", "0.25"]].concat());
    assert!(named.status.success(), "{}", told(&named));
    assert!(std::fs::read(case.at("named.safetensors")).unwrap() == std::fs::read(case.at("out.safetensors")).unwrap());
    assert!(text.contains("20 steps") && text.contains("rank-1") && text.contains("6 held-out people"), "{text}");
}

/// The whole way with nothing but the program: people who do not exist, embedded, and a layer learned on some of them finds others.
#[test]
fn a_layer_learned_on_generated_people_finds_those_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (people, seed, name) in [("60", "5", "x"), ("40", "1", "held")] {
        let file = at(&format!("{name}.npy"));
        let output = lookalike(&["demo", "--people", people, "--seed", seed, "--embeddings", &file, "--out", &at("")]);
        assert!(output.status.success(), "{}", told(&output));
    }
    let (x, y, hx, hy) = (at("x.npy"), at("x.labels.npy"), at("held.npy"), at("held.labels.npy"));
    let files = ["--embeddings", &x, "--labels", &y, "--val-embeddings", &hx, "--val-labels", &hy, "-o", &at("out.safetensors"), "--json"];
    let how = ["--loss", "arcface", "--set", "s=16", "--set", "m=0.2", "--optimizer", "adam", "--batch", "64", "--steps", "200"];
    let output = lookalike(&[&["train-head"], &files[..], &how[..]].concat());
    assert!(output.status.success(), "{}", told(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let share = |name: &str| said["held_out"][name].as_f64().unwrap();
    println!("rank-1 {} -> {}", share("rank1_before"), share("rank1"));
    assert_eq!(said["held_out"]["probes"].as_u64(), Some(160));
    // Seen: 0.8125 and 0.906. Rounding moves a face or two.
    assert!((share("rank1_before") - 0.8125).abs() < 0.02, "{said}");
    assert!(share("rank1") > share("rank1_before") + 0.05, "{said}");
    let model = Model::load(at("out.safetensors").as_ref(), &Limits::default()).unwrap();
    assert_eq!(model.description.embedding.as_ref().unwrap().normalize, Normalize::None);
    assert!(model.graph.find("projection").is_some());
}

#[test]
fn a_killed_training_goes_on_to_the_same_file() {
    let case = Case::new();
    let checkpoint = case.at("c.safetensors");
    let straight = case.run("straight.safetensors", &[QUICK, &["--steps", "40"]].concat());
    assert!(straight.status.success(), "{}", told(&straight));
    let half = case.run("half.safetensors", &[QUICK, &["--steps", "20", "--checkpoint", &checkpoint, "--checkpoint-every", "7"]].concat());
    assert!(half.status.success(), "{}", told(&half));
    let rest = case.run("rest.safetensors", &[QUICK, &["--steps", "40", "--resume", &checkpoint]].concat());
    assert!(rest.status.success(), "{}", told(&rest));
    let read = |name: &str| std::fs::read(case.at(name)).unwrap();
    assert!(read("straight.safetensors") == read("rest.safetensors"));
    assert!(read("straight.safetensors") != read("half.safetensors"));
    case.refused(&[QUICK, &["--steps", "20", "--resume", &checkpoint]].concat(), "nothing is left to do");
    case.refused(&[QUICK, &["--steps", "40", "--weight-decay", "0", "--resume", &checkpoint]].concat(), "options.weight_decay");
    case.refused(&[QUICK, &["--steps", "40", "--resume", &case.at("x.npy")]].concat(), "x.npy");
    case.refused(&[QUICK, &["--steps", "40", "--resume", &case.at("same.safetensors")]].concat(), "is no checkpoint");
}

#[test]
fn what_diverges_ends_with_a_sentence_and_leaves_the_checkpoint() {
    let case = Case::new();
    let checkpoint = case.at("c.safetensors");
    let wild = ["--loss", "softmax", "--lr", "1e30", "--weight-decay", "0", "--warmup", "0", "--steps", "50", "--batch", "32"];
    case.refused(&[&wild[..], &["--checkpoint", &checkpoint, "--checkpoint-every", "1"]].concat(), "not finite");
    let output = case.run("refused.safetensors", &[&wild[..], &["--checkpoint", &checkpoint, "--checkpoint-every", "1"]].concat());
    let told = told(&output);
    assert!(told.contains("smaller learning rate") && told.contains("c.safetensors is of step"), "{told}");
    assert!(std::fs::metadata(&checkpoint).unwrap().len() > 100);
}

#[test]
fn mistakes_are_told_before_any_work() {
    let case = Case::new();
    let at = |name: &str| case.at(name);
    case.refused(&["--loss", "arcfase"], "There is no head named `arcfase`");
    case.refused(&["--loss", "center"], "cannot be trained");
    case.refused(&["--set", "margin=1"], "Its parameters are s, m");
    case.refused(&["--set", "m"], "has no `=`");
    case.refused(&["--lr", "0"], "learning rate of 0");
    case.refused(&["--momentum", "1"], "Momentum");
    case.refused(&["--weight-decay=-1"], "Weight decay is 0 or more");
    case.refused(&["--dimension", "0"], "Choose another dimension");
    case.refused(&["--batch", "0"], "A batch of 0");
    case.refused(&["--people", "25"], "from 24 people");
    case.refused(&["--steps", "0"], "--steps");
    case.refused(&["--steps", "5", "--epochs", "5"], "--epochs");
    case.refused(&["--batch", "5", "--people", "5"], "--people");
    case.refused(&["--schedule", "cosine", "--steps", "10", "--warmup", "10"], "longer than its warm-up");
    case.refused(&["--validation", "0.01"], "fewer than two");
    case.refused(&["--val-labels", &at("y.npy")], "--val-embeddings");
    case.refused(&["--curve", &at("no/such.png")], "no/such.png");
    case.refused(&["--checkpoint", &at("no/such")], "no/such");
    case.refused(&["--resume", &at("none")], "Check the path");
    // The wrong model.
    let model = builtin_model().unwrap();
    let output = model.embedding_output().unwrap();
    let numbers = infer_shapes(&model.graph, &[Shape::from([1, 3, 112, 112])]).unwrap()[output.0 as usize][1];
    case.refused(&["--model", &at("none.onnx")], "none.onnx");
    let builtin = at("builtin.safetensors");
    model.save(builtin.as_ref(), Precision::F32).unwrap();
    case.refused(&["--model", &builtin], &format!("embeddings of {numbers} numbers"));
    write_rows(at("x.npy").as_ref(), numbers, &vec![1.0; 4 * numbers]);
    write_labels(at("y.npy").as_ref(), &[0, 0, 1, 1]);
    case.refused(&["--model", &builtin], "embeddings of length 1");
    let output = lookalike(&["demo", "--embeddings", &at("no/such.npy"), "--out", &at("")]);
    assert!(output.status.code() == Some(2) && told(&output).contains("no/such.npy"), "{}", told(&output));
    // The wrong arrays.
    std::fs::write(at("y.csv"), "person\n1\n").unwrap();
    case.refused(&["--val-embeddings", &at("x.npy"), "--val-labels", &at("y.csv")], "no column `label`");
    write_labels(at("y.npy").as_ref(), &[0, 1]);
    case.refused(&[], "2 labels");
    write_labels(at("y.npy").as_ref(), &[3; 4]);
    case.refused(&[], "1 people");
    npy(at("y.npy").as_ref(), "<f4", "(4,)", [0.5f32; 4].iter().flat_map(|v| v.to_le_bytes()));
    case.refused(&[], "no whole number");
    case.refused(&["--embeddings", &at("y.npy")], "--embeddings");
}

#[test]
fn siamese_weights_become_the_score_of_the_model() {
    let case = Case::new();
    let quick = ["--loss", "siamese", "--optimizer", "adam", "--lr", "0.05", "--steps", "150", "--people", "12", "--seed", "3"];
    let output = case.run("out.safetensors", &[&quick[..], &["--validation", "0.25", "--json"]].concat());
    assert!(output.status.success(), "{}", told(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let share = |name: &str| said["held_out"][name].as_f64().unwrap();
    assert!(share("rank1") > share("rank1_before") + 0.1, "{said}");
    let model = Model::load(case.at("out.safetensors").as_ref(), &Limits::default()).unwrap();
    let embedding = model.description.embedding.clone().unwrap();
    assert_eq!((embedding.similarity, embedding.threshold), (Similarity::Siamese, said["threshold"].as_f64().map(|t| t as f32)));
    let weights = embedding.score.unwrap().weights;
    // The first half tells people apart.
    let mean = |part: &[f32]| part.iter().sum::<f32>() / 4.0;
    assert!(weights.len() == 8 && mean(&weights[..4]) > 3.0 * mean(&weights[4..]), "{weights:?}");
    // The network is what it was.
    let old = Model::load(case.at("same.safetensors").as_ref(), &Limits::default()).unwrap();
    assert_eq!(model.graph.nodes.len(), old.graph.nodes.len());
    let output = case.run("out.safetensors", &[&quick[..], &["--validation", "0.25"]].concat());
    assert!(told(&output).contains("8 weights; one person up to a distance of"), "{}", told(&output));
    case.refused(&["--loss", "siamese", "--dimension", "4"], "one a number of an embedding");
    case.refused(&["--loss", "siamese", "--set", "b=3"], "learned by the training");
}
