//! `lookalike zoo` as a user meets it: fields, sentences, exit codes, files that work.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

use lookalike::import::Limits;
use lookalike::model::{Model, Precision};
use lookalike::zoo::{self, Seeded};
use serde_json::Value;

fn zoo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lookalike")).arg("zoo").args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sentence of a run that ended with exit code 2.
fn error(args: &[&str]) -> String {
    let output = zoo(args);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: ") && text.trim_end().ends_with('.'), "{text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn list_has_the_fields_scripts_rely_on() {
    let list = json(&zoo(&["list", "--json"]));
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), zoo::networks().count());
    for entry in list {
        assert!(entry["name"].is_string() && entry["year"].is_u64(), "{entry}");
        assert_eq!(entry["input"].as_array().unwrap().len(), 3, "{entry}");
        assert!(entry["embedding"].is_u64() || entry["embedding"].is_null(), "{entry}");
        assert!(entry["parameters"].as_u64() > Some(0) && entry["macs"].as_u64() > Some(0), "{entry}");
    }
    let some = zoo(&["list", "sphereface"]);
    let shown = String::from_utf8(some.stdout).unwrap();
    assert!(shown.lines().skip(1).all(|l| l.to_lowercase().contains("sphereface")) && shown.lines().count() > 5, "{shown}");
    assert_eq!(zoo(&["list", "nosuchnetwork"]).status.code(), Some(1));
}

#[test]
fn show_adds_up() {
    let shown = json(&zoo(&["show", "R50", "--json"]));
    assert_eq!(shown["name"], "iresnet-50");
    let sum = |field: &str| shown["layers"].as_array().unwrap().iter().map(|l| l[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("parameters"), sum("macs")), (43_590_848, 6_309_330_944));
    let text = String::from_utf8(zoo(&["show", "dlib"]).stdout).unwrap();
    assert!(text.contains("Euclidean distance at most 0.6") && text.contains("conv32_down"), "{text}");
}

#[test]
fn a_built_network_is_the_one_of_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deepid2.safetensors");
    let built = json(&zoo(&["build", "deepid2", "--seed", "5", "-o", text(&file), "--json"]));
    let model = zoo::find("deepid2").unwrap().model(&mut Seeded(5)).unwrap();
    assert_eq!(built["digest"], model.digest());
    assert_eq!(Model::load(&file, &Limits::default()).unwrap().description, model.description);

    // Its own file is a checkpoint of it, and of nothing else.
    let again = folder.path().join("again.safetensors");
    let built = json(&zoo(&["build", "deepid2", "--weights", text(&file), "-o", text(&again), "--json"]));
    assert_eq!(built["digest"], model.digest());
    let refused = error(&["build", "deepid2-plus", "--weights", text(&file), "-o", text(&again)]);
    assert!(refused.contains("deepid2-plus") && refused.contains("128"), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), model.to_bytes(Precision::F32).unwrap());
}

#[test]
fn a_checkpoint_of_pytorch_becomes_a_network_only_where_it_fits() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints/pytorch/network_zip.pth");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.safetensors");
    let refused = error(&["build", "mtcnn-pnet", "--weights", text(&file), "-o", text(&out)]);
    assert!(refused.contains("lacks `conv1.weight`") && refused.contains("`conv.weight`"), "{refused}");
    assert!(!out.exists());
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.safetensors");
    assert!(error(&["build", "iresnet-51", "--seed", "1", "-o", text(&out)]).contains("iresnet-50"));
    assert!(error(&["show", "?"]).contains("zoo list"));
    let other = folder.path().join("x.onnx");
    assert!(error(&["build", "deepid2", "--seed", "1", "-o", text(&other)]).contains(".safetensors"));
    let missing = folder.path().join("missing.pth");
    assert!(error(&["build", "deepid2", "--weights", text(&missing), "-o", text(&out)]).contains("missing.pth"));
    std::fs::write(folder.path().join("noise.pth"), b"neither this nor that").unwrap();
    let noise = error(&["build", "deepid2", "--weights", text(&folder.path().join("noise.pth")), "-o", text(&out)]);
    assert!(noise.contains("noise.pth"), "{noise}");
    // One source of weights, not two, not none.
    assert_eq!(zoo(&["build", "deepid2", "-o", text(&out)]).status.code(), Some(2));
    assert_eq!(zoo(&["build", "deepid2", "--seed", "1", "--fingerprint", "-o", text(&out)]).status.code(), Some(2));
    assert!(!out.exists());
}
