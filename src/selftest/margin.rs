//! The kernels of training objectives: whole steps of heads against the f64 reference, since no kernel of them means anything alone.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison, Input};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::heads::{Head, Step, Want};
use crate::shader::Shader;
use crate::tensor::Tensor;

/// Kernels of every classification head.
const CLASSES: &[&str] = &["margin/norms", "margin/rows", "margin/merge", "margin/columns", "margin/combine"];
const REGULAR: &[&str] = &["margin/norms", "margin/rows", "margin/merge", "margin/gather"];
const TRIPLETS: &[&str] = &["margin/norms", "margin/triplet", "margin/gather"];
const MINED: &[&str] = &["margin/norms", "margin/distances", "margin/mine", "margin/triplet", "margin/gather"];

/// A head and its sizes: rows, columns, classes or persons.
struct Case {
    head: &'static str,
    params: &'static [(&'static str, &'static str)],
    sizes: [usize; 3],
    stems: &'static [&'static str],
}

/// Every head and every way a parameter can take; rows and columns on and off a vec4, one class, more classes than a chunk and a block.
fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    let mut add = |head, params, sizes: &[[usize; 3]], stems| {
        out.extend(sizes.iter().map(|&sizes| Case { head, params, sizes, stems }));
    };
    let sizes = &[[1, 1, 1], [5, 7, 13], [4, 16, 10], [19, 20, 1030]];
    let (small, large) = (&sizes[1..2], &[[3, 3, 33_000]]);
    add("softmax", &[], sizes, CLASSES);
    add("softmax", &[("label_smoothing", "0.1")], small, CLASSES);
    add("l2_softmax", &[("alpha", "16")], sizes, CLASSES);
    add("nsl", &[("s", "30")], sizes, CLASSES);
    add("cosface", &[("s", "30")], sizes, CLASSES);
    add("cosface", &[("interclass_filter", "0.2")], small, CLASSES);
    add("adaptiveface", &[], small, CLASSES);
    add("arcface", &[("s", "30")], sizes, CLASSES);
    add("arcface", &[("m", "2.5"), ("boundary", "none")], small, CLASSES);
    add("arcface", &[("m", "2.5"), ("boundary", "linear")], small, CLASSES);
    add("arcface", &[("m", "1"), ("boundary", "easy"), ("label_smoothing", "0.2")], small, CLASSES);
    add("arcface", &[("grad", "straight_through"), ("interclass_filter", "0.3")], small, CLASSES);
    add("arcface", &[("s", "10")], large, CLASSES);
    add("combined", &[("m1", "0.9"), ("m2", "0.4"), ("m3", "0.15")], sizes, CLASSES);
    add("combined", &[("m1", "1.35"), ("m2", "0"), ("m3", "0")], small, CLASSES);
    add("li_arcface", &[], sizes, CLASSES);
    add("arcnegface", &[("s", "10")], sizes, &["margin/targets"]);
    add("arcnegface", &[("s", "10")], large, &["margin/targets"]);
    for m in ["1", "2", "3", "4"] {
        let params: &'static [_] = match m {
            "1" => &[("m", "1"), ("lambda", "0.5")],
            "2" => &[("m", "2"), ("lambda", "0.5")],
            "3" => &[("m", "3"), ("lambda", "0.5")],
            _ => &[("m", "4"), ("lambda", "0.5")],
        };
        add("l_softmax", params, small, CLASSES);
        add("a_softmax", params, small, CLASSES);
    }
    add("a_softmax", &[("grad", "caffe"), ("m", "4")], &sizes[1..], CLASSES);
    add("a_softmax", &[("grad", "caffe"), ("m", "3"), ("lambda", "0")], small, CLASSES);
    add("regularface", &[], &[[0, 7, 1], [0, 5, 13], [0, 16, 300]], REGULAR);
    add("center", &[], &[[6, 7, 5]], &["margin/pair", "margin/gather"]);
    add("center", &[("reduction", "mean"), ("alpha", "0.3")], &[[9, 8, 40]], &["margin/pair", "margin/gather"]);
    let pairs = &[[1, 3, 2], [67, 21, 2]];
    add("contrastive", &[("margin", "3")], pairs, &["margin/pair"]);
    add("contrastive", &[("metric", "l1"), ("margin", "14")], pairs, &["margin/pair"]);
    add("deepid2_cosine", &[], pairs, &["margin/pair"]);
    add("siamese", &[("b", "9.5")], pairs, &["margin/pair"]);
    add("siamese", &[("b", "200")], pairs, &["margin/pair"]);
    for kind in ["angular", "unit_l2", "l2_mean", "l2_rowsum"] {
        let params: &'static [_] = match kind {
            "angular" => &[("kind", "angular")],
            "unit_l2" => &[("kind", "unit_l2")],
            "l2_mean" => &[("kind", "l2_mean")],
            _ => &[("kind", "l2_rowsum")],
        };
        add("distill", params, pairs, &["margin/pair"]);
    }
    let triplets = &[[1, 3, 0], [66, 10, 0]];
    add("triplet", &[], triplets, TRIPLETS);
    add("triplet", &[("normalize", "false"), ("reduction", "mean_nonzero")], triplets, TRIPLETS);
    add("triplet_angular", &[], triplets, TRIPLETS);
    let batches = &[[3, 5, 2], [24, 9, 6]];
    add("triplet_semi_hard", &[("alpha", "0.5")], batches, MINED);
    add("triplet_semi_hard", &[("fallback", "farthest_negative"), ("normalize", "false")], batches, MINED);
    add("triplet_semi_hard", &[("distance", "angular")], batches, MINED);
    add("triplet_batch_hard", &[], batches, MINED);
    add("triplet_batch_hard", &[("margin", "soft")], batches, MINED);
    add("triplet_batch_hard", &[("distance", "angular")], batches, MINED);
    out
}

/// Arrays for a head. Some rows are ignored, one has no direction, one class neither.
fn arrays(head: &Head, [rows, columns, classes]: [usize; 3]) -> Vec<(&'static str, Tensor)> {
    let matrix = |n: usize, seed: u32, zero: usize| {
        let mut data = Input::Noise.tensor(&[n, columns], seed).to_f32().into_owned();
        // All directions are as far from none: a choice among them would be one of rounding.
        if n > 4 && !matches!(head, Head::Mined { .. }) {
            data[zero * columns..(zero + 1) * columns].fill(0.0);
        }
        Tensor::from_f32([n, columns], data).unwrap_or_else(|| Tensor::zeros([n, columns]))
    };
    let label = |i: usize| if i % 5 == 3 { -1 } else { (i * 7 + i / 3) as i64 % classes.max(1) as i64 };
    let slots = head.slots();
    slots
        .0
        .iter()
        .chain(slots.1)
        .map(|&slot| {
            let tensor = match slot {
                "y" | "same" => Tensor::indices((0..rows).map(label).collect()),
                "w" | "centers" => matrix(classes, 2, 3),
                "bias" | "margin" => Input::Noise.tensor(&[classes], 3),
                "x2" | "teacher" | "p" => matrix(rows, 4, 2),
                "n" => matrix(rows, 5, 1),
                _ => matrix(rows, 1, 4),
            };
            (slot, tensor)
        })
        .collect()
}

/// Runs all cases of kernels that are wanted, in every way this device can load.
pub(crate) fn run(gpu: &Gpu, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<CaseResult>> {
    let mut out = Vec::new();
    let ways: &[bool] = if gpu.caps().textures { &[false, true] } else { &[false] };
    for case in cases() {
        let name = format!("{} {:?} {}", case.head, case.sizes, case.params.iter().map(|(k, v)| format!("{k}={v} ")).collect::<String>());
        let asked =
            |shader: &Shader| shader.name.split('.').next().is_some_and(|stem| wanted(&format!("{stem} {name}"))) || wanted(shader.name);
        let of_case = |shader: &Shader| case.stems.iter().any(|stem| shader.name.split('.').next() == Some(stem));
        let shaders: Vec<_> = Shader::all().iter().filter(|s| of_case(s) && asked(s)).map(|s| s.name).collect();
        if shaders.is_empty() {
            continue;
        }
        let head = Head::from_name(case.head, case.params)?;
        let arrays = arrays(&head, case.sizes);
        let inputs: Vec<_> = arrays.iter().map(|(slot, tensor)| (*slot, tensor)).collect();
        let want = head.reference(&inputs)?;
        for &textures in ways {
            let start = Clock::now();
            let got = head.run_with(gpu, textures, &inputs, Want::all())?;
            let micros = start.elapsed().as_secs_f64() * 1e6;
            let worst = compare(&got, &want);
            let ran = got.shaders.iter().filter(|ran| shaders.contains(ran));
            out.extend(ran.map(|shader| CaseResult {
                kernel: shader.split('.').next().unwrap_or(shader).to_owned(),
                permutation: (*shader).to_owned(),
                case: name.trim_end().to_owned(),
                max_error: worst.error,
                bound: worst.bound,
                passed: worst.ratio <= 1.0,
                micros,
            }));
        }
    }
    Ok(out)
}

/// Losses within 1e-5, logits within 1e-5 and gradients within 5e-5 of their largest (docs/tolerances.md); choices are equal.
fn compare(got: &Step, want: &Step) -> Comparison {
    let mut worst = Comparison::default();
    worst.add((got.loss - want.loss).abs(), 1e-5 * want.loss.abs() + 1e-7);
    let named = |step: &Step, name: &str| match name {
        "logits" => step.logits.clone(),
        _ => step.gradient(name.trim_start_matches('d')).filter(|_| name.starts_with('d')).or(step.result(name)).cloned(),
    };
    let mut names = vec!["logits".to_owned()];
    names.extend(want.gradients.iter().map(|(slot, _)| format!("d{slot}")));
    names.extend(want.results.iter().map(|(name, _)| (*name).to_owned()));
    for name in names {
        let (Some(g), Some(w)) = (named(got, &name), named(want, &name)) else {
            if named(want, &name).is_some() {
                worst.add(f64::INFINITY, 0.0);
            }
            continue;
        };
        if g.shape() != w.shape() {
            worst.add(f64::INFINITY, 0.0);
            continue;
        }
        let relative = match name.as_str() {
            "triplets" | "nearest" => 0.0,
            "logits" => 1e-5,
            _ => 5e-5,
        };
        let (g, w) = (g.to_f64(), w.to_f64());
        let bound = relative * w.iter().fold(0.0f64, |most, v| most.max(v.abs())) + f64::from(f32::MIN_POSITIVE);
        for (g, w) in g.iter().zip(&w) {
            worst.add((g - w).abs(), bound);
        }
    }
    worst
}
