//! Damaged and contradictory files of Caffe and dlib: each gives the error that its manifest names, no change of a file makes the reader
//! panic, and nothing takes more memory than its limits allow: the allocator counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "hostile/manifest.rs"]
mod manifest;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::checkpoint::{StateDict, caffe};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Changed files in all, over all files of a format.
const ROUNDS: usize = 10_000;

const FORMATS: [&str; 2] = ["caffe", "dlib"];

/// What may be used beyond the limits: messages, the table of names.
const SLACK: u64 = 1 << 20;

/// The counters are those of the process, so that one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a file; a panic or memory beyond the limits fails.
fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict, Error> {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let outcome = StateDict::from_bytes(bytes, file, limits);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before) as u64;
    assert!(peak <= limits.max_model_bytes + SLACK, "{file} takes {peak} bytes");
    match &outcome {
        Err(e) => bodies::sentence(e),
        Ok(dict) => {
            if let Err(e) = caffe::upright(dict) {
                bodies::sentence(&e);
            }
        }
    }
    outcome
}

fn folder(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(part)
}

/// Names and content of the files in a folder, sorted.
fn files(part: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder(part))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "caffemodel" || e == "dat"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    what: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    phrase: String,
}

#[derive(serde::Deserialize)]
struct Manifest {
    file: Vec<Entry>,
}

#[test]
fn every_hostile_file_gives_its_named_error() {
    let _turn = alone();
    for format in FORMATS {
        let part = format!("hostile/{format}");
        let text = std::fs::read_to_string(folder(&part).join("manifest.toml")).unwrap();
        let entries = toml::from_str::<Manifest>(&text).unwrap().file;
        let mut objections = Vec::new();
        for entry in &entries {
            let bytes = std::fs::read(folder(&part).join(&entry.file)).unwrap();
            let (variant, said) = match read(&bytes, &entry.file, &Limits::default()) {
                Ok(_) => ("", String::new()),
                Err(e) => (manifest::variant(&e), e.to_string()),
            };
            println!("{:<32} {variant:<12} {said}", entry.file);
            if variant != entry.error || !said.contains(&entry.phrase) {
                objections.push(format!("{} ({}): {variant} {said}", entry.file, entry.what));
            }
        }
        assert!(objections.is_empty(), "{} files:\n{}", objections.len(), objections.join("\n"));
        let listed: BTreeSet<_> = entries.into_iter().map(|e| e.file).collect();
        assert_eq!(listed, files(&part).into_iter().map(|(name, _)| name).collect());
    }
}

#[test]
fn files_cut_at_any_byte() {
    let _turn = alone();
    for (format, file) in FORMATS.iter().flat_map(|f| files(f).into_iter().map(move |file| (f, file))) {
        let (name, bytes) = file;
        for cut in 0..bytes.len() {
            let outcome = read(&bytes[..cut], &name, &Limits::default());
            // Cuts between two layers of Caffe leave a smaller network.
            assert!(outcome.is_err() || *format == "caffe", "{name} works without its last {} bytes", bytes.len() - cut);
        }
    }
}

#[test]
fn ten_thousand_changed_files() {
    let _turn = alone();
    let limits = Limits { max_model_bytes: 1 << 20, ..Limits::default() };
    for format in FORMATS {
        let mut random = mutate::Random(0x5eed);
        let (intact, hostile) = (files(format), files(&format!("hostile/{format}")));
        let (mut read_well, mut refused) = (0, 0);
        for round in 0..ROUNDS {
            let seeds = if round % 4 == 0 { &hostile } else { &intact };
            let (name, seed) = &seeds[round / 4 % seeds.len()];
            let mut damaged = seed.clone();
            mutate::bytes(&mut damaged, &mut random);
            match read(&damaged, name, &limits) {
                Ok(_) => read_well += 1,
                Err(_) => refused += 1,
            }
        }
        println!("{format}: {read_well} read, {refused} refused");
        assert!(read_well > 100 && refused > ROUNDS / 4);
    }
}

/// A length-delimited field.
fn part(number: u64, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    for mut n in [number << 3 | 2, content.len() as u64] {
        while n > 127 {
            field.push((n & 127 | 128) as u8);
            n >>= 7;
        }
        field.push(n as u8);
    }
    field.extend_from_slice(content);
    field
}

/// A few bytes of a file that stand for much more in memory.
#[test]
fn many_of_little() {
    const MANY: usize = 1 << 20;
    let _turn = alone();
    let layer = |fields: &[Vec<u8>]| part(100, &fields.concat());
    let blob = |content: &[u8]| layer(&[part(2, b"PReLU"), part(7, content)]);
    // A shape of one axis of length 1, and its number.
    let one = [part(7, b"\x08\x01"), part(5, &[0; 4])].concat();
    let norm = |name: &[u8]| layer(&[part(1, name), part(2, b"BatchNorm"), part(4, name), part(7, &one), part(7, &one), part(7, &one)]);
    let slopes = |name: String| layer(&[part(1, name.as_bytes()), part(2, b"PReLU"), part(7, &one)]);
    let cases = [
        ("layers", layer(&[]).repeat(MANY)),
        ("old layers", part(2, &[]).repeat(MANY)),
        ("blobs", layer(&[part(7, &[]).repeat(MANY)])),
        ("names", layer(&[part(3, &[]).repeat(MANY)])),
        ("pieces", blob(&part(5, &[]).repeat(MANY))),
        ("numbers", blob(&[5 << 3 | 5, 0, 0, 0, 0].repeat(MANY))),
        ("tensors", (0..MANY / 32).flat_map(|i| slopes(i.to_string())).collect()),
        ("normalisations", (0..MANY / 64).flat_map(|i| norm(i.to_string().as_bytes())).collect()),
        ("a long name", norm(&b"n".repeat(2 * MANY))),
    ];
    for (name, bytes) in &cases {
        for budget in [4u64 << 20, 32 << 20, 512 << 20] {
            let limits = Limits { max_nodes: usize::MAX, max_initializers: usize::MAX, max_model_bytes: budget, ..Limits::default() };
            let (variant, said) = match read(bytes, name, &limits) {
                Ok(_) => ("works", String::new()),
                Err(e) => (manifest::variant(&e), e.to_string().chars().take(100).collect()),
            };
            println!("{name:<16} {:>9} bytes, budget {:>3} MiB: {variant} {said}", bytes.len(), budget >> 20);
            let want = if *name == "a long name" { "Model" } else { "Limits" };
            assert!(budget > 4 << 20 || variant == want, "{name}: {variant}");
        }
    }
}
