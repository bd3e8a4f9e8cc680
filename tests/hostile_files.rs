//! Every file of `tests/hostile` gives the error that its manifest names, and opens no file that it may not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "hostile/manifest.rs"]
mod manifest;

use std::collections::BTreeSet;
use std::time::Instant;

use lookalike::import::Limits;

#[test]
fn every_hostile_file_gives_its_named_error() {
    let (_outer, root) = manifest::prepared();
    let mut objections = Vec::new();
    let mut slowest = (0.0, String::new());
    let mut waiting = BTreeSet::new();
    for entry in manifest::entries().iter().filter(|e| e.applies()) {
        let start = Instant::now();
        let outcome = entry.run(&root, &Limits::default());
        let seconds = start.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, entry.file.clone());
        }
        waiting.extend(entry.waits_for().into_iter().map(str::to_owned));
        println!("{:<45} {:7.3} s  {}", entry.file, seconds, outcome.as_ref().map_or_else(|e| shown(&e.to_string()), |()| "works".into()));
        objections.extend(entry.objection(&outcome).map(|o| format!("{} ({}): {o}", entry.file, entry.what)));
    }
    println!("slowest: {} ({:.3} s); waiting for the operators {waiting:?}", slowest.1, slowest.0);
    assert!(objections.is_empty(), "{} files:\n{}", objections.len(), objections.join("\n"));
    // A bound on nonsense only: tests run on slow machines and beside others.
    assert!(slowest.0 < 60.0, "{} took {} s", slowest.1, slowest.0);
}

/// The beginning of a message.
fn shown(text: &str) -> String {
    text.chars().take(160).collect::<String>().escape_debug().to_string()
}

#[test]
fn the_manifest_lists_every_file() {
    let listed: BTreeSet<_> = manifest::entries().into_iter().map(|e| e.file).collect();
    let mut found = BTreeSet::new();
    for part in std::fs::read_dir(manifest::folder()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(&part).unwrap().map(|e| e.unwrap().path()) {
            let name = file.strip_prefix(manifest::folder()).unwrap().to_string_lossy().replace('\\', "/");
            if !name.ends_with(".bin") {
                found.insert(name);
            }
        }
    }
    assert_eq!(listed, found);
}

/// `lookalike convert FILE`, its exit code and what it says.
#[cfg(feature = "cli")]
fn convert(file: &str, options: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_lookalike"))
        .arg("convert")
        .arg(manifest::folder().join(file))
        .arg("-o")
        .arg(folder.path().join("out.safetensors"))
        .args(options)
        .output()
        .unwrap();
    (run.status.code(), String::from_utf8(run.stderr).unwrap())
}

#[cfg(feature = "cli")]
#[test]
fn the_command_line_sets_limits_and_obeys_no_file() {
    let file = "counts/nodes.onnx";
    assert_eq!(convert(file, &[]).0, Some(0));
    let (code, said) = convert(file, &["--limit", "max_nodes=500"]);
    assert!(code == Some(2) && said.contains("at least 501 nodes") && said.contains("--limit max_nodes=N"), "{said}");
    let (code, said) = convert("counts/rank_9.onnx", &["--limit", "max_rank=9", "--limit", "max_model_bytes=1K"]);
    assert!(code == Some(2) && said.contains("max_model_bytes"), "{said}");
    let (code, said) = convert(file, &["--limit", "max_fun=9"]);
    assert!(code == Some(2) && said.contains("no limit named `max_fun`"), "{said}");
    assert_eq!(convert(file, &["--limit", "max_nodes"]).0, Some(2));
    let (code, said) = convert("graphs/escape_sequences.onnx", &[]);
    assert!(code == Some(2) && said.contains("\\u{1b}]0;owned\\u{7}") && !said.contains('\u{1b}'), "{said}");
}
