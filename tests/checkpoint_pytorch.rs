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

use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::checkpoint::{Format, StateDict};
use lookalike::tensor::DType;
use mutate::Random;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

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

/// An entry of the manifest of hostile files.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    what: String,
    /// The variant of the error; empty when the file has to work.
    error: String,
    /// A part of its sentence.
    phrase: String,
}

fn manifest() -> (PathBuf, Vec<Entry>) {
    #[derive(serde::Deserialize)]
    struct Manifest {
        file: Vec<Entry>,
    }
    let hostile = folder().join("hostile/pytorch");
    let text = std::fs::read_to_string(hostile.join("manifest.toml")).unwrap();
    (hostile, toml::from_str::<Manifest>(&text).unwrap().file)
}

fn variant(e: &Error) -> &'static str {
    match e {
        Error::Model(_) => "Model",
        Error::Limits(_) => "Limits",
        Error::Unsupported(_) => "Unsupported",
        _ => "another variant",
    }
}

#[test]
fn every_hostile_file_gives_its_named_error() {
    let (hostile, entries) = manifest();
    let mut objections = Vec::new();
    for entry in &entries {
        let outcome = StateDict::load(&hostile.join(&entry.file), &Limits::default());
        let (got, text) = match &outcome {
            Ok(_) => ("", String::new()),
            Err(e) => {
                bodies::sentence(e);
                (variant(e), e.to_string())
            }
        };
        println!("{:<36} {text}", entry.file);
        if got != entry.error || !text.contains(&entry.phrase) {
            objections.push(format!("{} ({}): {got} instead of {} with {:?}: {text}", entry.file, entry.what, entry.error, entry.phrase));
        }
    }
    assert!(objections.is_empty(), "{} files:\n{}", objections.len(), objections.join("\n"));
    let listed: BTreeSet<_> = entries.into_iter().map(|e| hostile.join(e.file)).collect();
    let found: BTreeSet<_> = files(&hostile).into_iter().filter(|p| p.extension().unwrap() != "toml").collect();
    assert_eq!(listed, found);
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

#[test]
fn ten_thousand_changed_files() {
    let mut random = Random(0x70c4);
    let seeds: Vec<Vec<u8>> = good().iter().map(|p| std::fs::read(p).unwrap()).collect();
    let mut read = 0;
    for round in 0..10_000 {
        let mut changed = seeds[round % seeds.len()].clone();
        mutate::bytes(&mut changed, &mut random);
        bodies::checkpoint(&changed);
        read += usize::from(StateDict::from_bytes(&changed, "changed.pth", &bodies::limits()).is_ok());
    }
    println!("{read} of 10000 are still readable");
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

/// Peak bytes above what was in use before. Other tests of this crate run beside it, on files of some kilobytes.
fn peak(run: impl FnOnce()) -> u64 {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    run();
    ALLOCATOR.peak_usage().saturating_sub(before) as u64
}

/// Reading takes the file, its model and a little for messages, whatever the file says.
#[test]
fn peak_memory_stays_within_the_limits() {
    const SLACK: u64 = 64 << 20;
    let limits = Limits { max_model_bytes: 64 << 20, ..Limits::default() };
    let (hostile, entries) = manifest();
    for entry in entries {
        let file = std::fs::read(hostile.join(&entry.file)).unwrap();
        let peak = peak(|| drop(StateDict::from_bytes(&file, "a.pth", &limits)));
        assert!(peak <= limits.max_model_bytes + SLACK, "{}: {peak} bytes", entry.file);
    }
    // Programs of some megabytes of which every byte makes something.
    let head = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02";
    for (name, part) in
        [("lists", &b"]"[..]), ("mappings", b"}"), ("memo", b"N\x94"), ("marks", b"("), ("tuples", b"\x85"), ("pairs", b"]]s")]
    {
        for budget in [32u64 << 20, 1 << 30] {
            let start: &[u8] = if name == "pairs" { b"}" } else { b"N" };
            let file = [head, start, &part.repeat((4 << 20) / part.len()), b"."].concat();
            let limits = Limits { max_model_bytes: budget, ..Limits::default() };
            let peak = peak(|| drop(StateDict::from_bytes(&file, "a.pth", &limits)));
            println!("{name:<10} budget {:>4} MiB: {:>4} MiB", budget >> 20, peak >> 20);
            assert!(peak <= budget + SLACK, "{name}: {peak} bytes with a budget of {budget}");
        }
    }
}
