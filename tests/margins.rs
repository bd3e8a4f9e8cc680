//! Training objectives on the GPU, against published-formula vectors and against what theory says of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{gpu, test_data};
use lookalike::heads::{Head, Want};
use lookalike::tensor::Tensor;
use serde_json::Value;

/// A nested list as a tensor.
fn tensor(value: &Value) -> Tensor {
    let mut shape = Vec::new();
    let mut at = value;
    while let Value::Array(list) = at {
        shape.push(list.len());
        at = &list[0];
    }
    Tensor::from_f32(shape, flat(value).into_iter().map(|v| v as f32).collect()).unwrap()
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

/// Parameters as a command line gives them.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The largest difference as a part of the largest expected number.
fn difference(got: &Tensor, want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let apart = got.to_f64().iter().zip(want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
    if apart == 0.0 { 0.0 } else { apart / largest.max(1e-30) }
}

#[test]
fn every_vector_of_the_literature_is_met() {
    let Some(folder) = test_data() else { return };
    let text_of_file = std::fs::read_to_string(folder.join("golden/margins.json")).unwrap();
    let golden: Value = serde_json::from_str(&text_of_file).unwrap();
    let tensors = &golden["tensors"];
    let gpu = gpu();
    let (mut missed, mut worst) = (Vec::new(), BTreeMap::new());
    let cases = golden["cases"].as_array().unwrap();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let params: Vec<_> = case["params"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), text(v))).collect();
        let params: Vec<_> = params.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let head = Head::from_name(case["loss"].as_str().unwrap(), &params).unwrap_or_else(|e| panic!("{id}: {e}"));
        let inputs: Vec<_> =
            case["inputs"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), tensor(&tensors[v.as_str().unwrap()]))).collect();
        let given: Vec<_> = inputs.iter().map(|(k, v)| (*k, v)).collect();
        let step = head.run(&gpu, &given, Want::all()).unwrap_or_else(|e| panic!("{id}: {e}"));
        let expect = case["expect"].as_object().unwrap();
        let mut check = |what: &str, error: f64, bound: f64| {
            let kind = if what.starts_with('d') { "gradient" } else { what }.to_owned();
            let most = worst.entry(kind).or_insert(0.0f64);
            *most = most.max(error);
            if !(error <= bound) {
                missed.push(format!("{id} {what}: {error:.2e}"));
            }
        };
        let loss = expect["loss"].as_f64().unwrap();
        check("loss", (step.loss - loss).abs() / loss.abs().max(1e-30), 1e-5);
        if let Some(logits) = expect.get("logits") {
            check("logits", difference(step.logits.as_ref().unwrap(), &flat(logits)), 1e-5);
        }
        for (slot, want) in expect["grad"].as_object().unwrap() {
            let got = step.gradient(slot).unwrap_or_else(|| panic!("{id}: no gradient by {slot}"));
            check(&format!("d{slot}"), difference(got, &flat(want)), 5e-5);
        }
        for name in ["triplets", "nearest"] {
            if let Some(want) = expect.get(name) {
                check(name, difference(step.result(name).unwrap(), &flat(want)), 0.0);
            }
        }
        for name in ["sq_dist", "delta_centers", "new_centers"] {
            if let Some(want) = expect.get(name) {
                check(name, difference(step.result(name).unwrap(), &flat(want)), 1e-6);
            }
        }
    }
    println!("{} cases; worst {worst:?}", cases.len());
    assert!(cases.len() >= 122);
    assert!(missed.is_empty(), "{} miss their bound:\n{}", missed.len(), missed.join("\n"));
}
