//! Training behind frozen embeddings: it learns what it should, goes on where it was interrupted, and stops before it breaks anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, compare, gpu, graph_of, model_of};
use lookalike::gpu::Gpu;
use lookalike::graph::Op;
use lookalike::import::Limits;
use lookalike::model::{Description, EmbeddingDescription, Normalize};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Tensor;
use lookalike::train::{Objective, Optimizer, Progress, Rank1, Rate, Samples, Sampling, Schedule, TrainOptions, Trainer};

/// About normal: the sum of twelve uniform numbers has variance 4.
fn normal(r: &mut Random) -> f32 {
    (0..12).map(|_| r.signed()).sum::<f32>() / 2.0
}

/// People who differ in `signal` numbers, under occasions that differ much more in all the others: what a projection can tell apart and
/// the cosine of all numbers cannot. A fixed rotation hides which is which.
fn hidden_people(people: usize, each: usize, dimension: usize, signal: usize, seed: u64) -> Samples {
    let mut fixed = Random(99);
    let mix: Vec<f32> = (0..dimension * dimension).map(|_| normal(&mut fixed) / (dimension as f32).sqrt()).collect();
    let mut r = Random(seed);
    let (mut data, mut labels) = (Vec::new(), Vec::new());
    for person in 0..people {
        let own: Vec<f32> = (0..signal).map(|_| normal(&mut r)).collect();
        for _ in 0..each {
            let raw: Vec<f32> = (0..dimension)
                .map(|k| {
                    let noise = normal(&mut r);
                    own.get(k).map_or(1.5 * noise, |v| v + 0.3 * noise)
                })
                .collect();
            data.extend((0..dimension).map(|i| (0..dimension).map(|k| mix[i * dimension + k] * raw[k]).sum::<f32>()));
            labels.push(person as i64);
        }
    }
    Samples::new(&Tensor::from_f32([labels.len(), dimension], data).unwrap(), &labels).unwrap()
}

fn options(name: &str, params: &[(&str, &str)]) -> TrainOptions {
    let defaults = TrainOptions::new(Objective::new(name, params).unwrap());
    let sampling = if defaults.objective.has_classes() { Sampling::Shuffled { batch: 64 } } else { defaults.sampling };
    TrainOptions { sampling, ..defaults }
}

fn run<'a>(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions, steps: usize) -> (Trainer<'a>, Vec<Progress>) {
    let mut trainer = Trainer::new(gpu, samples, options).unwrap();
    let progress = (0..steps).map(|_| trainer.step().unwrap()).collect();
    (trainer, progress)
}

/// The bits of everything that is learned.
fn bits(trainer: &Trainer<'_>) -> Vec<u32> {
    if let Some((scoring, threshold)) = trainer.scoring().unwrap() {
        return scoring.numbers().iter().chain([&threshold]).map(|v| v.to_bits()).collect();
    }
    let layer = trainer.layer().unwrap();
    let classes = trainer.class_weights().unwrap().map(|t| t.to_f32().into_owned()).unwrap_or_default();
    let numbers = trainer.class_numbers().unwrap().map(|t| t.to_f32().into_owned()).unwrap_or_default();
    layer.weight.iter().chain(&layer.bias).chain(&classes).chain(&numbers).map(|v| v.to_bits()).collect()
}

#[test]
fn every_kind_of_objective_finds_people_it_never_saw() {
    let gpu = gpu();
    let (train, held) = hidden_people(120, 6, 24, 8, 5).split(1.0 / 3.0, 1).unwrap();
    let before = Rank1::of(&gpu, &held).unwrap();
    assert_eq!(before.probes, 40 * 5);
    for (name, params, optimizer, rate) in [
        ("softmax", &[][..], Optimizer::ADAM, 0.01),
        ("arcface", &[("s", "16"), ("m", "0.2")], Optimizer::ADAM, 0.01),
        ("cosface", &[("s", "16"), ("m", "0.1")], Optimizer::SGD, 0.02),
        ("a_softmax", &[("m", "2")], Optimizer::ADAM, 0.01),
        ("contrastive", &[("margin", "2")], Optimizer::ADAM, 0.01),
        ("triplet_batch_hard", &[("margin", "soft")], Optimizer::ADAM, 0.01),
        ("triplet_semi_hard", &[("fallback", "farthest_negative")], Optimizer::Sgd { momentum: 0.9, nesterov: true }, 0.1),
    ] {
        let options = TrainOptions { optimizer, rate: Rate::constant(rate), ..options(name, params) };
        let (trainer, progress) = run(&gpu, &train, &options, 150);
        let mean = |p: &[Progress]| p.iter().map(|p| p.loss).sum::<f64>() / p.len() as f64;
        // λ of A-softmax falls over the steps, so its loss is not one loss.
        assert!(name == "a_softmax" || mean(&progress[130..]) < 0.8 * mean(&progress[..20]), "{name}: the loss does not fall");
        let after = Rank1::of(&gpu, &trainer.project(&held).unwrap()).unwrap();
        println!("{name}: {} -> {} of {}", before.hits, after.hits, after.probes);
        assert!(after.share() > before.share() + 0.1, "{name}: {} to {} of {}", before.hits, after.hits, after.probes);
    }
}

/// People who differ in the first numbers, under occasions that differ in all the others.
fn people_of_some_numbers(people: usize, seed: u64) -> Samples {
    let mut r = Random(seed);
    let (mut data, mut labels) = (Vec::new(), Vec::new());
    for person in 0..people {
        let own: Vec<f32> = (0..5).map(|_| normal(&mut r)).collect();
        for _ in 0..6 {
            data.extend(own.iter().map(|v| v + 0.4 * normal(&mut r)).collect::<Vec<_>>());
            data.extend((0..12).map(|_| 1.5 * normal(&mut r)).collect::<Vec<_>>());
            labels.push(person as i64);
        }
    }
    Samples::new(&Tensor::from_f32([labels.len(), 17], data).unwrap(), &labels).unwrap()
}

/// Beside the minimum of the same loss, found on the host by another method on all pairs.
#[cfg(feature = "fit")]
#[test]
fn siamese_weights_are_those_of_the_minimum() {
    use lookalike::score;
    let gpu = gpu();
    let (train, held) = people_of_some_numbers(150, 7).split(1.0 / 3.0, 1).unwrap();
    let schedule = Schedule::Cosine { steps: 400 };
    let options = TrainOptions {
        optimizer: Optimizer::ADAM,
        rate: Rate { base: 0.05, warmup: 0, schedule },
        weight_decay: 0.0,
        ..options("siamese", &[])
    };
    let (trainer, progress) = run(&gpu, &train, &options, 400);
    assert!(progress[0].loss > 1.5 * progress[399].loss, "{} to {}", progress[0].loss, progress[399].loss);
    let (scoring, threshold) = trainer.scoring().unwrap().unwrap();
    let labels: Vec<u32> = train.classes().iter().map(|&c| c as u32).collect();
    let rows = score::Samples::new(train.data(), 17, &labels).unwrap();
    let fitted = score::Siamese::fit(&rows).unwrap();
    // Batches of 16 people are a part of all pairs: the weights wander about the minimum.
    let own = scoring.numbers();
    for (i, (w, f)) in own.iter().zip(&fitted.weights).enumerate() {
        println!("{i}: {w} {f}");
        assert!((w - f).abs() < if i < 5 { 0.3 * f } else { 0.3 }, "{i}: {w} for {f}");
    }
    assert!((threshold - fitted.threshold).abs() < 0.25 * fitted.threshold, "{threshold} for {}", fitted.threshold);
    // People it never saw.
    let before = Rank1::of(&gpu, &held).unwrap();
    let after = Rank1::scored(&gpu, &held, &scoring).unwrap();
    assert!(after.share() > before.share() + 0.2, "{} to {} of {}", before.hits, after.hits, after.probes);
    let decided = |i: usize, j: usize| scoring.between(held.row(i), held.row(j)) <= f64::from(threshold);
    let (mut right, mut all) = ([0, 0], [0, 0]);
    for (i, j) in (0..held.len()).flat_map(|i| (i + 1..held.len()).map(move |j| (i, j))) {
        let same = held.classes()[i] == held.classes()[j];
        all[usize::from(same)] += 1;
        right[usize::from(same)] += usize::from(decided(i, j) == same);
    }
    let share = |k: usize| right[k] as f64 / all[k] as f64;
    assert!((share(0) + share(1)) / 2.0 > 0.87, "{} {}", share(0), share(1));
}

#[test]
fn a_resumed_training_ends_with_the_same_bits() {
    let gpu = gpu();
    let samples = hidden_people(30, 5, 10, 6, 1);
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        options("arcface", &[("s", "16")]),
        TrainOptions {
            bias: true,
            dimension: Some(7),
            optimizer: Optimizer::ADAM,
            clip: Some(0.5),
            rate: Rate { base: 0.01, warmup: 5, schedule: Schedule::Cosine { steps: 40 } },
            sampling: Sampling::People { people: 6, pictures: 3 },
            ..options("a_softmax", &[])
        },
        TrainOptions {
            rate: Rate { base: 0.05, warmup: 0, schedule: Schedule::Step { every: 7, factor: 0.5 } },
            optimizer: Optimizer::Sgd { momentum: 0.9, nesterov: true },
            ..options("contrastive", &[])
        },
        TrainOptions { optimizer: Optimizer::ADAM, rate: Rate::constant(0.01), ..options("triplet_batch_hard", &[]) },
        TrainOptions { optimizer: Optimizer::ADAM, ..options("adaptiveface", &[]) },
        TrainOptions { optimizer: Optimizer::ADAM, rate: Rate::constant(0.01), ..options("siamese", &[]) },
    ];
    for (i, options) in cases.iter().enumerate() {
        let [half, whole, again] = ["half", "whole", "again"].map(|name| folder.path().join(format!("{name}{i}.safetensors")));
        let (straight, progress) = run(&gpu, &samples, options, 40);
        straight.save_checkpoint(&whole).unwrap();
        let (first, _) = run(&gpu, &samples, options, 20);
        first.save_checkpoint(&half).unwrap();
        let mut second = Trainer::resume(&gpu, &samples, options, &half, &Limits::default()).unwrap();
        assert_eq!(second.steps(), 20);
        let rest: Vec<Progress> = (0..20).map(|_| second.step().unwrap()).collect();
        assert_eq!(rest, progress[20..], "{i}");
        second.save_checkpoint(&again).unwrap();
        assert_eq!(bits(&straight), bits(&second), "{i}");
        assert_ne!(bits(&straight), bits(&first), "{i}");
        assert!(std::fs::read(&whole).unwrap() == std::fs::read(&again).unwrap(), "{i}: checkpoints differ");
    }
}

#[test]
fn a_seed_decides_everything() {
    let gpu = gpu();
    let samples = hidden_people(20, 4, 8, 4, 1);
    let with = |seed: u64| {
        let options = TrainOptions { seed, dimension: Some(5), ..options("cosface", &[("s", "8")]) };
        bits(&run(&gpu, &samples, &options, 10).0)
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn a_checkpoint_goes_on_with_nothing_but_its_own_training() {
    let gpu = gpu();
    let samples = hidden_people(12, 4, 6, 4, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let options = TrainOptions { rate: Rate::constant(0.02), ..options("arcface", &[("s", "8")]) };
    let (trainer, _) = run(&gpu, &samples, &options, 3);
    trainer.save_checkpoint(&path).unwrap();
    let resume = |samples: &Samples, options: &TrainOptions, path: &std::path::Path| match Trainer::resume(
        &gpu,
        samples,
        options,
        path,
        &Limits::default(),
    ) {
        Ok(_) => panic!("resumed"),
        Err(e) => e.to_string(),
    };
    let said = resume(&samples, &TrainOptions { rate: Rate::constant(0.01), ..options.clone() }, &path);
    assert!(said.contains("options.rate.base` was 0.02 and is 0.01"), "{said}");
    let other = TrainOptions { objective: Objective::new("cosface", &[]).unwrap(), ..options.clone() };
    assert!(resume(&samples, &other, &path).contains("arcface"));
    assert!(resume(&hidden_people(12, 4, 6, 4, 2), &options, &path).contains("samples.digest"));
    // Damage.
    let bytes = std::fs::read(&path).unwrap();
    let bad = folder.path().join("bad.safetensors");
    for length in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&bad, &bytes[..length]).unwrap();
        resume(&samples, &options, &bad);
    }
    let mut broken = bytes.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&bad, &broken).unwrap();
    assert!(resume(&samples, &options, &bad).contains("not finite"));
    assert!(resume(&samples, &options, &folder.path().join("none")).contains("Check the path"));
    // No half of a file is left, and none is written into a place that is none.
    assert!(trainer.save_checkpoint(&folder.path().join("no/such/place")).is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_is_not_finite_stops_before_it_changes_anything() {
    let gpu = gpu();
    let samples = hidden_people(12, 4, 6, 4, 1);
    for (name, optimizer) in [
        ("softmax", Optimizer::SGD),
        ("arcface", Optimizer::SGD),
        ("contrastive", Optimizer::SGD),
        ("siamese", Optimizer::SGD),
        ("triplet_batch_hard", Optimizer::ADAM),
    ] {
        let sampling = Sampling::People { people: 6, pictures: 3 };
        let options = TrainOptions { rate: Rate::constant(1e38), weight_decay: 0.0, sampling, optimizer, ..options(name, &[]) };
        let mut trainer = Trainer::new(&gpu, &samples, &options).unwrap();
        let mut kept = bits(&trainer);
        let said = (0..5).find_map(|_| match trainer.step() {
            Ok(_) => {
                kept = bits(&trainer);
                None
            }
            Err(e) => Some(e.to_string()),
        });
        let said = said.unwrap_or_else(|| panic!("{name} goes on"));
        assert!(said.contains("not finite") && said.contains("smaller learning rate"), "{said}");
        assert!(said.contains(&format!("at step {}", trainer.steps() + 1)), "{said}");
        assert_eq!(bits(&trainer), kept, "{name}");
    }
}

#[test]
fn clipping_and_decay_do_what_they_say() {
    let gpu = gpu();
    let samples = hidden_people(12, 4, 6, 4, 1);
    let base = TrainOptions {
        optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false },
        rate: Rate::constant(0.1),
        weight_decay: 0.0,
        ..options("softmax", &[("bias", "false")])
    };
    let step = |options: &TrainOptions| {
        let mut trainer = Trainer::new(&gpu, &samples, options).unwrap();
        let read = |t: &Trainer<'_>| -> Vec<f64> {
            let (layer, classes) = (t.layer().unwrap(), t.class_weights().unwrap().unwrap());
            layer.weight.iter().chain(classes.to_f32().iter()).map(|&v| f64::from(v)).collect()
        };
        let before = read(&trainer);
        let progress = trainer.step().unwrap();
        (before, read(&trainer), progress.gradient_norm)
    };
    let length = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt();
    let (before, after, norm) = step(&base);
    assert!((length(&before, &after) - 0.1 * norm).abs() < 1e-5 * norm);
    let (_, clipped, again) = step(&TrainOptions { clip: Some(norm / 4.0), ..base.clone() });
    assert_eq!(again, norm);
    assert!((length(&before, &clipped) - 0.025 * norm).abs() < 1e-5 * norm);
    let (_, decayed, _) = step(&TrainOptions { weight_decay: 0.5, ..base.clone() });
    for ((b, a), d) in before.iter().zip(&after).zip(&decayed) {
        assert!((a - 0.05 * b - d).abs() < 1e-6, "{b} {a} {d}");
    }
    let (_, loose, _) = step(&TrainOptions { clip: Some(2.0 * norm), ..base });
    assert_eq!(loose, after);
}

#[test]
fn batches_of_one_row_and_batches_without_triplets_are_steps_too() {
    let gpu = gpu();
    let samples = hidden_people(5, 3, 6, 4, 1);
    let one = TrainOptions { sampling: Sampling::Shuffled { batch: 1 }, bias: true, ..options("cosface", &[("s", "8")]) };
    let (trainer, progress) = run(&gpu, &samples, &one, 20);
    assert_eq!((trainer.steps_per_epoch(), progress[15].epoch), (15, 1));
    assert!(progress.iter().all(|p| p.loss > 0.0 && p.gradient_norm > 0.0));
    // Two people, far apart: every negative is farther than the margin.
    let data = [[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0], [-1.0, 0.01]].concat();
    let apart = Samples::new(&Tensor::from_f32([4, 2], data).unwrap(), &[0, 0, 1, 1]).unwrap();
    let sampling = Sampling::People { people: 2, pictures: 2 };
    let quiet = TrainOptions { weight_decay: 0.0, sampling, ..options("triplet_semi_hard", &[]) };
    let (trainer, progress) = run(&gpu, &apart, &quiet, 3);
    assert!(progress.iter().all(|p| p.loss == 0.0 && p.gradient_norm == 0.0));
    assert_eq!(trainer.layer().unwrap().weight, [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn a_model_followed_by_the_layer_gives_what_the_trainer_projects() {
    let gpu = gpu();
    let samples = hidden_people(12, 4, 6, 4, 1);
    for (dimension, bias) in [(6, false), (9, true), (3, true)] {
        let (trainer, _) = run(&gpu, &samples, &TrainOptions { dimension: Some(dimension), bias, ..options("softmax", &[]) }, 20);
        let (mut graph, x) = graph_of(&[6]);
        graph.add_node("embedding", Op::Identity, &[x]);
        let mut model = model_of(graph);
        let embedding = EmbeddingDescription { normalize: Normalize::None, ..EmbeddingDescription::default() };
        model.describe(Description { embedding: Some(embedding), ..model.description.clone() }).unwrap();
        let network = Network::compile(&gpu, &model.followed_by(&trainer.layer().unwrap()).unwrap(), &CompileOptions::default()).unwrap();
        let input = Tensor::from_f32([48, 6], samples.data().to_vec()).unwrap();
        let output = network.run(&[("input", &input)]).unwrap().remove(0).1;
        let projected = trainer.project(&samples).unwrap();
        assert_eq!((projected.dimension(), projected.classes()), (dimension, samples.classes()));
        let (cosine, error) = compare(projected.data(), &output.to_f32());
        assert!(cosine > 0.999_999 && error < 1e-6, "{dimension}: {error}");
    }
}

#[test]
fn options_that_fit_nothing_are_refused() {
    let gpu = gpu();
    let samples = hidden_people(12, 4, 6, 4, 1);
    let refused = |options: TrainOptions| Trainer::new(&gpu, &samples, &options).err().map(|e| e.to_string()).unwrap_or_default();
    let base = options("triplet_batch_hard", &[]);
    assert!(refused(TrainOptions { dimension: Some(0), ..base.clone() }).contains("dimension"));
    assert!(refused(TrainOptions { weight_decay: -1.0, ..base.clone() }).contains("Weight decay"));
    assert!(refused(TrainOptions { clip: Some(0.0), ..base.clone() }).contains("positive"));
    assert!(refused(TrainOptions { sampling: Sampling::People { people: 13, pictures: 2 }, ..base.clone() }).contains("12 people"));
    assert!(refused(TrainOptions { sampling: Sampling::People { people: 12, pictures: 400 }, ..base.clone() }).contains("too large"));
    assert!(refused(TrainOptions { rate: Rate::constant(-0.1), ..base }).contains("learning rate"));
    assert!(refused(TrainOptions { dimension: Some(6), ..options("siamese", &[]) }).contains("one a number"));
    assert!(refused(TrainOptions { bias: true, ..options("siamese", &[]) }).contains("no bias"));
    let narrow = hidden_people(12, 4, 5, 4, 1);
    let trainer = Trainer::new(&gpu, &samples, &options("softmax", &[])).unwrap();
    assert!(trainer.project(&narrow).unwrap_err().to_string().contains("projection of 6"));
}
