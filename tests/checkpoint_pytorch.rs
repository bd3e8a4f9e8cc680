//! Files of PyTorch, by PyTorch and by people who mean harm: the same numbers, or a sentence.
//!
//! `scripts/checkpoints/pytorch.py` and `pytorch_hostile.py` write them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lookalike::import::Limits;
use lookalike::import::checkpoint::{Format, StateDict};
use lookalike::tensor::DType;
use mutate::Random;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints")
}

/// The files of a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The files that have to load.
fn good() -> Vec<PathBuf> {
    files(&folder().join("pytorch")).into_iter().filter(|p| p.with_extension("json").exists() && p.extension().unwrap() != "json").collect()
}

/// A tensor as the script found it.
#[derive(serde::Deserialize)]
struct Expected {
    r#type: String,
    shape: Vec<usize>,
    /// Text, because not every reader of JSON rounds numbers correctly.
    values: String,
}

#[test]
fn tensors_are_those_that_pytorch_saved() {
    for path in good() {
        let expected: BTreeMap<String, Expected> =
            serde_json::from_str(&std::fs::read_to_string(path.with_extension("json")).unwrap()).unwrap();
        let dict = StateDict::load(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(dict.format, Format::PyTorch);
        let names: BTreeSet<&str> = dict.iter().map(|(n, _)| n).collect();
        assert_eq!(names, expected.keys().map(String::as_str).collect(), "{}", path.display());
        for (name, want) in &expected {
            let got = dict.get(name).unwrap();
            let place = format!("{}: {name}", path.display());
            assert_eq!(got.shape().dims(), want.shape, "{place}");
            assert_eq!(got.dtype(), dtype(&want.r#type), "{place}");
            // Doubles are kept as f32; the values of every other type are doubles exactly.
            let double = |v: &str| v.parse::<f64>().map(|v| if want.r#type == "float64" { f64::from(v as f32) } else { v }).unwrap();
            let values: Vec<f64> = want.values.split_whitespace().map(double).collect();
            assert_eq!(got.to_f64(), values, "{place}");
        }
    }
}

fn dtype(name: &str) -> DType {
    match name {
        "float64" | "float32" | "bfloat16" => DType::F32,
        "float16" => DType::F16,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int16" => DType::I16,
        "int8" => DType::I8,
        "uint32" => DType::U32,
        "uint16" => DType::U16,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        _ => panic!("{name}"),
    }
}

/// The order is that of the file: the layers as they were made.
#[test]
fn the_order_is_that_of_the_file() {
    let dict = StateDict::load(&folder().join("pytorch/network_zip.pth"), &Limits::default()).unwrap();
    let names: Vec<&str> = dict.iter().map(|(n, _)| n).collect();
    assert_eq!(names[..3], ["conv.weight", "bn.weight", "bn.bias"]);
}

#[test]
fn what_is_no_state_dict_is_refused_with_the_remedy() {
    for (file, phrase) in [
        ("refused_module_zip.pth", "`__main__.Network`"),
        ("refused_optimizer.pth", "no tensors by name"),
        ("refused_tensor.pth", "a tensor without a name"),
        ("refused_list.pth", "a list"),
        ("refused_complex.pth", "`torch.ComplexFloatStorage`"),
        ("refused_sparse.pth", "_rebuild_sparse_tensor"),
        ("refused_script.pt", "TorchScript"),
    ] {
        let error = StateDict::load(&folder().join("pytorch").join(file), &Limits::default()).unwrap_err();
        bodies::sentence(&error);
        let text = error.to_string();
        assert!(text.contains(phrase) && text.contains("torch.save(model.state_dict(), ...)"), "{file}: {text}");
    }
}

/// A file that ends anywhere is refused. So none is read that was not fetched to its end.
#[test]
fn every_truncated_file_is_refused() {
    for path in good() {
        let file = std::fs::read(&path).unwrap();
        for end in 0..file.len() {
            let error = StateDict::from_bytes(&file[..end], "cut.pth", &bodies::limits()).unwrap_err();
            bodies::sentence(&error);
        }
    }
}

/// Changes within the pickles, whose archives stay whole.
#[test]
fn ten_thousand_changed_pickles() {
    let mut random = Random(0x91c);
    let seeds: Vec<Vec<u8>> = good().iter().map(|p| std::fs::read(p).unwrap()).filter(|f| f.starts_with(b"PK")).collect();
    for round in 0..10_000 {
        let mut changed = seeds[round % seeds.len()].clone();
        // The first entry: a header, a name, padding, and the pickle, which begins with its protocol.
        let start = changed.windows(2).position(|w| w[0] == 0x80 && (2..6).contains(&w[1])).unwrap();
        let length = changed[start..].windows(4).position(|w| w == b"PK\x07\x08").unwrap();
        for _ in 0..=random.below(4) {
            let at = start + random.below(length);
            changed[at] = match random.below(3) {
                0 => changed[at] ^ 1 << random.below(8),
                1 => changed[start + random.below(length)],
                _ => changed[at].wrapping_add(1),
            };
        }
        bodies::checkpoint(&changed);
    }
}
