//! Scores that are learned on the command line: `fit`, and what the model it writes does in every command that compares.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::tool::Tool;
use common::{Random, graph_of, read_npy};
use lookalike::graph::{Epilogue, Linear, Op};
use lookalike::import::Limits;
use lookalike::model::{Description, EmbeddingDescription, Flip, InputDescription, Model, Normalize, Precision, Similarity};
use lookalike::tensor::Tensor;

const PEOPLE: usize = 10;
const PICTURES: usize = 5;

struct Bench(Tool);

impl std::ops::Deref for Bench {
    type Target = Tool;
    fn deref(&self) -> &Tool {
        &self.0
    }
}

impl Bench {
    /// Crops of 4x4 pixels in `crops/pNN/M.ppm`, a network `net.safetensors` that gives their numbers, and its embeddings `x.npy`.
    fn new(normalize: Normalize) -> Self {
        let bench = Self(Tool::new(env!("CARGO_BIN_EXE_lookalike")));
        let mut r = Random(1);
        for person in 0..PEOPLE {
            let centre: Vec<f32> = (0..48).map(|_| 128.0 + 90.0 * r.signed()).collect();
            for picture in 0..PICTURES {
                let mut bytes = b"P6 4 4 255\n".to_vec();
                // Every second number is loud in all people alike.
                bytes.extend(centre.iter().enumerate().map(|(k, c)| {
                    let (base, noise) = if k % 2 == 0 { (*c, 12.0) } else { (128.0, 110.0) };
                    (base + noise * r.signed()).clamp(0.0, 255.0) as u8
                }));
                bench.file(&format!("crops/p{person:02}/{picture}.ppm"), &bytes);
            }
        }
        bench.model("net", normalize, Flip::None);
        bench.succeed("embed crops --aligned --model net.safetensors -o x.npy");
        bench
    }

    fn model(&self, name: &str, normalize: Normalize, flip: Flip) {
        let (mut graph, x) = graph_of(&[3, 4, 4]);
        let identity = (0..48 * 48).map(|i| if i % 49 == 0 { 1.0 } else { 0.0 }).collect();
        let w = graph.add_constant("w", Tensor::from_f32([48, 48], identity).unwrap());
        let linear = Linear { bias: false, flatten_order: Vec::new(), epilogue: Epilogue::default() };
        let y = graph.add_node("features", Op::Linear(linear), &[x, w]);
        graph.outputs.push(y);
        let embedding = EmbeddingDescription { normalize, flip, ..Default::default() };
        let input = InputDescription { scale: [1.0 / 255.0; 3], ..Default::default() };
        let description = Description { name: name.to_owned(), input, embedding: Some(embedding), ..Description::default() };
        let model = Model::new(&graph, description).unwrap();
        model.save(&self.path(&format!("{name}.safetensors")), Precision::F32).unwrap();
    }

    fn code(&self, args: &str) -> i32 {
        let output = self.run(args);
        let code = output.status.code().unwrap();
        assert!(code < 2, "{args}: {}", String::from_utf8_lossy(&output.stderr));
        code
    }

    fn described(&self, name: &str) -> EmbeddingDescription {
        let model = Model::load(&self.path(&format!("{name}.safetensors")), &Limits::default()).unwrap();
        model.description.embedding.unwrap()
    }
}

/// The whole way of one kind: fitted, then used by every command that compares.
fn way(bench: &Bench, kind: &str, options: &str, similarity: Similarity, metric: &str) {
    let fitted =
        bench.json(&format!("fit --kind {kind} {options} --embeddings x.npy --labels x.csv --model net.safetensors -o {kind}.safetensors"));
    assert_eq!((fitted["rows"].as_u64(), fitted["people"].as_u64()), (Some(50), Some(10)), "{fitted}");
    assert!(fitted["auc"].as_f64().unwrap() > 0.97, "{kind}: {fitted}");
    let described = bench.described(kind);
    assert_eq!((described.similarity, described.threshold.is_some()), (similarity, true));
    assert_eq!(fitted["threshold"].as_f64().map(|t| t as f32), described.threshold);

    let with = format!("--model {kind}.safetensors --aligned");
    let same = bench.json(&format!("verify crops/p01/0.ppm crops/p01/1.ppm {with}"));
    assert_eq!((same["metric"].as_str(), same["same"].as_bool()), (Some(metric), Some(true)), "{same}");
    assert_eq!(bench.code(&format!("verify crops/p01/0.ppm crops/p02/1.ppm {with} --picture {kind}.png")), 1);
    assert!(bench.path(&format!("{kind}.png")).exists());
    // Folders of one person's pictures.
    assert_eq!(bench.code(&format!("verify crops/p04 crops/p04/2.ppm {with}")), 0);
    assert_eq!(bench.code(&format!("verify crops/p04 crops/p05 {with}")), 1);

    let gallery = format!("{kind}.gallery");
    bench.succeed(&format!("gallery create {gallery}"));
    bench.succeed(&format!("gallery add {gallery} crops/p00/0.ppm crops/p01/0.ppm crops/p02/0.ppm crops/p03/0.ppm {with}"));
    let found = bench.json(&format!("search {gallery} crops/p03/4.ppm {with} -k 4"));
    let hits = found[0]["hits"].as_array().unwrap();
    assert_eq!((hits.len(), hits[0]["label"].as_str(), hits[0]["match"].as_bool()), (4, Some("p03"), Some(true)), "{found}");
    assert_eq!(hits[3]["match"].as_bool(), Some(false));
    // The score of the search is that of `verify`.
    let verified = bench.json(&format!("verify crops/p03/0.ppm crops/p03/4.ppm {with}"));
    let score = if similarity.is_distance() { &hits[0]["distance"] } else { &hits[0]["score"] };
    let (score, verified) = (score.as_f64().unwrap(), verified["similarity"].as_f64().unwrap());
    assert!((score - verified).abs() < 1e-4 * (1.0 + verified.abs()), "{kind}: {score} {verified}");

    let mut pairs = "file_a,file_b,same\n".to_owned();
    for p in 0..PEOPLE {
        pairs += &format!("p{p:02}/0.ppm,p{p:02}/3.ppm,1\np{p:02}/1.ppm,p{:02}/2.ppm,0\n", (p + 3) % PEOPLE);
    }
    bench.file("pairs.csv", pairs.as_bytes());
    let judged = bench.json(&format!("eval pairs.csv --root crops {with}"));
    assert!(judged["accuracy_at_threshold"].as_f64().unwrap() >= 0.85, "{kind}: {judged}");

    bench.succeed(&format!("embed crops -o {kind}.npy {with}"));
    let groups = bench.json(&format!("cluster {kind}.npy --model {kind}.safetensors --labels x.csv"));
    assert!(groups["agreement"]["pairwise"]["f"].as_f64().unwrap() > 0.7, "{kind}: {groups}");
    let stats = bench.json(&format!("gallery stats {gallery}"));
    assert_eq!(stats["similarity"].as_str(), Some(metric));
}

#[test]
fn joint_bayesian_from_fit_to_search() {
    let bench = Bench::new(Normalize::None);
    way(&bench, "joint-bayesian", "--dimension 12", Similarity::JointBayesian, "joint_bayesian");
    assert_eq!(bench.described("joint-bayesian").score.unwrap().phi.len(), 12);
    assert_eq!(read_npy(&bench.path("joint-bayesian.npy")).shape().dims(), [50, 12]);
    // The other rule, other iterations, another threshold.
    let fit = "fit --kind joint-bayesian --dimension 12 --embeddings x.npy --labels x.csv --model net.safetensors -o other.safetensors";
    let full = bench.json(&format!("{fit} --iterations 5"));
    let published = bench.json(&format!("{fit} --iterations 5 --method published --far 0.01"));
    assert!(published["log_likelihood"].as_f64() < full["log_likelihood"].as_f64());
    assert!(full["threshold"].as_f64() == Some(0.0) && published["threshold"].as_f64() != Some(0.0));
    let text = bench.succeed(fit);
    assert!(
        text.contains("50 embeddings of 10 people: 48 numbers become 12") && text.contains("log-likelihood ratio, threshold 0"),
        "{text}"
    );
}

#[test]
fn siamese_from_fit_to_search() {
    way(&Bench::new(Normalize::L2), "siamese", "", Similarity::Siamese, "siamese");
}

#[test]
fn chi_squared_from_fit_to_search() {
    let bench = Bench::new(Normalize::None);
    way(&bench, "chi-squared", "", Similarity::ChiSquared, "chi_squared");
    assert_eq!(bench.described("chi-squared").normalize, Normalize::L2);
    // Scaled by the largest numbers, then of unit length.
    let lengths =
        read_npy(&bench.path("chi-squared.npy")).to_f32().chunks(48).map(|r| r.iter().map(|x| x * x).sum::<f32>()).collect::<Vec<_>>();
    assert!(lengths.iter().all(|l| (l - 1.0).abs() < 1e-5));
}

#[test]
fn components_are_a_layer_of_the_model() {
    let bench = Bench::new(Normalize::L2);
    let fit = "fit --kind pca --embeddings x.npy --model net.safetensors -o pca.safetensors --dimension 6";
    let plain = bench.json(fit);
    assert!(
        plain["explained_variance"].as_f64().is_some_and(|v| v > 0.3 && v < 1.0) && plain["threshold"].is_null() && plain["auc"].is_null()
    );
    let white = bench.json(&format!("{fit} --whiten --labels x.csv --far 0.05"));
    assert!(white["threshold"].as_f64().is_some() && white["auc"].as_f64().is_some());
    bench.succeed("embed crops -o white.npy --aligned --model pca.safetensors");
    let rows = read_npy(&bench.path("white.npy")).to_f32().into_owned();
    for (i, j) in (0..36).map(|at| (at / 6, at % 6)) {
        let covariance = rows.chunks(6).map(|r| f64::from(r[i]) * f64::from(r[j])).sum::<f64>() / 50.0;
        assert!((covariance - f64::from(u8::from(i == j))).abs() < 2e-3, "{i} {j} {covariance}");
    }
    assert!(bench.code("verify crops/p01/0.ppm crops/p01/1.ppm --aligned --model pca.safetensors") < 2);
}

#[test]
fn what_cannot_be_fitted_is_told_in_a_sentence() {
    let bench = Bench::new(Normalize::None);
    bench.file("short.csv", b"label\na\nb\n");
    bench.file("flat.csv", b"row,source\n0,x.ppm\n");
    bench.file("alone.csv", format!("label\n{}", (0..50).map(|i| format!("p{i}\n")).collect::<String>()).as_bytes());
    bench.model("mirrored", Normalize::None, Flip::Sum);
    let base = "--embeddings x.npy --model net.safetensors -o out.safetensors";
    for (args, part) in [
        (format!("--kind siamese {base}"), "Give --labels"),
        (format!("--kind pca --far 0.1 {base}"), "Give --labels"),
        (format!("--kind siamese --whiten --labels x.csv {base}"), "--whiten belongs to --kind pca"),
        (format!("--kind siamese --dimension 3 --labels x.csv {base}"), "--dimension belongs to"),
        (format!("--kind pca --iterations 3 {base}"), "--iterations belongs to"),
        (format!("--kind pca --method full {base}"), "--method belongs to"),
        (format!("--kind pca --dimension 49 {base}"), "Choose 1 to 48"),
        (format!("--kind siamese --labels short.csv {base}"), "2 lines for 50 embeddings"),
        (format!("--kind siamese --labels flat.csv {base}"), "in no folder"),
        (format!("--kind siamese --labels x.npy {base}"), "whole numbers"),
        (format!("--kind joint-bayesian --labels alone.csv {base}"), "no pairs"),
        (format!("--kind siamese --labels x.csv --far 0.0000001 {base}"), "cannot be measured"),
        ("--kind pca --embeddings x.npy --model net.safetensors -o out.onnx".to_owned(), ".safetensors"),
        ("--kind pca --embeddings x.npy -o out.safetensors".to_owned(), "Name the model that made them"),
        ("--kind pca --embeddings x.npy --model mirrored.safetensors -o out.safetensors".to_owned(), "flip"),
    ] {
        let text = bench.fail(&format!("fit {args}"));
        assert!(text.contains(part), "{args}: {text}");
    }
    assert!(!bench.path("out.safetensors").exists());
    assert!(bench.fail("cluster x.npy --model net.safetensors").contains("--threshold"));
    bench.succeed("fit --kind siamese --embeddings x.npy --labels x.csv --model net.safetensors -o siamese.safetensors");
    assert!(bench.fail("cluster x.npy --model siamese.safetensors --method kmeans --groups 3").contains("groups by cosine"));
    // A description that does not say enough, or something else.
    for (text, part) in [
        ("similarity = 'joint_bayesian'", "needs `phi`"),
        ("similarity = 'cosine'\n[embedding.score]\nphi = [1.0]", "does not use"),
        ("similarity = 'siamese'\n[embedding.score]\nweights = [1.0, -1.0]", "at least 0"),
        ("similarity = 'chi_squared'\n[embedding.score]\nweights = [1.0, nan]", "NaN"),
    ] {
        bench.file("d.toml", format!("name = 'x'\n[embedding]\nthreshold = 1.0\n{text}\n").as_bytes());
        let text = bench.fail("info net.safetensors --describe d.toml");
        assert!(text.contains(part), "{text}");
    }
    bench.file("d.toml", b"name = 'x'\n[embedding]\nthreshold = 1.0\nsimilarity = 'siamese'\n[embedding.score]\nweights = [1.0, 2.0]\n");
    let text = bench.fail("verify crops/p01/0.ppm crops/p01/1.ppm --aligned --model net.safetensors --describe d.toml");
    assert!(text.contains("2 parameters, but embeddings have 48"), "{text}");
}
