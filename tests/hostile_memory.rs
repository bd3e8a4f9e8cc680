//! Reading and preparing a file takes no more memory than its limits allow, whatever the file says: the allocator counts.
//!
//! One test, because the counters are those of the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "hostile/amplifiers.rs"]
mod amplifiers;
#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "hostile/manifest.rs"]
mod manifest;

use std::time::Instant;

use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::model::Model;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What may be used beyond the limits: tables in proportion to the number of nodes, messages, the formatting of errors.
const SLACK: u64 = 64 << 20;

/// Peak bytes above what was in use before, and seconds.
fn measured(run: impl FnOnce() -> Result<(), Error>) -> (u64, f64, Result<(), Error>) {
    ALLOCATOR.reset_peak_usage();
    let (before, start) = (ALLOCATOR.current_usage(), Instant::now());
    let outcome = run();
    let seconds = start.elapsed().as_secs_f64();
    (ALLOCATOR.peak_usage().saturating_sub(before) as u64, seconds, outcome)
}

/// What the limits promise: the file, the model, its weights once more while they are rewritten, and folding.
fn promised(file: u64, limits: &Limits) -> u64 {
    file + 2 * limits.max_model_bytes + limits.max_folding_bytes
}

fn told(outcome: &Result<(), Error>) -> String {
    outcome.as_ref().map_or_else(|e| e.to_string().chars().take(110).collect::<String>().escape_debug().to_string(), |()| "works".into())
}

#[test]
fn peak_memory_stays_within_the_limits() {
    let (_outer, root) = manifest::prepared();
    let tight = Limits { max_model_bytes: 16 << 20, max_folding_bytes: 16 << 20, ..Limits::default() };
    let mut highest = (0, String::new());
    for limits in [Limits::default(), tight] {
        for entry in manifest::entries().iter().filter(|e| e.applies()) {
            let size = std::fs::metadata(root.join(&entry.file)).unwrap().len();
            let (peak, seconds, outcome) = measured(|| entry.run(&root, &limits));
            if peak > 1 << 20 || seconds > 0.2 {
                println!("{:<45} {:8.1} MiB {seconds:6.3} s  {}", entry.file, peak as f64 / f64::from(1 << 20), told(&outcome));
            }
            assert!(peak <= promised(size, &limits) + SLACK, "{} takes {peak} bytes", entry.file);
            assert!(seconds < 60.0, "{} takes {seconds} s", entry.file);
            if peak > highest.0 {
                highest = (peak, entry.file.clone());
            }
        }
    }
    println!("highest: {} ({} bytes)", highest.1, highest.0);

    // Files of some megabytes in which two bytes stand for something large in memory.
    let mut objections = Vec::new();
    for (name, bytes) in amplifiers::all() {
        for budget in [32u64 << 20, 512 << 20] {
            let limits = Limits { max_model_bytes: budget, max_folding_bytes: budget, ..Limits::default() };
            let mut kept = None;
            let (peak, seconds, outcome) = measured(|| {
                let model = if name.ends_with("safetensors") { Model::from_safetensors } else { Model::from_onnx };
                kept = Some(model(&bytes, name, &limits)?);
                Ok(())
            });
            let size = bytes.len() as u64;
            println!(
                "{name:<30} {size:>9} bytes, budget {:>3} MiB: reading {:8.1} MiB {seconds:6.3} s  {}",
                budget >> 20,
                mib(peak),
                told(&outcome)
            );
            if peak > size + limits.max_model_bytes + limits.max_folding_bytes + SLACK {
                objections.push(format!("{name} takes {peak} bytes to read with a budget of {budget}"));
            }
            let Some(model) = kept else { continue };
            let (peak, seconds, outcome) = measured(|| bodies::plan(&model, 1, 12));
            println!("{:<30} preparing {:8.1} MiB {seconds:6.3} s  {}", "", mib(peak), told(&outcome));
            if peak > promised(size, &limits) + SLACK {
                objections.push(format!("{name} takes {peak} bytes to prepare with a budget of {budget}"));
            }
        }
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
