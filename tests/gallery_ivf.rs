//! The inverted file finds exactly the best rows of the lists it looks at, and nearly all of the best where rows lie in groups.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::process::Command;
use std::sync::OnceLock;

use common::{Random, gpu};
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gallery::ivf::{IvfIndex, IvfOptions};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::plan::GemmFamily;

/// The same adapter with the kernels for hardware GPUs.
fn tiled() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    let options = GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() };
    GPU.get_or_init(|| Gpu::new(&options).unwrap()).clone()
}

/// Pictures of people: `spread` is how far they are from their person, who is about 1 from the others.
fn people(r: &mut Random, n: usize, dimension: usize, people: usize, spread: f32) -> Vec<f32> {
    let centres: Vec<f32> = (0..people * dimension).map(|_| r.signed()).collect();
    let mut out = Vec::with_capacity(n * dimension);
    for _ in 0..n {
        let first = r.below(people) * dimension;
        out.extend(centres[first..first + dimension].iter().map(|c| c + spread * r.signed()));
    }
    out
}

/// Ids that are not in the order of their places.
fn ids(n: usize) -> Vec<u64> {
    (0..n as u64).map(|i| i * 7919 % 1_000_003).collect()
}

fn options(storage: Storage, metric: Metric, lists: usize) -> IvfOptions {
    IvfOptions { index: IndexOptions::new(storage, metric), lists: Some(lists), ..IvfOptions::default() }
}

fn exact(gpu: &Gpu, dimension: usize, of: &IvfOptions, ids: &[u64], labels: &[u32], vectors: &[f32]) -> GalleryIndex {
    let index = GalleryIndex::new(gpu, dimension, &of.index).unwrap();
    index.add(ids, labels, vectors).unwrap();
    index
}

/// Ids and scores; NaN equals NaN.
fn same(got: &[Vec<Hit>], want: &[Vec<Hit>], what: &str) {
    let plain = |hits: &[Hit]| hits.iter().map(|h| (h.id, if h.score.is_nan() { u32::MAX } else { h.score.to_bits() })).collect::<Vec<_>>();
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(plain(got), plain(want), "{what}, probe {i}");
    }
}

fn recall(got: &[Vec<Hit>], want: &[Vec<Hit>]) -> f64 {
    let shares = got.iter().zip(want).map(|(got, want)| {
        let got: HashSet<u64> = got.iter().map(|h| h.id).collect();
        want.iter().filter(|h| got.contains(&h.id)).count() as f64 / want.len() as f64
    });
    shares.sum::<f64>() / got.len() as f64
}

#[test]
fn in_all_lists_it_is_the_exact_search() {
    let mut r = Random(1);
    for (family, gpu) in [("default", gpu()), ("tiled", tiled())] {
        for (n, dimension, lists) in [(1, 1, 1), (70, 3, 5), (333, 65, 11)] {
            let mut vectors = people(&mut r, n, dimension, 1 + n / 9, 0.3);
            // Ties across lists, zeros, rows too large for the device, rows that hold no number.
            for i in (5..n).step_by(6) {
                let row = i * dimension..(i + 1) * dimension;
                match i % 5 {
                    0 => vectors[row].fill(0.0),
                    1 => vectors[row.start] = f32::NAN,
                    2 => vectors[row].iter_mut().for_each(|x| *x *= 1e30),
                    _ => vectors.copy_within(0..dimension, row.start),
                }
            }
            let labels: Vec<u32> = (0..n as u32).map(|i| i % 7).collect();
            for storage in [Storage::F32, Storage::F16, Storage::I8] {
                for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
                    let mut options = options(storage, metric, lists);
                    // Lists across shards.
                    options.index.rows_per_shard = Some(64);
                    let plain = exact(&gpu, dimension, &options, &ids(n), &labels, &vectors);
                    let index = IvfIndex::build(&gpu, dimension, &ids(n), &labels, &vectors, &options).unwrap();
                    assert_eq!((index.len(), index.lists(), index.dimension()), (n, lists, dimension));
                    assert_eq!(index.ids(), plain.ids());
                    for batch in [1, 33] {
                        let mut probes = people(&mut r, batch, dimension, 3, 0.5);
                        probes[..dimension].copy_from_slice(&vectors[..dimension]);
                        if batch > 1 {
                            probes[dimension] = f32::NAN;
                        }
                        for per_label in [None, Some(PerLabel::Best), Some(PerLabel::Mean), Some(PerLabel::Template)] {
                            let search = SearchOptions { per_label, ..SearchOptions::default() };
                            for k in [1, 10, n + 3] {
                                let got = index.search(&probes, k, lists, &search).unwrap();
                                let want = plain.search(&probes, k, &search).unwrap();
                                same(&got, &want, &format!("{family} {n} x {dimension} {storage:?} {metric:?} {per_label:?} k {k}"));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A second, exact index whose labels are the lists of the rows: masked by a probe's lists it gives what the inverted file has to find.
struct ByList {
    plain: GalleryIndex,
}

impl ByList {
    fn add(&self, index: &IvfIndex, ids: &[u64], vectors: &[f32]) {
        let lists: Vec<u32> = index.nearest_lists(vectors, 1).unwrap().iter().map(|l| l[0] as u32).collect();
        self.plain.add(ids, &lists, vectors).unwrap();
    }

    fn check(&self, index: &IvfIndex, probes: &[f32], what: &str) {
        for nprobe in [1, 3, 8, index.lists() - 1] {
            for threshold in [None, Some(0.4)] {
                let got = index.search(probes, 12, nprobe, &SearchOptions { threshold, ..SearchOptions::default() }).unwrap();
                let lists = index.nearest_lists(probes, nprobe).unwrap();
                for (i, probe) in probes.chunks_exact(index.dimension()).enumerate() {
                    let labels: Vec<u32> = lists[i].iter().map(|&l| l as u32).collect();
                    assert_eq!(labels.len(), nprobe);
                    let options = SearchOptions { threshold, labels: Some(&labels), ..SearchOptions::default() };
                    let want = self.plain.search(probe, 12, &options).unwrap();
                    same(&got[i..=i], &want, &format!("{what}, nprobe {nprobe}, probe {i}, {threshold:?}"));
                }
            }
        }
    }
}

#[test]
fn it_finds_exactly_the_best_rows_of_its_lists_while_rows_come_and_go() {
    let mut r = Random(2);
    for (family, gpu) in [("default", gpu()), ("tiled", tiled())] {
        for (storage, metric) in [(Storage::F16, Metric::Cosine), (Storage::I8, Metric::Cosine), (Storage::F32, Metric::Dot)] {
            let (n, dimension) = (900, 24);
            let vectors = people(&mut r, n, dimension, 60, 0.7);
            let probes = people(&mut r, 70, dimension, 60, 0.7);
            let mut options = options(storage, metric, 17);
            options.index.rows_per_shard = Some(256);
            if storage == Storage::I8 {
                // Most shards pass through the device.
                options.index.device_bytes = Some(20_000);
            }
            let index = IvfIndex::train(&gpu, dimension, &vectors, &options).unwrap();
            assert!(index.is_empty() && index.search(&probes, 3, 8, &SearchOptions::default()).unwrap().iter().all(Vec::is_empty));
            let by_list = ByList { plain: GalleryIndex::new(&gpu, dimension, &options.index).unwrap() };
            let what = format!("{family} {storage:?} {metric:?}");
            // Several additions: lists of several runs of blocks.
            for (ids, part) in ids(n).chunks(300).zip(vectors.chunks(300 * dimension)) {
                index.add(ids, &vec![0; ids.len()], part).unwrap();
                by_list.add(&index, ids, part);
            }
            by_list.check(&index, &probes, &what);
            let gone: Vec<u64> = ids(n).into_iter().step_by(3).collect();
            assert_eq!(index.try_remove(&gone).unwrap(), by_list.plain.try_remove(&gone).unwrap());
            assert_eq!(index.try_remove(&gone).unwrap(), 0);
            by_list.check(&index, &probes, &format!("{what} after removal"));
            let more = people(&mut r, 400, dimension, 60, 0.7);
            let new: Vec<u64> = (2_000_000..2_000_400).collect();
            index.add(&new, &[5; 400], &more).unwrap();
            by_list.add(&index, &new, &more);
            assert_eq!(index.ids(), by_list.plain.ids());
            by_list.check(&index, &probes, &format!("{what} after growth"));
        }
    }
}

#[test]
fn where_rows_lie_in_groups_a_few_lists_hold_nearly_all_that_is_near() {
    let mut r = Random(3);
    let (n, dimension) = (6000, 48);
    let vectors = people(&mut r, n + 200, dimension, 300, 0.8);
    let (vectors, probes) = vectors.split_at(n * dimension);
    let labels = vec![0; n];
    for metric in [Metric::Cosine, Metric::Euclidean] {
        let options = IvfOptions { index: IndexOptions::new(Storage::F16, metric), ..IvfOptions::default() };
        let index = IvfIndex::build(&gpu(), dimension, &ids(n), &labels, vectors, &options).unwrap();
        assert_eq!(index.lists(), 310);
        let plain = exact(&gpu(), dimension, &options, &ids(n), &labels, vectors);
        let none = SearchOptions::default();
        let want = plain.search(probes, 10, &none).unwrap();
        let recalls: Vec<f64> =
            [1, 4, IvfIndex::NPROBE, 32].iter().map(|&nprobe| recall(&index.search(probes, 10, nprobe, &none).unwrap(), &want)).collect();
        println!("{metric:?}: recall {recalls:?}");
        assert!(recalls.windows(2).all(|w| w[0] <= w[1]), "{recalls:?}");
        assert!(recalls[0] > 0.5 && recalls[2] > 0.9, "{recalls:?}");
        // The same seed, the same lists; another one, others.
        let again = IvfIndex::build(&gpu(), dimension, &ids(n), &labels, vectors, &options).unwrap();
        assert_eq!(again.nearest_lists(probes, 3).unwrap(), index.nearest_lists(probes, 3).unwrap());
        let other = IvfIndex::train(&gpu(), dimension, vectors, &IvfOptions { seed: 1, ..options }).unwrap();
        assert_ne!(other.nearest_lists(probes, 3).unwrap(), index.nearest_lists(probes, 3).unwrap());
    }
}

#[test]
fn masks_restrict_what_is_found() {
    let mut r = Random(4);
    let vectors = people(&mut r, 500, 16, 20, 0.6);
    let labels: Vec<u32> = (0..500).map(|i| i % 11).collect();
    let options = options(Storage::F32, Metric::Cosine, 9);
    let index = IvfIndex::build(&gpu(), 16, &ids(500), &labels, &vectors, &options).unwrap();
    let plain = exact(&gpu(), 16, &options, &ids(500), &labels, &vectors);
    let search = SearchOptions { labels: Some(&[3, 10, 77]), threshold: Some(0.1), per_label: None };
    same(&index.search(&vectors[..160], 20, 9, &search).unwrap(), &plain.search(&vectors[..160], 20, &search).unwrap(), "masked");
    let some = index.search(&vectors[..160], 20, 2, &search).unwrap();
    assert!(some.iter().flatten().count() > 0 && some.iter().flatten().all(|h| h.label == 3 || h.label == 10));
}

#[test]
fn nothing_and_one_row_are_galleries_too() {
    let none = SearchOptions::default();
    let index = IvfIndex::train(&gpu(), 4, &[], &IvfOptions::default()).unwrap();
    assert_eq!(index.lists(), 1);
    assert_eq!(index.search(&[1.0; 8], 5, 8, &none).unwrap(), vec![vec![]; 2]);
    index.add(&[7], &[3], &[0.0, 2.0, 0.0, 0.0]).unwrap();
    let hits = index.search(&[0.0, 1.0, 0.0, 0.0], 5, 8, &none).unwrap();
    assert_eq!(hits, [[Hit { id: 7, label: 3, score: 1.0 }]]);
    assert!(index.search(&[], 5, 8, &none).unwrap().is_empty());
    // Rows that no centre can be made of.
    let nan = IvfIndex::build(&gpu(), 2, &[1, 2], &[0, 0], &[f32::NAN; 4], &IvfOptions::default()).unwrap();
    assert!(nan.search(&[1.0, 0.0], 5, 1, &none).unwrap()[0].iter().all(|h| h.score.is_nan()));
    assert_eq!(nan.len(), 2);
}

#[test]
fn what_cannot_be_is_said() {
    let gpu = gpu();
    let with = |lists| IvfOptions { lists: Some(lists), ..IvfOptions::default() };
    for (dimension, vectors, options, word) in [
        (0, vec![], IvfOptions::default(), "0 numbers a row"),
        (3, vec![1.0; 7], IvfOptions::default(), "7 numbers"),
        (2, vec![1.0; 8], with(0), "0 lists"),
        (2, vec![1.0; 8], with(5), "5 lists"),
        (2, vec![1.0, 1.0, f32::NAN, 0.0], with(2), "2 lists"),
    ] {
        let error = IvfIndex::train(&gpu, dimension, &vectors, &options).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let mut learned = with(1);
    learned.index.metric = Metric::WeightedL1;
    learned.index.weights = vec![1.0; 2].into();
    let error = IvfIndex::train(&gpu, 2, &[1.0; 8], &learned).unwrap_err().to_string();
    assert!(error.contains("WeightedL1"), "{error}");
    let index = IvfIndex::build(&gpu, 2, &[1], &[0], &[1.0, 0.0], &IvfOptions::default()).unwrap();
    for (ids, labels, vectors, word) in
        [(vec![2], vec![0], vec![1.0], "2 numbers"), (vec![1], vec![0], vec![1.0; 2], "id 1"), (vec![2], vec![], vec![1.0; 2], "0 labels")]
    {
        let error = index.add(&ids, &labels, &vectors).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(index.len(), 1);
    let none = SearchOptions::default();
    assert!(index.search(&[1.0; 3], 1, 8, &none).unwrap_err().to_string().contains("3 numbers"));
    assert!(index.search(&[1.0; 2], 1, 0, &none).unwrap_err().to_string().contains("0 lists"));
}

fn lookalike(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_lookalike")).args(args).output().unwrap()
}

#[test]
fn the_benchmark_tells_recall_beside_time() {
    let small = ["bench", "search", "--rows", "3000", "--dim", "32", "--people", "150", "--runs", "1", "-q"];
    let run = lookalike(&[&small[..], &["--ivf", "40", "--nprobe", "1,8,40", "--json"]].concat());
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(report["ivf"]["lists"], 40);
    let searches = report["ivf"]["searches"].as_array().unwrap();
    let recalls: Vec<f64> = searches.iter().map(|s| s["recall"].as_f64().unwrap()).collect();
    assert!(recalls[0] <= recalls[1] && recalls[1] > 0.8 && recalls[2] == 1.0, "{recalls:?}");
    assert!(searches.iter().all(|s| s["p50_ms"].as_f64().unwrap() > 0.0));
    let run = lookalike(&[&small[..], &["--ivf"]].concat());
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success() && text.contains("inverted file of 219 lists") && text.contains("recall@10"), "{text}");
    for (more, word) in [(&["--nprobe", "4"][..], "--ivf"), (&["--ivf", "4000"], "4000 lists"), (&["--ivf", "--nprobe", "0"], "0")] {
        let run = lookalike(&[&small[..], more].concat());
        assert_eq!(run.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&run.stderr).contains(word), "{}", String::from_utf8_lossy(&run.stderr));
    }
}
