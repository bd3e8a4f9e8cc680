//! Gradients of whole steps, against finite differences of losses in f64 and against heads on arrays.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::OnceLock;

use super::sampler::Sampler;
use super::*;
use crate::gpu::{Gpu, GpuOptions};
use crate::heads::{Head, Want};
use crate::random::Stream;
use crate::reference::margin::{classes, pairs, triplets};
use crate::tensor::Tensor;

fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::new(&GpuOptions::default()).unwrap())
}

/// `people` people with `each` embeddings of `dimension` numbers.
fn samples(people: usize, each: usize, dimension: usize) -> Samples {
    let mut random = Stream::new(3, 1, 4);
    let data = (0..people * each * dimension).map(|_| random.symmetric(1.0) as f32).collect();
    let labels: Vec<i64> = (0..people * each).map(|i| (i % people) as i64).collect();
    Samples::new(&Tensor::from_f32([people * each, dimension], data).unwrap(), &labels).unwrap()
}

fn wide(data: &[f32]) -> Vec<f64> {
    data.iter().map(|&v| f64::from(v)).collect()
}

/// The f64 loss of a whole batch behind `layer` (rows of outputs) and `bias`; `numbers`: biases or margins of the classes.
struct Check<'a> {
    samples: &'a Samples,
    head: Head,
    rows: Vec<usize>,
    pairs: Vec<[u32; 3]>,
    outputs: usize,
}

impl Check<'_> {
    fn loss(&self, layer: &[f64], bias: &[f64], w: &[f64], numbers: &[f64]) -> f64 {
        let d = self.samples.dimension();
        let project = |o: usize, row: &[f32]| {
            layer[o * d..(o + 1) * d].iter().zip(row).map(|(a, b)| a * f64::from(*b)).sum::<f64>() + bias.get(o).unwrap_or(&0.0)
        };
        let y: Vec<f64> = self.rows.iter().flat_map(|&i| (0..self.outputs).map(move |o| project(o, self.samples.row(i)))).collect();
        let labels: Vec<i64> = self.rows.iter().map(|&i| self.samples.classes()[i] as i64).collect();
        match self.head {
            Head::Classes { loss, label_smoothing, .. } => {
                let o = classes::Operands { x: &y, w, labels: &labels, extra: numbers, columns: self.outputs, smoothing: label_smoothing };
                classes::run(&loss, &o).loss
            }
            Head::Pairs(loss) => {
                let side = |k: usize| -> Vec<f64> {
                    self.pairs.iter().flat_map(|p| y[p[k] as usize * self.outputs..][..self.outputs].to_vec()).collect()
                };
                let same: Vec<i64> = self.pairs.iter().map(|p| i64::from(p[2])).collect();
                pairs::run(&loss, &side(0), &side(1), &same, self.outputs).loss
            }
            Head::Mined { mining, loss, normalize } => {
                let squared = triplets::distances(&y, self.outputs, normalize);
                let chosen = triplets::mine(mining, &squared, &labels);
                let (losses, _) = triplets::run(loss, &y, self.outputs, normalize, &chosen, &vec![0.0; chosen.len()]);
                losses.iter().sum::<f64>() / chosen.len().max(1) as f64
            }
            _ => unreachable!("{:?}", self.head),
        }
    }
}

/// The largest difference between two gradients, as a share of the largest number.
fn relative(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let most = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(most > 1e-6, "a gradient of zeros shows nothing");
    got.iter().zip(want).fold(0.0f64, |m, (g, w)| m.max((g - w).abs())) / most
}

/// Plain gradient descent: the gradient is how far a step moves the weights, by its rate.
fn moved(before: &[f32], after: &[f32], rate: f64) -> Vec<f64> {
    before.iter().zip(after).map(|(b, a)| (f64::from(*b) - f64::from(*a)) / rate).collect()
}

fn plain(objective: Objective, rate: f64) -> TrainOptions {
    TrainOptions {
        optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false },
        rate: Rate::constant(rate),
        weight_decay: 0.0,
        ..TrainOptions::new(objective)
    }
}

/// Without ArcNegFace, whose weights of other classes count as constants in its gradient.
#[test]
fn steps_follow_the_finite_differences_of_their_loss() {
    let samples = samples(4, 3, 6);
    for (name, params) in [
        ("softmax", &[][..]),
        ("softmax", &[("label_smoothing", "0.1"), ("bias", "false")]),
        ("adaptiveface", &[("s", "6"), ("lambda", "2")]),
        ("l2_softmax", &[("alpha", "4")]),
        ("nsl", &[("s", "6")]),
        ("cosface", &[("s", "6")]),
        ("arcface", &[("s", "6"), ("m", "0.3")]),
        ("combined", &[("s", "6")]),
        ("li_arcface", &[("s", "6")]),
        ("a_softmax", &[("m", "4"), ("base", "3")]),
        ("l_softmax", &[("m", "2"), ("lambda", "1")]),
        ("contrastive", &[("margin", "2")]),
        ("deepid2_cosine", &[]),
        ("triplet_semi_hard", &[("alpha", "0.7")]),
        ("triplet_batch_hard", &[]),
        ("triplet_batch_hard", &[("margin", "soft")]),
    ] {
        for (outputs, bias) in [(6, false), (5, true)] {
            let objective = Objective::new(name, params).unwrap();
            let sampling =
                if objective.has_classes() { Sampling::Shuffled { batch: 12 } } else { Sampling::People { people: 4, pictures: 3 } };
            let rate = 0.5;
            let options = TrainOptions { dimension: Some(outputs), bias, sampling, ..plain(objective.clone(), rate) };
            let mut sampler = Sampler::new(sampling, &samples, options.seed, !objective.has_classes()).unwrap();
            let rows = sampler.batch(0);
            let labels: Vec<i64> = rows.iter().map(|&i| samples.classes()[i] as i64).collect();
            let pairs = sampler.pairs(&labels, 1);
            let check = Check { samples: &samples, head: objective.head(1).unwrap(), rows, pairs, outputs };
            let mut trainer = Trainer::new(gpu(), &samples, &options).unwrap();
            let (before, w, numbers) = (trainer.layer().unwrap(), trainer.class_weights().unwrap(), trainer.class_numbers().unwrap());
            let progress = trainer.step().unwrap();
            let after = trainer.layer().unwrap();

            let (p, b) = (wide(&before.weight), wide(&before.bias));
            let cw = w.as_ref().map(|t| wide(&t.to_f32())).unwrap_or_default();
            let n = numbers.as_ref().map(|t| wide(&t.to_f32())).unwrap_or_default();
            let want = check.loss(&p, &b, &cw, &n);
            assert!((progress.loss - want).abs() <= 1e-5 * want.abs() + 1e-6, "{name}: {} for {want}", progress.loss);
            let h = 1e-5;
            let differ = |i: usize, which: usize| {
                let at = |by: f64| {
                    let (mut p, mut b, mut cw, mut n) = (p.clone(), b.clone(), cw.clone(), n.clone());
                    [&mut p, &mut b, &mut cw, &mut n][which][i] += by;
                    check.loss(&p, &b, &cw, &n)
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            let gradient = |n: usize, which: usize| (0..n).map(|i| differ(i, which)).collect::<Vec<_>>();
            let of_weights = relative(&moved(&before.weight, &after.weight, rate), &gradient(p.len(), 0));
            assert!(of_weights < 5e-5, "{name} {params:?} {outputs}: weights {of_weights}");
            let mut squares: f64 = gradient(p.len(), 0).iter().map(|v| v * v).sum();
            if bias {
                // Losses that see only differences of embeddings do not move it.
                let own = gradient(b.len(), 1);
                squares += own.iter().map(|v| v * v).sum::<f64>();
                let worst = moved(&before.bias, &after.bias, rate).iter().zip(&own).fold(0.0f64, |m, (g, w)| m.max((g - w).abs()));
                let most = own.iter().fold(1e-2f64, |m, v| m.max(v.abs()));
                assert!(worst < 5e-5 * most, "{name} {params:?}: bias {worst} of {most}");
            }
            if let Some(w) = &w {
                let new = trainer.class_weights().unwrap().unwrap();
                let own = gradient(cw.len(), 2);
                squares += own.iter().map(|v| v * v).sum::<f64>();
                let of_classes = relative(&moved(&w.to_f32(), &new.to_f32(), rate), &own);
                assert!(of_classes < 5e-5, "{name} {params:?} {outputs}: classes {of_classes}");
            }
            if let Some(old) = &numbers {
                let new = trainer.class_numbers().unwrap().unwrap();
                let own = gradient(n.len(), 3);
                squares += own.iter().map(|v| v * v).sum::<f64>();
                let of_numbers = relative(&moved(&old.to_f32(), &new.to_f32(), rate), &own);
                assert!(of_numbers < 5e-5, "{name} {params:?} {outputs}: numbers of the classes {of_numbers}");
            }
            let norm = squares.sqrt();
            assert!((progress.gradient_norm - norm).abs() < 1e-4 * norm, "{name}: norm {} for {norm}", progress.gradient_norm);
        }
    }
}

/// The weights of a Siamese score, and the distance they are compared with.
#[test]
fn siamese_weights_follow_the_finite_differences_of_their_loss() {
    for (dimension, input) in [(6, 1.0), (9, 40.0)] {
        let samples = samples(4, 3, dimension);
        let samples = samples.with_rows(samples.data().iter().map(|v| v * input).collect(), dimension);
        let objective = Objective::new("siamese", &[]).unwrap();
        let sampling = Sampling::People { people: 4, pictures: 3 };
        let rate = 1e-3;
        let options = TrainOptions { sampling, ..plain(objective, rate) };
        let mut sampler = Sampler::new(sampling, &samples, options.seed, true).unwrap();
        let rows = sampler.batch(0);
        let labels: Vec<i64> = rows.iter().map(|&i| samples.classes()[i] as i64).collect();
        let pairs = sampler.pairs(&labels, 1);
        let loss = |at: &[f64]| {
            let one = |&[i, j, same]: &[u32; 3]| {
                let (x, y) = (samples.row(rows[i as usize]), samples.row(rows[j as usize]));
                let terms = x.iter().zip(y).zip(at).map(|((x, y), w)| w.abs() * (f64::from(*x) - f64::from(*y)).abs());
                let z = (at[dimension] - terms.sum::<f64>()) * if same == 1 { 1.0 } else { -1.0 };
                (1.0 + (-z).exp()).ln()
            };
            pairs.iter().map(one).sum::<f64>() / pairs.len() as f64
        };
        let mut trainer = Trainer::new(gpu(), &samples, &options).unwrap();
        let read = |t: &Trainer<'_>| {
            let (scoring, b) = t.scoring().unwrap().unwrap();
            scoring.numbers().iter().copied().chain([b]).collect::<Vec<f32>>()
        };
        let before = read(&trainer);
        let progress = trainer.step().unwrap();
        let place = wide(&before);
        let want = loss(&place);
        assert!((progress.loss - want).abs() <= 1e-5 * want, "{} for {want}", progress.loss);
        let differ = |i: usize| {
            let at = |by: f64| loss(&place.iter().enumerate().map(|(k, v)| if k == i { v + by } else { *v }).collect::<Vec<_>>());
            (at(1e-5) - at(-1e-5)) / 2e-5
        };
        let gradient: Vec<f64> = (0..=dimension).map(differ).collect();
        // Numbers of up to 8 move by 2^-24 of themselves at least, a step by a thousandth of the gradient.
        let rounding = 8.0 * 2f64.powi(-24) / rate;
        let moved = moved(&before, &read(&trainer), rate);
        let most = gradient.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(most > 1e-2);
        for (g, w) in moved.iter().zip(&gradient) {
            assert!((g - w).abs() < 5e-5 * most + rounding, "{dimension}: {g} for {w}");
        }
        let norm = gradient.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((progress.gradient_norm - norm).abs() < 1e-4 * norm, "{} for {norm}", progress.gradient_norm);
        assert!(trainer.layer().unwrap_err().to_string().contains("scoring"));
        assert!(trainer.class_numbers().unwrap().is_none() && trainer.class_weights().unwrap().is_none());
    }
}

/// More classes than one block holds: the same step as a head makes that gets everything as arrays.
#[test]
fn a_class_matrix_of_several_blocks_moves_as_one() {
    let samples = samples(33_000, 1, 5);
    let (rate, sampling) = (0.5, Sampling::Shuffled { batch: 9 });
    let objective = Objective::new("arcface", &[("s", "20")]).unwrap();
    let mut trainer = Trainer::new(gpu(), &samples, &TrainOptions { sampling, ..plain(objective.clone(), rate) }).unwrap();
    let w = trainer.class_weights().unwrap().unwrap();
    let rows = Sampler::new(sampling, &samples, 1, false).unwrap().batch(0);
    let labels: Vec<i64> = rows.iter().map(|&i| samples.classes()[i] as i64).collect();
    let x: Vec<f32> = rows.iter().flat_map(|&i| samples.row(i).to_vec()).collect();
    let x = Tensor::from_f32([9, 5], x).unwrap();
    // The projection begins as the identity.
    let want = objective.head(1).unwrap().step(gpu(), &x, &w, &labels, Want::gradients()).unwrap();
    let progress = trainer.step().unwrap();
    assert!((progress.loss - want.loss).abs() < 1e-6 * want.loss, "{} for {}", progress.loss, want.loss);
    let new = trainer.class_weights().unwrap().unwrap();
    let gradient = wide(&want.dw().unwrap().to_f32());
    // Numbers of about 1 move by 2^-24 of themselves in f32 at least.
    let off = relative(&moved(&w.to_f32(), &new.to_f32(), rate), &gradient);
    assert!(off < 1e-4, "{off}");
}
