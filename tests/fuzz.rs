//! The bodies of the fuzzers, run for a while on seeded changes of real files: no panic, and nothing beyond the limits.
//!
//! `fuzz/` runs the same bodies for as long as one likes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lookalike::graph::Dim;
use lookalike::import::Limits;
use lookalike::model::{Model, Precision};

use mutate::Random;

/// Changed files in all, over all files of a kind.
const ROUNDS: usize = 10_000;

/// The files of a folder of `tests/hostile` or of the test data, sorted.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).map(|e| e.map(|e| e.unwrap().path()).collect::<Vec<_>>()).unwrap_or_default();
    let mut files: Vec<_> = entries.into_iter().filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    files
}

fn hostile(folder: &str, extension: &str) -> Vec<PathBuf> {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile").join(folder), extension);
    assert!(!files.is_empty());
    files
}

/// Models of others, where they are there.
fn real_models() -> Vec<PathBuf> {
    let Some(data) = std::env::var_os("LOOKALIKE_TEST_DATA") else {
        println!("skipped: models of others; set LOOKALIKE_TEST_DATA");
        return Vec::new();
    };
    let small = |p: &PathBuf| p.metadata().is_ok_and(|m| m.len() < 500_000);
    files(&Path::new(&data).join("data/models"), "onnx").into_iter().filter(small).collect()
}

#[test]
fn ten_thousand_changed_onnx_files() {
    let mut random = Random(0x5eed);
    let mut slowest = (Duration::ZERO, 0);
    let seeds: Vec<Vec<u8>> = hostile("seeds", "onnx").iter().map(|p| std::fs::read(p).unwrap()).collect();
    for round in 0..ROUNDS {
        let file = &seeds[round % seeds.len()];
        let intact = mutate::model(file, &mut random).filter(|_| round % 2 == 0);
        let changed = intact.unwrap_or_else(|| {
            let mut damaged = file.clone();
            mutate::bytes(&mut damaged, &mut random);
            damaged
        });
        let start = Instant::now();
        bodies::onnx_import(&changed);
        if start.elapsed() > slowest.0 {
            slowest = (start.elapsed(), round);
        }
    }
    println!("slowest: round {}, {:?}", slowest.1, slowest.0);
}

/// Element numbers, bytes and workgroups at the edge of 32 bits: a plan that keeps to the device's limits, or a sentence.
#[test]
fn sizes_at_the_edge_plan_or_say_no() {
    const SIZES: [usize; 12] = [1, 2, 255, 4097, 11_585, 16_384, 32_768, 46_341, 65_536, 1 << 20, (1 << 31) - 1, usize::MAX];
    let mut planned = 0;
    for path in hostile("seeds", "onnx") {
        let mut model = Model::from_onnx(&std::fs::read(path).unwrap(), "seed.onnx", &Limits::default()).unwrap();
        for input in &mut model.graph.inputs {
            for dim in input.dims.iter_mut().skip(2) {
                *dim = Dim::Free("size".into());
            }
        }
        for (batch, size) in [1, 3, 65_535, 1 << 24].into_iter().flat_map(|batch| SIZES.map(|size| (batch, size))) {
            match bodies::plan(&model, batch, size) {
                Ok(()) => planned += 1,
                Err(e) => bodies::sentence(&e),
            }
        }
    }
    assert!(planned > 20, "{planned}");
}

#[test]
fn changed_models_of_others() {
    let mut random = Random(7);
    for path in real_models() {
        let file = std::fs::read(&path).unwrap();
        // Fewer rounds for larger files: each reads about as many bytes.
        for _ in 0..(64 << 20) / file.len().max(1) {
            let mut damaged = file.clone();
            mutate::bytes(&mut damaged, &mut random);
            let limits = Limits { max_model_bytes: 64 << 20, max_folding_bytes: 16 << 20, ..Limits::default() };
            if let Err(e) = Model::from_onnx(&damaged, "changed.onnx", &limits) {
                bodies::sentence(&e);
            }
        }
    }
}

#[test]
fn cut_models_of_others() {
    for path in real_models() {
        let file = std::fs::read(&path).unwrap();
        // Both sides of every boundary of the outer parts, and places in between.
        let mut cuts: Vec<usize> = boundaries(&file).into_iter().flat_map(|b| [b.saturating_sub(1), b, b + 1]).collect();
        cuts.extend((0..100).map(|i| file.len() * i / 100));
        cuts.retain(|&c| c < file.len());
        for cut in cuts {
            // Cuts between two parts of the outermost message can leave a whole model.
            if let Err(e) = Model::from_onnx(&file[..cut], "cut.onnx", &Limits::default()) {
                bodies::sentence(&e);
            }
        }
    }
}

/// Where the fields of the model, and the first thousand of its graph, begin.
fn boundaries(file: &[u8]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut stack = vec![(0, file.len(), 0)];
    while let Some((mut at, end, depth)) = stack.pop() {
        while at < end && out.len() < 1000 {
            out.push(at);
            let (Some((key, n)), mut next) = (varint(file, at), at) else { break };
            next += n;
            let Some((length, n)) = varint(file, next) else { break };
            out.push(next);
            next += n;
            let stop = match key & 7 {
                0 => next,
                2 => next.saturating_add(length as usize),
                1 => next - n + 8,
                _ => next - n + 4,
            };
            if key & 7 == 2 && (depth == 0 && key >> 3 == 7 || depth == 1 && out.len() < 200) {
                stack.push((next, stop.min(end), depth + 1));
            }
            at = stop;
        }
    }
    out
}

fn varint(file: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, &byte) in file.get(at..)?.iter().take(9).enumerate() {
        value |= u64::from(byte & 127) << (7 * i);
        if byte < 128 {
            return Some((value, i + 1));
        }
    }
    None
}

#[test]
fn ten_thousand_changed_model_files() {
    let mut random = Random(0x5afe);
    let mut seeds: Vec<Vec<u8>> = hostile("seeds", "onnx")
        .iter()
        .map(|p| Model::from_onnx(&std::fs::read(p).unwrap(), "seed.onnx", &Limits::default()).unwrap().to_bytes(Precision::F32).unwrap())
        .collect();
    seeds.extend(hostile("model_files", "safetensors").iter().map(|p| std::fs::read(p).unwrap()).filter(|f| f.len() < 5000));
    for round in 0..ROUNDS {
        let mut changed = seeds[round % seeds.len()].clone();
        // Mostly the header, and its length kept right: that is where the structure is.
        let header = changed.first_chunk().map_or(0, |h| u64::from_le_bytes(*h) as usize).min(changed.len().saturating_sub(8));
        if round % 4 == 0 || header == 0 {
            mutate::bytes(&mut changed, &mut random);
        } else {
            let mut text = changed[8..8 + header].to_vec();
            mutate::bytes(&mut text, &mut random);
            changed.splice(..8 + header, (text.len() as u64).to_le_bytes().into_iter().chain(text));
        }
        bodies::model_file(&changed);
        bodies::weights(&changed);
    }
}
