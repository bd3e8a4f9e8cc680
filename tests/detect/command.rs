//! `lookalike detect` as a user meets it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use lookalike::embed::Picture;
use lookalike::model::Precision;
use serde_json::Value;

use crate::common::test_data;
use crate::{models, noise};

fn detect(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
    command.arg("detect").args(args).current_dir(folder).stdin(Stdio::null()).env_remove("LOOKALIKE_DETECTOR");
    command.output().unwrap()
}

fn save(picture: &Picture, path: &Path) {
    image::save_buffer(path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8).unwrap();
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with a detector of random weights, two pictures and a file that is none.
fn bench() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    models::zoo("yunet-s").save(&dir.path().join("net.safetensors"), Precision::F32).unwrap();
    save(&noise(1, 40, 30), &dir.path().join("a.png"));
    save(&noise(2, 50, 60), &dir.path().join("b.png"));
    std::fs::write(dir.path().join("c.jpg"), b"no picture").unwrap();
    dir
}

#[test]
fn pictures_that_cannot_be_read_are_left_out_and_told() {
    let dir = bench();
    let output = detect(dir.path(), &[".", "--detector", "yunet=net.safetensors", "--json", "--threshold", "1"]);
    assert_eq!(json(&output), serde_json::json!([{ "image": "./a.png", "faces": [] }, { "image": "./b.png", "faces": [] }]));
    assert!(said(&output).contains("skipped: ") && said(&output).contains("c.jpg"), "{}", said(&output));
    let output = detect(dir.path(), &["c.jpg", "missing.png", "--detector", "yunet=net.safetensors"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("No picture could be searched (2 of 2 skipped)"), "{}", said(&output));
}

#[test]
fn faces_come_as_json_as_a_table_and_as_drawings() {
    let dir = bench();
    let args = ["a.png", "b.png", "--detector", "yunet=net.safetensors", "--threshold", "0.3", "--draw", "out", "--rotations"];
    let found = json(&detect(dir.path(), &[&args[..], &["--json"]].concat()));
    let faces = found[0]["faces"].as_array().unwrap();
    assert!(!faces.is_empty(), "{found}");
    for face in faces {
        assert_eq!(face["box"].as_array().unwrap().len(), 4);
        assert!(face["score"].as_f64().unwrap() >= 0.3);
        assert!(face["landmarks"].as_array().unwrap().iter().all(|p| p.as_array().unwrap().len() == 2));
    }
    for (name, size) in [("a", [40, 30]), ("b", [50, 60])] {
        let drawn = Picture::open(dir.path().join(format!("out/{name}.png"))).unwrap();
        assert_eq!([drawn.width, drawn.height], size);
        assert_ne!(drawn.rgb, Picture::open(dir.path().join(format!("{name}.png"))).unwrap().rgb);
    }
    let table = String::from_utf8(detect(dir.path(), &args).stdout).unwrap();
    assert!(table.starts_with("image") && table.contains("a.png") && table.contains("landmarks"), "{table}");
}

#[test]
fn the_environment_may_name_the_detector_and_without_one_the_way_to_it_is_told() {
    let dir = bench();
    let output = detect(dir.path(), &["a.png"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--detector or LOOKALIKE_DETECTOR"), "{}", said(&output));
    let run = |named: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(["detect", "a.png", "--json"]).current_dir(dir.path()).env("LOOKALIKE_DETECTOR", named).output().unwrap()
    };
    assert_eq!(json(&run("yunet=net.safetensors"))[0]["image"], "a.png");
    assert!(said(&run("yunet")).contains("does not name a detector"));
    assert!(said(&run("scrfd=net.safetensors")).contains("another kind"));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let dir = bench();
    for (args, says) in [
        (vec!["--detector", "mtcnn=net.safetensors"], "has 3 networks, but 1"),
        (vec!["--detector", "haar=net.safetensors"], "The kinds are mtcnn"),
        (vec!["--detector", "yunet=net.safetensors", "--threshold", "7"], "between 0 and 1"),
        (vec!["--detector", "yunet=net.safetensors", "--min-face", "0"], "at least 1 pixel"),
        (vec!["--detector", "yunet=nothing.onnx"], "nothing.onnx"),
    ] {
        let output = detect(dir.path(), &[&["a.png"][..], &args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(says) && !said(&output).contains("panicked"), "{args:?}: {}", said(&output));
    }
}

#[test]
fn the_command_line_finds_the_faces_of_a_photograph() {
    let Some(data) = test_data() else { return };
    let data = data.canonicalize().unwrap();
    let model = |name: &str| data.join(format!("data/models/{name}.onnx")).display().to_string();
    let detector = format!("mtcnn={},{},{}", model("mtcnn_pnet"), model("mtcnn_rnet"), model("mtcnn_onet"));
    let picture = data.join("data/faces/Abdullah_al-Attiyah/Abdullah_al-Attiyah_0002.jpg").display().to_string();
    let found = json(&detect(&data, &[&picture, "--json", "--detector", &detector]));
    let faces = found[0]["faces"].as_array().unwrap();
    assert_eq!(faces.len(), 3);
    assert!(faces.iter().all(|f| f["landmarks"].as_array().unwrap().len() == 5 && f["score"].as_f64().unwrap() > 0.9));
}
