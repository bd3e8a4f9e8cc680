//! Training objectives on the GPU, against published-formula vectors and against what theory says of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{gpu, test_data};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::heads::{Head, Step, Want};
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

/// Runs every case through `evaluate` and compares: the loss by its size, arrays by their largest number.
fn against_vectors(bounds: [f64; 2], evaluate: impl Fn(&Head, &[(&str, &Tensor)]) -> Step) {
    let Some(folder) = test_data() else { return };
    let text_of_file = std::fs::read_to_string(folder.join("golden/margins.json")).unwrap();
    let golden: Value = serde_json::from_str(&text_of_file).unwrap();
    let tensors = &golden["tensors"];
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
        let step = evaluate(&head, &given);
        let expect = case["expect"].as_object().unwrap();
        let mut check = |what: &str, error: f64, bound: f64| {
            let kind = if what.starts_with('d') { "gradient" } else { what }.to_owned();
            let most = worst.entry(kind).or_insert(0.0f64);
            *most = most.max(error);
            if error.is_nan() || error > bound {
                missed.push(format!("{id} {what}: {error:.2e}"));
            }
        };
        let loss = expect["loss"].as_f64().unwrap();
        check("loss", (step.loss - loss).abs() / loss.abs().max(1e-30), bounds[0]);
        if let Some(logits) = expect.get("logits") {
            check("logits", difference(step.logits.as_ref().unwrap(), &flat(logits)), bounds[0].max(1e-6));
        }
        for (slot, want) in expect["grad"].as_object().unwrap() {
            let got = step.gradient(slot).unwrap_or_else(|| panic!("{id}: no gradient by {slot}"));
            check(&format!("d{slot}"), difference(got, &flat(want)), bounds[1]);
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

#[test]
fn every_vector_of_the_literature_is_met() {
    let gpu = gpu();
    against_vectors([1e-5, 5e-5], |head, inputs| head.run(&gpu, inputs, Want::all()).unwrap());
}

/// The reference that the self-test compares with is itself held against the vectors, which other programs computed.
#[test]
fn the_reference_meets_every_vector() {
    against_vectors([1e-9, 1e-6], |head, inputs| head.reference(inputs).unwrap());
}

/// A hash as numbers in [-1, 1).
fn noise(shape: [usize; 2], seed: u32) -> Tensor {
    let number = |i: u32| {
        let mut h = i.wrapping_mul(0x9E37_79B9) ^ seed.wrapping_mul(0x85EB_CA6B);
        h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
        h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
        ((h ^ (h >> 15)) >> 8) as f32 / 8_388_608.0 - 1.0
    };
    Tensor::from_f32(shape, (0..(shape[0] * shape[1]) as u32).map(number).collect()).unwrap()
}

fn head(name: &str, params: &[(&str, &str)]) -> Head {
    Head::from_name(name, params).unwrap()
}

/// Heads on angles, whose gradients do not change lengths.
const ANGULAR: [(&str, &[(&str, &str)]); 7] = [
    ("nsl", &[("s", "16")]),
    ("cosface", &[("s", "16")]),
    ("arcface", &[("s", "16")]),
    ("arcface", &[("s", "16"), ("grad", "straight_through")]),
    ("combined", &[("s", "16"), ("m1", "0.9")]),
    ("li_arcface", &[("s", "16")]),
    ("arcnegface", &[("s", "16")]),
];

/// Embeddings, classes, labels.
fn problem() -> (Tensor, Tensor, Vec<i64>) {
    (noise([10, 24], 1), noise([17, 24], 2), (0..10).map(|i| (i * 5) % 17).collect())
}

/// Of each row of two matrices: their product, over the product of their lengths.
fn cosines(a: &Tensor, b: &Tensor) -> Vec<f64> {
    let columns = a.shape()[1];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (a.to_f64(), b.to_f64());
    let rows = a.chunks(columns).zip(b.chunks(columns));
    rows.map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-30)).collect()
}

fn map(t: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    Tensor::from_f32(t.shape().to_vec(), t.to_f32().iter().map(|&v| f(v)).collect()).unwrap()
}

#[test]
fn gradients_on_angles_are_orthogonal_to_their_rows() {
    let (x, w, y) = problem();
    for (name, params) in ANGULAR {
        let step = head(name, params).step(&gpu(), &x, &w, &y, Want::gradients()).unwrap();
        for (gradient, rows) in [(step.dx().unwrap(), &x), (step.dw().unwrap(), &w)] {
            let worst = cosines(gradient, rows).into_iter().fold(0.0f64, |a, c| a.max(c.abs()));
            assert!(worst < 1e-5, "{name} {params:?}: {worst:e}");
        }
    }
}

#[test]
fn a_larger_margin_never_costs_less() {
    let (x, w, y) = problem();
    let gpu = gpu();
    for (name, fixed) in
        [("cosface", ("s", "16")), ("arcface", ("boundary", "linear")), ("li_arcface", ("s", "16")), ("arcnegface", ("s", "16"))]
    {
        let losses: Vec<f64> = ["0", "0.1", "0.25", "0.4", "0.6"]
            .iter()
            .map(|m| head(name, &[fixed, ("m", m)]).step(&gpu, &x, &w, &y, Want::default()).unwrap().loss)
            .collect();
        // ArcNegFace's other classes weigh less when the target falls, so only its beginning and end are ordered.
        let ordered = if name == "arcnegface" { losses[0] < losses[4] } else { losses.windows(2).all(|p| p[0] < p[1]) };
        assert!(ordered, "{name}: {losses:?}");
    }
}

#[test]
fn without_a_margin_every_head_is_the_normalised_softmax() {
    let (x, w, y) = problem();
    let gpu = gpu();
    let nsl = head("nsl", &[("s", "16")]).step(&gpu, &x, &w, &y, Want::all()).unwrap();
    let none: [(&str, &[(&str, &str)]); 4] = [
        ("cosface", &[("s", "16"), ("m", "0")]),
        ("arcface", &[("s", "16"), ("m", "0"), ("boundary", "none")]),
        ("arcface", &[("s", "16"), ("m", "0"), ("grad", "straight_through")]),
        ("combined", &[("s", "16"), ("m1", "1"), ("m2", "0"), ("m3", "0")]),
    ];
    for (name, params) in none {
        let step = head(name, params).step(&gpu, &x, &w, &y, Want::all()).unwrap();
        assert!((step.loss - nsl.loss).abs() < 1e-6 * nsl.loss, "{name}: {} {}", step.loss, nsl.loss);
        for slot in ["x", "w"] {
            let apart = difference(step.gradient(slot).unwrap(), &nsl.gradient(slot).unwrap().to_f64());
            assert!(apart < 5e-6, "{name} {params:?} d{slot}: {apart:e}");
        }
    }
}

/// Twice as long embeddings: the same loss, half the gradient, to the bit, because doubling is exact.
#[test]
fn heads_on_angles_do_not_see_lengths() {
    let (x, w, y) = problem();
    let gpu = gpu();
    for (name, params) in ANGULAR.into_iter().chain([("l2_softmax", &[("alpha", "16")][..])]) {
        let head = head(name, params);
        let one = head.step(&gpu, &x, &w, &y, Want::gradients()).unwrap();
        let two = head.step(&gpu, &map(&x, |v| 2.0 * v), &w, &y, Want::gradients()).unwrap();
        assert_eq!(one.loss, two.loss, "{name}");
        assert_eq!(one.dw(), two.dw(), "{name}");
        assert_eq!(map(one.dx().unwrap(), |v| 0.5 * v), *two.dx().unwrap(), "{name}");
    }
}

#[test]
fn the_order_of_a_batch_is_the_order_of_its_gradients() {
    let (x, w, y) = problem();
    let gpu = gpu();
    let order = [3, 0, 9, 7, 1, 2, 8, 5, 4, 6];
    let shuffled: Vec<i64> = order.iter().map(|&i| y[i]).collect();
    for (name, params) in ANGULAR {
        let head = head(name, params);
        let plain = head.step(&gpu, &x, &w, &y, Want::gradients()).unwrap();
        let moved = head.step(&gpu, &common::pick(&x, order), &w, &shuffled, Want::gradients()).unwrap();
        assert!((plain.loss - moved.loss).abs() < 1e-6 * plain.loss, "{name}");
        assert_eq!(common::pick(plain.dx().unwrap(), order), *moved.dx().unwrap(), "{name}");
        assert!(difference(moved.dw().unwrap(), &plain.dw().unwrap().to_f64()) < 1e-5, "{name}");
    }
}

#[test]
fn ignored_rows_change_nothing() {
    let (x, w, y) = problem();
    let gpu = gpu();
    let head = head("arcface", &[("s", "16")]);
    let all = head.step(&gpu, &x, &w, &y, Want::gradients()).unwrap();
    let more = Tensor::from_f32([12, 24], [&x.to_f32()[..], &noise([2, 24], 9).to_f32()[..]].concat()).unwrap();
    let labels = [&y[..], &[-1, -1]].concat();
    let with = head.step(&gpu, &more, &w, &labels, Want::gradients()).unwrap();
    assert_eq!(all.loss, with.loss);
    assert_eq!(all.dw(), with.dw());
    let dx = with.dx().unwrap().to_f32();
    assert_eq!(dx[..240], all.dx().unwrap().to_f32()[..]);
    assert!(dx[240..].iter().all(|&v| v == 0.0));
    let none = head.step(&gpu, &x, &w, &[-1; 10], Want::gradients()).unwrap();
    assert_eq!(none.loss, 0.0);
    assert!(none.gradients.iter().all(|(_, t)| t.to_f32().iter().all(|&v| v == 0.0)));
}

#[test]
fn one_class_costs_nothing() {
    let gpu = gpu();
    for (name, params) in ANGULAR {
        let step = head(name, params).step(&gpu, &noise([3, 5], 1), &noise([1, 5], 2), &[0, 0, 0], Want::gradients()).unwrap();
        assert_eq!(step.loss, 0.0, "{name}");
        assert!(step.gradients.iter().all(|(_, t)| t.to_f32().iter().all(|&v| v == 0.0)), "{name}");
    }
}

/// Partial sums over chunks and blocks of classes against maximum and sum over the logits themselves.
#[test]
fn softmax_in_one_pass_equals_softmax_in_two() {
    let gpu = gpu();
    let classes = 40_000;
    let (x, w, y) = (noise([5, 6], 3), noise([classes, 6], 4), [0, 39_999, 32_768, 1023, 7]);
    for scale in ["1", "64"] {
        let step = head("cosface", &[("s", scale)]).step(&gpu, &x, &w, &y, Want { logits: true, gradients: false }).unwrap();
        let logits = step.logits.unwrap().to_f64();
        let of = |(row, &y): (&[f64], &i64)| {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + row.iter().map(|z| (z - most).exp()).sum::<f64>().ln() - row[y as usize]
        };
        let mean = logits.chunks(classes).zip(&y).map(of).sum::<f64>() / 5.0;
        assert!((step.loss - mean).abs() < 1e-6 * mean, "{} {mean}", step.loss);
    }
}

#[test]
fn the_same_step_gives_the_same_bits() {
    let (x, w, y) = problem();
    let gpu = gpu();
    let head = head("arcface", &[]);
    let run = || head.step(&gpu, &x, &w, &y, Want::all()).unwrap();
    let (one, two) = (run(), run());
    assert_eq!((one.loss, &one.logits, &one.gradients), (two.loss, &two.logits, &two.gradients));
}

/// ψ of L-softmax at angles on both sides of its segments: unit vectors in a plane.
#[test]
fn psi_has_the_values_of_its_table() {
    let Some(folder) = test_data() else { return };
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("golden/margins.json")).unwrap()).unwrap();
    let rows = golden["psi_table"]["rows"].as_array().unwrap();
    assert!(rows.len() >= 50);
    let gpu = gpu();
    for m in ["1", "2", "3", "4"] {
        let own: Vec<Vec<f64>> = rows.iter().map(flat).filter(|r| r[0].to_string() == m).collect();
        let n = own.len();
        let w: Vec<f32> = own.iter().flat_map(|r| [r[1].to_radians().cos() as f32, r[1].to_radians().sin() as f32]).collect();
        let x = Tensor::from_f32([n, 2], [1.0, 0.0].repeat(n)).unwrap();
        let labels: Vec<i64> = (0..n as i64).collect();
        let head = head("l_softmax", &[("m", m), ("lambda", "0")]);
        let step = head.step(&gpu, &x, &Tensor::from_f32([n, 2], w).unwrap(), &labels, Want { logits: true, gradients: false }).unwrap();
        let logits = step.logits.unwrap().to_f64();
        for (i, row) in own.iter().enumerate() {
            assert!((logits[i * n + i] - row[2]).abs() < 3e-6, "m = {m}, {} degrees: {} {}", row[1], logits[i * n + i], row[2]);
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let (x, w, y) = problem();
    let gpu = gpu();
    let arcface = head("arcface", &[]);
    let told = |inputs: &[(&str, &Tensor)]| arcface.run(&gpu, inputs, Want::all()).unwrap_err().to_string();
    let labels = Tensor::indices(y.clone());
    assert!(told(&[("x", &x), ("w", &noise([17, 23], 1)), ("y", &labels)]).contains("17x23, which does not fit `x` of 10x24"));
    assert!(told(&[("x", &x), ("w", &w)]).contains("needs the input `y`"));
    assert!(told(&[("x", &x), ("w", &w), ("y", &labels), ("bias", &x)]).contains("no input `bias`"));
    assert!(told(&[("x", &x), ("w", &w), ("y", &Tensor::indices(vec![17; 10]))]).contains("label 17 of row 0"));
    assert!(told(&[("x", &x), ("w", &w), ("y", &Tensor::indices(vec![-2; 10]))]).contains("label -2 of row 0"));
    assert!(told(&[("x", &x), ("w", &w), ("y", &Tensor::indices(vec![0; 9]))]).contains("10 rows"));
    assert!(told(&[("x", &map(&x, |_| f32::NAN)), ("w", &w), ("y", &labels)]).contains("Element 0 of the input `x` is NaN"));
    assert!(told(&[("x", &labels), ("w", &w), ("y", &labels)]).contains("matrix"));
}

#[test]
fn an_empty_batch_costs_nothing() {
    let gpu = gpu();
    for (name, _) in Head::names().iter().filter(|(name, _)| *name != "regularface") {
        let head = Head::from_name(name, &[]).unwrap();
        let slots = head.slots();
        let array = |slot: &str| match slot {
            "y" | "same" => Tensor::zeros([0]),
            "w" | "centers" => noise([3, 6], 1),
            "margin" | "bias" => Tensor::zeros([3]),
            _ => Tensor::zeros([0, 6]),
        };
        let inputs: Vec<_> = slots.0.iter().chain(slots.1).map(|&slot| (slot, array(slot))).collect();
        let given: Vec<_> = inputs.iter().map(|(slot, t)| (*slot, t)).collect();
        let step = head.run(&gpu, &given, Want::all()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(step.loss, 0.0, "{name}");
        assert!(!step.gradients.is_empty(), "{name}");
        for (slot, gradient) in &step.gradients {
            assert!(gradient.to_f32().iter().all(|&v| v == 0.0), "{name} d{slot}");
            if let Some((_, input)) = inputs.iter().find(|(s, _)| s == slot).filter(|_| *name != "deepid2_cosine") {
                assert_eq!(gradient.shape(), input.shape(), "{name} d{slot}");
            }
        }
    }
}

/// The class matrix of Glint360K with its 360,232 identities: W is 738 MB, its logits for 64 embeddings would be 92 MB.
#[test]
#[ignore = "takes 2.5 GB of memory and seconds in a release build"]
fn a_step_on_360_232_classes_stays_within_2_gib() {
    let gpu = Gpu::new(&GpuOptions { memory_budget: Some(2 << 30), ..GpuOptions::default() }).unwrap();
    let classes = 360_232;
    let (x, w) = (noise([64, 512], 1), noise([classes, 512], 2));
    let labels: Vec<i64> = (0..64).map(|i| (i * 5_639) % classes as i64).collect();
    let step = head("arcface", &[]).step(&gpu, &x, &w, &labels, Want::gradients()).unwrap();
    for s in &step.stages {
        println!("{:<9} {:>9.1} ms  {:>6.1} GFLOP/s  {:>11} bytes", s.name, s.seconds * 1e3, s.gflops(), s.bytes);
    }
    println!("loss {}, {} bytes on the device", step.loss, step.device_bytes);
    assert!(step.device_bytes <= 2 << 30);
    let worst = cosines(step.dx().unwrap(), &x).into_iter().fold(0.0f64, |a, c| a.max(c.abs()));
    assert!(worst < 1e-4 && step.loss.is_finite() && step.loss > 12.0, "{worst:e}, {}", step.loss);
}
