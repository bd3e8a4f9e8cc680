//! Searches on the command line: one result a person, several adapters, galleries larger than an adapter's share.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::Random;
use common::tool::{Tool, npy};

/// A folder with a gallery `g` of 600 rows of 20 people, and three queries `q.npy`.
struct Bench {
    tool: Tool,
    rows: Vec<f32>,
    queries: Vec<f32>,
}

const DIMENSION: usize = 24;
const PEOPLE: usize = 20;

impl std::ops::Deref for Bench {
    type Target = Tool;
    fn deref(&self) -> &Tool {
        &self.tool
    }
}

impl Bench {
    fn new() -> Self {
        let tool = Tool::new(env!("CARGO_BIN_EXE_lookalike"));
        let mut r = Random(51);
        let mut matrix = |name: &str, rows: usize| {
            let data: Vec<f32> = (0..rows * DIMENSION).map(|_| r.signed()).collect();
            tool.file(name, &npy(&[rows, DIMENSION], &data));
            data
        };
        let (rows, queries) = (matrix("x.npy", 600), matrix("q.npy", 3));
        let labels: String = (0..600).map(|i| format!("p{},{i}\n", i % PEOPLE)).collect();
        tool.file("x.csv", format!("label,source\n{labels}").as_bytes());
        let bench = Self { tool, rows, queries };
        bench.succeed("gallery create g");
        bench.succeed("gallery import g x.npy --labels x.csv");
        bench
    }
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn a_person_is_scored_by_the_best_face_the_mean_or_the_template() {
    let bench = Bench::new();
    let wide = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    for (args, how) in
        [("--per-person best", "best"), ("--per-person=mean", "mean"), ("--per-person template", "template"), ("--per-person", "best")]
    {
        let found = bench.json(&format!("search g q.npy --top 30 {args}"));
        for (i, query) in bench.queries.chunks_exact(DIMENSION).map(wide).enumerate() {
            let mut people: BTreeMap<usize, Vec<Vec<f64>>> = BTreeMap::new();
            bench.rows.chunks_exact(DIMENSION).enumerate().for_each(|(row, v)| people.entry(row % PEOPLE).or_default().push(wide(v)));
            let mut want: Vec<(f64, String)> = people
                .into_iter()
                .map(|(person, rows)| {
                    let scores = rows.iter().map(|r| cosine(&query, r));
                    let score = match how {
                        "best" => scores.fold(f64::MIN, f64::max),
                        "mean" => scores.sum::<f64>() / rows.len() as f64,
                        _ => {
                            let mut mean = vec![0.0; DIMENSION];
                            for row in &rows {
                                let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                                mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / length);
                            }
                            cosine(&query, &mean)
                        }
                    };
                    (score, format!("p{person}"))
                })
                .collect();
            want.sort_by(|a, b| b.0.total_cmp(&a.0));
            let hits = found[i]["hits"].as_array().unwrap();
            assert_eq!(hits.len(), PEOPLE, "{args}");
            for (hit, (score, label)) in hits.iter().zip(&want) {
                assert_eq!(hit["label"], **label, "{args}");
                assert!((hit["score"].as_f64().unwrap() - score).abs() < 1e-6, "{args}: {hit} {score}");
            }
        }
    }
    assert!(bench.fail("search g q.npy --per-person median").contains("template"));
}

#[test]
fn several_adapters_and_a_small_share_find_what_one_adapter_finds() {
    let bench = Bench::new();
    let want = bench.json("search g q.npy --top 9");
    // The same adapter twice is two devices; 600 rows of 24 numbers take 76,800 bytes on them.
    for args in ["--devices 0,0", "--devices all", "--devices 0 --device-bytes 20K", "--devices 0,0 --device-bytes 6K", "--device-bytes 0"]
    {
        assert_eq!(bench.json(&format!("search g q.npy --top 9 {args}")), want, "{args}");
    }
    let one = bench.json("cluster x.npy --threshold 0.6");
    assert_eq!(bench.json("cluster x.npy --threshold 0.6 --devices 0,0"), one);
    let speed = bench.json("bench search --rows 3000 --dim 32 --storage f16 --runs 2 --devices 0,0 --device-bytes 30K");
    assert_eq!(speed["adapters"].as_array().unwrap().len(), 2);
    assert!(speed["passing_shards"].as_u64().unwrap() > 0 && speed["shards"].as_u64() > speed["passing_shards"].as_u64(), "{speed}");
    let text = bench.succeed("bench search --rows 300 --dim 32 --runs 1 --devices 0,0");
    assert!(text.contains(" and ") && text.contains("0 of them passing by"), "{text}");
}

#[test]
fn adapters_and_shares_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    for (args, words) in [
        ("search g q.npy --devices 0, ", "empty place"),
        ("search g q.npy --devices 0,no-such-adapter", "no-such-adapter"),
        ("search g q.npy --devices 0 --device 0", "Use one of them"),
        ("search g q.npy --device-bytes 3T", "no number of bytes"),
        ("cluster x.npy --method kmeans --groups 3 --devices all", "kmeans uses one adapter"),
        ("devices --devices all", "uses one adapter"),
        ("gallery list g --devices 0", "uses one adapter"),
        ("embed x.ppm --devices 0,1 -o y.npy", "uses one adapter"),
        ("bench kernels --devices 0", "uses one adapter"),
    ] {
        let error = bench.fail(args);
        assert!(error.contains(words), "{args}: {error}");
    }
}
