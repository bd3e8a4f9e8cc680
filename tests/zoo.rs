//! The registry: counts and numbers of every network against those of programs that share nothing with this one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "zoo/document.rs"]
mod document;

use std::collections::HashSet;

use lookalike::graph::Counts;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{Shape, Tensor};
use lookalike::zoo::{self, Entry, Fingerprint};

/// Relative error of a fingerprint: weights and arithmetic in f32 leave about 2e-6 of a network's output, published figures have six digits.
const TOLERANCE: f64 = 1e-4;

/// `LOOKALIKE_ZOO=vgg` tests the networks whose name contains that.
fn chosen() -> impl Iterator<Item = &'static Entry> {
    let part = std::env::var("LOOKALIKE_ZOO").unwrap_or_default();
    zoo::networks().filter(move |e| e.name.contains(&part))
}

#[test]
fn names_are_unique_and_found() {
    let mut seen = HashSet::new();
    for entry in zoo::networks() {
        for name in std::iter::once(&entry.name).chain(entry.aliases) {
            assert_eq!(zoo::find(name).unwrap().name, entry.name, "{name}");
            assert!(seen.insert(name.to_lowercase().replace(['-', '_', '.', ' '], "")), "{name} twice");
        }
        assert!(!entry.title.is_empty() && !entry.paper.title.is_empty() && entry.paper.year > 2000, "{}", entry.name);
        assert!(!entry.reference.is_empty() && !entry.licence.is_empty(), "{}", entry.name);
    }
}

#[test]
fn parameters_and_multiply_adds_are_those_of_the_layer_tables() {
    let wrong: Vec<_> = chosen()
        .filter_map(|entry| {
            let got = Counts::of(&entry.layers().unwrap_or_else(|e| panic!("{}: {e}", entry.name))).unwrap();
            (got != entry.counts).then(|| format!("{}: {got:?} instead of {:?}", entry.name, entry.counts))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fingerprints_are_those_of_other_programs() {
    let mut norms = Vec::new();
    let mut wrong = Vec::new();
    for entry in chosen() {
        match fingerprint(entry) {
            Ok(norm) => norms.extend(norm.map(|n| (entry.name, n))),
            Err(e) => wrong.push(e),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if std::env::var_os("LOOKALIKE_UPDATE_ZOO").is_some() {
        document::write(&norms);
    }
}

#[test]
fn the_document_shows_the_registry() {
    if std::env::var_os("LOOKALIKE_UPDATE_ZOO").is_none() {
        document::check();
    }
}

/// The norm of the output, when there is one to compare it with.
fn fingerprint(entry: &Entry) -> Result<Option<f64>, String> {
    let Some(expected) = &entry.fingerprint else { return Ok(None) };
    let mut model = entry.model(&mut Fingerprint).unwrap();
    if !expected.values.is_empty() {
        model.graph.select_outputs(&expected.values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>()).unwrap();
    }
    let [height, width] = expected.size.unwrap_or(entry.input.size);
    let shape = Shape::from([1, entry.input.depth(), height, width]);
    let input = Fingerprint::input(&shape);
    let options = CompileOptions { shapes: vec![("input".to_owned(), shape)], ..CompileOptions::default() };
    let network = Network::compile(&common::gpu(), &model, &options).map_err(|e| format!("{}: {e}", entry.name))?;
    drop(model);
    let outputs = network.run(&[("input", &input)]).map_err(|e| format!("{}: {e}", entry.name))?;
    let joined: Vec<f64> = outputs.iter().flat_map(|(_, t)| Tensor::to_f64(t)).collect();
    let norm = joined.iter().map(|v| v * v).sum::<f64>().sqrt();
    println!("{:<28} {norm:<12.6} {:<12.6}", entry.name, expected.norm);
    let off = |got: f64, want: f64| (got - want).abs() / expected.norm > TOLERANCE;
    if off(norm, expected.norm) {
        return Err(format!("{}: a norm of {norm} instead of {}; begins {:?}", entry.name, expected.norm, &joined[..4]));
    }
    match expected.elements.iter().find(|(i, want)| joined.get(*i).is_none_or(|got| off(*got, *want))) {
        Some((i, want)) => Err(format!("{}: {:?} at {i} instead of {want}", entry.name, joined.get(*i))),
        None => Ok(Some(norm)),
    }
}

#[test]
fn an_unknown_name_gives_its_neighbours() {
    let text = zoo::find("iresnet-19").unwrap_err().to_string();
    assert!(text.contains("`iresnet-19`") && text.contains("iresnet-18"), "{text}");
    assert_eq!(zoo::find("IR 18").unwrap().name, "iresnet-18");
    assert_eq!(zoo::find("DeepID2+").unwrap().name, "deepid2-plus");
    assert_eq!(zoo::find("nn4.small2.v1").unwrap().name, "openface-nn4-small2-v1");
}
