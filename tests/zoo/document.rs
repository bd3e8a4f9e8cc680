//! docs/zoo.md: written by `cargo xtask zoo`, compared with the registry in every run.

use std::path::PathBuf;

use lookalike::zoo::{self, Entry, Output};

const INTRODUCTION: &str = "\
# Networks

Written by `cargo xtask zoo`; the tests compare it with the registry. `lookalike zoo show NAME` has the layers, the source and how a network is fed.

Parameters are trainable numbers: weights, biases, slopes, factors and summands of normalisations, not their running statistics, not the classifiers
of training. Multiply-adds are those of convolutions, locally connected and fully connected layers for one picture of the input's size. Both are counted
in the graph that is built. The columns behind them have what others published, in their own way of counting.

| network | name | year | input | output | parameters | published | multiply-adds | published | LFW % |
|---|---|---|---|---|---:|---|---:|---|---|
";

const FINGERPRINTS: &str = "
## Fingerprints

Weights and input are generated from names by a fixed rule (`zoo build NAME --fingerprint`), so that programs can be compared without a file between them. The
third column is the L2 norm of the output as computed in float64 by programs that share nothing with this one, the fourth what this crate computes in
f32 on a GPU. The tests compare the norm and some of the numbers, to 1e-4 of the norm.

| name | of | norm elsewhere | norm here |
|---|---|---:|---:|
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/zoo.md")
}

/// Writes the document with these measured norms.
pub(crate) fn write(norms: &[(&str, f64)]) {
    let norm = |e: &Entry| norms.iter().find(|(n, _)| *n == e.name).map(|(_, v)| significant(*v));
    std::fs::write(path(), text(norm)).unwrap();
}

/// Compares everything but what was measured.
pub(crate) fn check() {
    let found = std::fs::read_to_string(path()).unwrap();
    let measured = |e: &Entry| {
        let row = found.lines().rfind(|l| l.starts_with(&format!("| {} | ", e.name)))?;
        Some(row.rsplit('|').nth(1)?.trim().to_owned())
    };
    assert_eq!(found, text(measured), "run `cargo xtask zoo`");
}

fn text(norm: impl Fn(&Entry) -> Option<String>) -> String {
    let mut out = INTRODUCTION.to_owned();
    for e in zoo::networks() {
        let [height, width] = e.input.size;
        let output = match &e.output {
            Output::Embedding(embedding) => format!("{} numbers", embedding.length),
            Output::Detector => "boxes".to_owned(),
            Output::Classes(classes) => format!("{} classes", classes.len()),
            Output::Other(_) => "points".to_owned(),
        };
        let cells = [
            e.title.to_owned(),
            format!("`{}`", e.name),
            e.paper.year.to_string(),
            format!("{}x{height}x{width}", e.input.depth()),
            output,
            grouped(e.counts.parameters),
            e.published.parameters.to_owned(),
            grouped(e.counts.macs),
            e.published.macs.to_owned(),
            e.published.lfw.to_owned(),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out += FINGERPRINTS;
    for e in zoo::networks() {
        let Some(expected) = &e.fingerprint else { continue };
        let of = if expected.values.is_empty() { "the output".to_owned() } else { expected.values.join(", ") };
        out += &format!("| {} | {of} | {} | {} |\n", e.name, expected.norm, norm(e).unwrap_or_default());
    }
    out += "\n## What the papers leave open\n\n";
    for text in uncertain() {
        let names: Vec<_> = zoo::networks().filter(|e| e.uncertain == text).map(|e| format!("`{}`", e.name)).collect();
        out += &format!("* {}: {text}\n", names.join(", "));
    }
    out
}

/// Every text once, in the order of the registry.
fn uncertain() -> Vec<&'static str> {
    let mut texts = Vec::new();
    for e in zoo::networks() {
        if !e.uncertain.is_empty() && !texts.contains(&e.uncertain) {
            texts.push(e.uncertain);
        }
    }
    texts
}

/// `1234567` as `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let parts = rest.as_bytes().chunks(3).map(|c| String::from_utf8_lossy(c).into_owned());
    std::iter::once(first.to_owned()).filter(|f| !f.is_empty()).chain(parts).collect::<Vec<_>>().join(",")
}

/// Six significant digits.
fn significant(v: f64) -> String {
    let digits = (5 - v.abs().log10().floor() as i32).max(0) as usize;
    format!("{v:.digits$}")
}
