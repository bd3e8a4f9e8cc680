//! Groups of faces, on graphs that the GPU made: what is known to be right, and what others computed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, gpu, read_npy, test_data};
use lookalike::gallery::cluster::{
    Whispers, agglomerative, bcubed, chinese_whispers, connected_components, consecutive, normalised_mutual_information, pairwise,
    spherical_kmeans,
};
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Neighbours};

/// Pictures of people who are far apart, and who is on them.
fn people(r: &mut Random, n: usize, dimension: usize, count: usize, spread: f32) -> (Vec<u32>, Vec<f32>) {
    let centres: Vec<Vec<f32>> = (0..count).map(|_| (0..dimension).map(|_| r.signed()).collect()).collect();
    let truth: Vec<u32> = (0..n).map(|i| if i < count { i } else { r.below(count) } as u32).collect();
    let rows = truth.iter().flat_map(|&p| centres[p as usize].clone()).collect::<Vec<_>>();
    (truth, rows.into_iter().map(|x| x + spread * r.signed()).collect())
}

fn graph(vectors: &[f32], dimension: usize, k: usize, threshold: Option<f32>) -> Neighbours {
    let index = GalleryIndex::new(&gpu(), dimension, &IndexOptions::default()).unwrap();
    let n = vectors.len() / dimension;
    // Added backwards: places in the graph go by id.
    let ids: Vec<u64> = (0..n as u64).rev().collect();
    let rows: Vec<f32> = vectors.chunks_exact(dimension).rev().flatten().copied().collect();
    index.add(&ids, &vec![0; n], &rows).unwrap();
    index.neighbours(k, threshold).unwrap()
}

#[test]
fn every_method_finds_people_who_are_far_apart() {
    let mut r = Random(1);
    let (truth, vectors) = people(&mut r, 300, 64, 20, 0.4);
    let truth = consecutive(&truth);
    let near = graph(&vectors, 64, usize::MAX, Some(0.6));
    assert_eq!(connected_components(&near), truth);
    for (seed, weighted) in [(0, false), (5, true)] {
        assert_eq!(chinese_whispers(&near, &Whispers { seed, weighted, ..Whispers::default() }), truth);
    }
    assert_eq!(agglomerative(&graph(&vectors, 64, usize::MAX, None), 0.6).unwrap(), truth);
    let found = spherical_kmeans(&gpu(), &vectors, 64, 20, 3, 50).unwrap();
    let b = bcubed(&truth, &consecutive(&found.labels));
    // k-means may end in a local optimum: two people in one group, one in two.
    assert!(b.f > 0.9, "{b:?}");
}

/// Merges the best pair of groups again and again, from the definition.
fn greedy(vectors: &[f32], dimension: usize, threshold: f64) -> Vec<u32> {
    let rows: Vec<Vec<f64>> = vectors.chunks_exact(dimension).map(|v| v.iter().map(|&x| f64::from(x)).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let cosine = |i: usize, j: usize| dot(&rows[i], &rows[j]) / (dot(&rows[i], &rows[i]) * dot(&rows[j], &rows[j])).sqrt();
    let mut groups: Vec<Vec<usize>> = (0..rows.len()).map(|i| vec![i]).collect();
    loop {
        let mut best = (f64::NEG_INFINITY, 0, 0);
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let pairs = groups[a].iter().flat_map(|&i| groups[b].iter().map(move |&j| (i, j)));
                let mean = pairs.map(|(i, j)| cosine(i, j)).sum::<f64>() / (groups[a].len() * groups[b].len()) as f64;
                if mean > best.0 {
                    best = (mean, a, b);
                }
            }
        }
        if best.0 < threshold {
            break;
        }
        let gone = groups.remove(best.2);
        groups[best.1].extend(gone);
    }
    let mut labels = vec![0; rows.len()];
    groups.iter().enumerate().for_each(|(g, members)| members.iter().for_each(|&m| labels[m] = g));
    consecutive(&labels)
}

#[test]
fn agglomerative_merges_what_the_definition_merges() {
    for seed in 2..8 {
        let mut r = Random(seed);
        let (_, vectors) = people(&mut r, 40, 8, 9, 0.9);
        let all = graph(&vectors, 8, usize::MAX, None);
        for threshold in [-0.2, 0.1, 0.45, 0.8, 0.99] {
            assert_eq!(agglomerative(&all, threshold).unwrap(), greedy(&vectors, 8, threshold.into()), "seed {seed}, {threshold}");
        }
    }
}

#[test]
fn chains_are_one_component_and_lonely_faces_their_own() {
    let edges = vec![vec![(1, 0.9)], vec![], vec![(1, 0.8)], vec![], vec![(5, 0.7)], vec![(4, 0.7)]];
    let graph = Neighbours { ids: (0..6).collect(), edges };
    assert_eq!(connected_components(&graph), [0, 0, 0, 1, 2, 2]);
    let whispers = chinese_whispers(&graph, &Whispers::default());
    assert_eq!(whispers[4], whispers[5]);
    assert!(whispers.iter().filter(|&&l| l == whispers[3]).count() == 1);
    let none = Neighbours::default();
    assert!(connected_components(&none).is_empty() && chinese_whispers(&none, &Whispers::default()).is_empty());
    assert!(agglomerative(&none, 0.5).unwrap().is_empty());
}

#[test]
fn k_means_settles_every_row_goes_to_its_nearest_centre_and_none_is_empty() {
    let mut r = Random(9);
    let (_, mut vectors) = people(&mut r, 200, 16, 12, 0.6);
    // Many equal rows, which k-means++ alone would give several centres.
    let first = vectors[..16].to_vec();
    (0..60).for_each(|i| vectors[i * 16..(i + 1) * 16].copy_from_slice(&first));
    for k in [1, 7, 40] {
        let found = spherical_kmeans(&gpu(), &vectors, 16, k, 4, 100).unwrap();
        let again = spherical_kmeans(&gpu(), &vectors, 16, k, 4, 100).unwrap();
        assert_eq!(found, again);
        assert!(found.rounds < 100, "{} rounds", found.rounds);
        let mut used = vec![false; k];
        found.labels.iter().for_each(|&l| used[l as usize] = true);
        assert!(used.iter().all(|&u| u));
        for centre in found.centres.chunks_exact(16) {
            let norm: f64 = centre.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!((norm - 1.0).abs() < 1e-6);
        }
        if k < 40 {
            for (row, &label) in vectors.chunks_exact(16).zip(&found.labels) {
                let fit = |c: &[f32]| row.iter().zip(c).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
                let best = found.centres.chunks_exact(16).map(fit).fold(f64::NEG_INFINITY, f64::max);
                assert!(fit(&found.centres[label as usize * 16..][..16]) >= best - 1e-5);
            }
        }
    }
    for (n, k) in [(3, 4), (3, 0)] {
        assert!(spherical_kmeans(&gpu(), &vectors[..n * 16], 16, k, 0, 5).is_err());
    }
}

#[test]
fn metrics_are_those_of_the_published_example() {
    let Some(data) = test_data() else { return };
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("golden/pipeline.json")).unwrap()).unwrap();
    let golden = &golden["clustering_metrics"];
    let labels = |name: &str| golden[name].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect::<Vec<_>>();
    let (truth, found) = (labels("true"), labels("pred"));
    for (name, got) in [("pairwise", pairwise(&truth, &found)), ("bcubed", bcubed(&truth, &found))] {
        for (part, value) in [("precision", got.precision), ("recall", got.recall), ("f", got.f)] {
            let want = golden[name][part].as_f64().unwrap();
            assert!((value - want).abs() < 1e-11, "{name} {part}: {value}, not {want}");
        }
    }
    let nmi = normalised_mutual_information(&truth, &found);
    assert!((nmi - golden["nmi_arithmetic"].as_f64().unwrap()).abs() < 1e-11, "{nmi}");
    for (t, f) in [(&[][..], &[][..]), (&[4], &[9]), (&[0, 0, 5], &[2, 2, 1])] {
        assert_eq!((pairwise(t, f).f, bcubed(t, f).f), (1.0, 1.0));
        if !t.is_empty() {
            assert!((normalised_mutual_information(t, f) - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn pictures_of_real_people_are_grouped() {
    let Some(data) = test_data() else { return };
    let folder = data.join("golden/gallery_retail_0095");
    let (gallery, queries) = (read_npy(&folder.join("gallery.npy")), read_npy(&folder.join("queries.npy")));
    let names = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let names = names("gallery_files.txt") + &names("query_files.txt");
    let people: Vec<&str> = names.lines().map(|line| line.split('/').next().unwrap()).collect();
    let truth = consecutive(&people);
    let dimension = gallery.shape()[1];
    let vectors: Vec<f32> = gallery.to_f32().iter().chain(queries.to_f32().iter()).copied().collect();
    assert_eq!(vectors.len() / dimension, truth.len());
    let near = graph(&vectors, dimension, usize::MAX, Some(0.55));
    let whispers = bcubed(&truth, &chinese_whispers(&near, &Whispers::default()));
    let average = bcubed(&truth, &agglomerative(&graph(&vectors, dimension, usize::MAX, None), 0.45).unwrap());
    println!("Chinese whispers {whispers:?}\naverage linkage {average:?}");
    assert!(whispers.f > 0.8 && average.f > 0.8);
}

#[cfg(feature = "cli")]
mod command {
    use std::path::Path;
    use std::process::{Command, Output};

    use super::common::Random;

    fn lookalike(folder: &Path, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lookalike")).current_dir(folder).args(args).output().unwrap()
    }

    fn json(output: &Output) -> serde_json::Value {
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A little-endian f32 array.
    fn save(path: &Path, shape: [usize; 2], data: &[f32]) {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}\n", shape[0], shape[1]);
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.bytes());
        out.extend(data.iter().flat_map(|x| x.to_le_bytes()));
        std::fs::write(path, out).unwrap();
    }

    #[test]
    fn cluster_groups_a_file_of_embeddings_and_says_how_well() {
        let folder = tempfile::tempdir().unwrap();
        let (truth, vectors) = super::people(&mut Random(11), 90, 32, 7, 0.3);
        save(&folder.path().join("x.npy"), [90, 32], &vectors);
        let table: String = truth.iter().map(|t| format!("x.jpg,person {t}\n")).collect();
        std::fs::write(folder.path().join("who.csv"), format!("source,label\n{table}")).unwrap();
        for method in ["chinese-whispers", "components", "agglomerative"] {
            let args =
                ["cluster", "x.npy", "--method", method, "--threshold", "0.7", "--labels", "who.csv", "-o", "out.csv", "--json", "-q"];
            let result = json(&lookalike(folder.path(), &args));
            assert_eq!(result["clusters"], 7, "{method}");
            assert_eq!(result["agreement"]["bcubed"]["f"], 1.0, "{method}");
            let written = std::fs::read_to_string(folder.path().join("out.csv")).unwrap();
            assert_eq!(written.lines().count(), 91);
            assert!(written.starts_with("row,cluster\n0,0\n"));
        }
        let few = json(&lookalike(folder.path(), &["cluster", "x.npy", "--method", "kmeans", "--groups", "3", "--json", "-q"]));
        assert_eq!(few["clusters"], 3);
        for (args, word) in [
            (&["cluster", "x.npy", "--method", "kmeans"][..], "--groups"),
            (&["cluster", "x.npy", "--labels", "out.csv"], "no column `label`"),
            (&["cluster", "who.csv"], "not a .npy array"),
        ] {
            let output = lookalike(folder.path(), args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn bench_search_prints_its_figures() {
        let folder = tempfile::tempdir().unwrap();
        let args =
            ["bench", "search", "--rows", "1000", "--dim", "32", "--k", "3", "--storage", "i8", "--batch", "5", "--runs", "2", "--json"];
        let result = json(&lookalike(folder.path(), &args));
        for field in ["p50_ms", "rows_per_second", "gb_per_second", "gflops"] {
            assert!(result[field].as_f64().unwrap() > 0.0, "{field}");
        }
        assert_eq!((&result["rows"], &result["batch"], &result["storage"]), (&1000.into(), &5.into(), &"i8".into()));
    }
}
