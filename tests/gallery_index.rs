//! The gallery on the GPU gives what f64 arithmetic on the stored numbers gives, in every storage, with every kernel, after every change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::plain::{METRICS, Plain, STORAGES, check, faces, index, same, tiled};
use common::{Random, gpu, read_npy, test_data};
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gpu::{Gpu, GpuOptions};

#[test]
fn searches_equal_f64_arithmetic_in_every_storage_metric_and_kernel() {
    let mut r = Random(1);
    for (family, gpu) in [("default", gpu()), ("tiled", tiled())] {
        for (n, dimension) in [(1, 1), (31, 3), (32, 17), (33, 64), (257, 130), (700, 512)] {
            let (ids, labels, vectors) = faces(&mut r, n, dimension, 1 + n / 9, true);
            for storage in STORAGES {
                for metric in METRICS {
                    let mut plain = Plain::default();
                    let index = index(&gpu, dimension, storage, metric, None);
                    plain.add(&index, &ids, &labels, &vectors);
                    // One probe, a subgroup of them, tiles of 32 and of 64, off by one; some are rows.
                    for batch in [1, 2, 9, 33, 67] {
                        let mut probes = faces(&mut r, batch, dimension, 3, batch > 9).2;
                        let row = r.below(n) * dimension;
                        probes[..dimension].copy_from_slice(&vectors[row..row + dimension]);
                        for k in [1, 7, n + 5] {
                            let what = format!("{family} {n} x {dimension}, {batch} probes");
                            check(&index, &plain, (storage, metric), &probes, k, &SearchOptions::default(), &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn thresholds_masks_and_labels_restrict_what_is_found() {
    let mut r = Random(2);
    let (ids, labels, vectors) = faces(&mut r, 900, 96, 60, true);
    for (storage, metric, threshold) in [
        (Storage::F32, Metric::Cosine, 0.3),
        (Storage::F16, Metric::Euclidean, -4.0),
        (Storage::I8, Metric::Dot, 5.0),
        (Storage::I8, Metric::Cosine, 0.6),
    ] {
        let mut plain = Plain::default();
        let index = index(&gpu(), 96, storage, metric, Some(256));
        plain.add(&index, &ids, &labels, &vectors);
        let probes = faces(&mut r, 5, 96, 5, false).2.into_iter().chain(vectors[..96 * 8].iter().copied()).collect::<Vec<_>>();
        let some: Vec<u32> = (0..60).step_by(7).collect();
        for threshold in [None, Some(threshold)] {
            for labels in [None, Some(&some[..]), Some(&[3, 999][..]), Some(&[][..])] {
                for per_label in [None, Some(PerLabel::Best)] {
                    for k in [1, 4, 2000] {
                        let options = SearchOptions { threshold, labels, per_label };
                        check(&index, &plain, (storage, metric), &probes, k, &options, &format!("{options:?}"));
                    }
                }
            }
        }
        let nothing = index.search(&probes, 5, &SearchOptions { threshold: Some(f32::NAN), ..SearchOptions::default() }).unwrap();
        assert!(nothing.iter().all(Vec::is_empty));
    }
}

#[test]
fn one_shard_and_many_give_the_same_bits() {
    let mut r = Random(4);
    let (ids, labels, vectors) = faces(&mut r, 1000, 160, 50, true);
    let probes = faces(&mut r, 40, 160, 9, true).2;
    for storage in STORAGES {
        let one = index(&gpu(), 160, storage, Metric::Cosine, None);
        one.add(&ids, &labels, &vectors).unwrap();
        assert_eq!(one.shards(), 1);
        for (gpu, rows, shards) in [(gpu(), 150, 7), (tiled(), 150, 7), (gpu(), 1, 32)] {
            let many = index(&gpu, 160, storage, Metric::Cosine, Some(rows));
            many.add(&ids, &labels, &vectors).unwrap();
            assert_eq!(many.shards(), shards);
            let mask = SearchOptions { labels: Some(&[1, 2, 3, 30]), ..SearchOptions::default() };
            for options in [SearchOptions::default(), mask] {
                let (a, b) = (one.search(&probes, 11, &options).unwrap(), many.search(&probes, 11, &options).unwrap());
                a.iter().zip(&b).for_each(|(a, b)| same(b, a, "7 shards"));
            }
        }
        // A probe alone and within a batch.
        let all = one.search(&probes, 11, &SearchOptions::default()).unwrap();
        for (i, probe) in probes.chunks_exact(160).enumerate() {
            same(&one.search(probe, 11, &SearchOptions::default()).unwrap()[0], &all[i], "alone");
        }
    }
}

#[test]
fn additions_removals_and_compaction_in_any_order_leave_what_a_new_gallery_would_have() {
    for (seed, storage, metric) in [(5, Storage::F32, Metric::Cosine), (6, Storage::F16, Metric::Dot), (7, Storage::I8, Metric::Euclidean)]
    {
        let mut r = Random(seed);
        let mut plain = Plain::default();
        let index = index(&gpu(), 24, storage, metric, Some(96));
        let mut next = 0;
        for round in 0..40 {
            match r.below(5) {
                0 | 1 => {
                    let (_, labels, vectors) = faces(&mut r, 1 + round * 3, 24, 6, round % 3 == 0);
                    let ids: Vec<u64> = labels
                        .iter()
                        .map(|_| {
                            next += 1;
                            next * 7 % 10_007
                        })
                        .collect();
                    plain.add(&index, &ids, &labels, &vectors);
                }
                2 | 3 => {
                    let mut gone: Vec<u64> = plain.rows.keys().copied().filter(|_| r.below(4) == 0).collect();
                    gone.iter().for_each(|id| {
                        plain.rows.remove(id);
                    });
                    let there = gone.len();
                    gone.push(1 << 40);
                    gone.extend_from_within(..there.min(2));
                    assert_eq!(index.remove(&gone), there);
                }
                _ => {
                    index.compact().unwrap();
                    assert_eq!(index.shards(), plain.rows.len().div_ceil(96));
                }
            }
            assert_eq!(index.len(), plain.rows.len());
            assert_eq!(index.ids(), plain.rows.keys().copied().collect::<Vec<_>>());
            let probes = faces(&mut r, 3, 24, 2, false).2;
            check(&index, &plain, (storage, metric), &probes, 9, &SearchOptions::default(), &format!("round {round}"));
            let mask = SearchOptions { labels: Some(&[0, 4]), per_label: Some(PerLabel::Best), ..SearchOptions::default() };
            check(&index, &plain, (storage, metric), &probes, 9, &mask, &format!("round {round}, masked"));
        }
        let all = index.ids();
        assert_eq!(index.remove(&all), all.len());
        index.compact().unwrap();
        assert!(index.is_empty() && index.shards() == 0);
        assert_eq!(index.search(&[0.5; 48], 3, &SearchOptions::default()).unwrap(), vec![Vec::new(), Vec::new()]);
    }
}

#[test]
fn an_empty_gallery_finds_nothing_and_no_probes_give_no_results() {
    let index = index(&gpu(), 8, Storage::F32, Metric::Cosine, None);
    assert_eq!(index.search(&[1.0; 16], 5, &SearchOptions::default()).unwrap(), vec![Vec::new(), Vec::new()]);
    index.add(&[4], &[2], &[1.0; 8]).unwrap();
    assert!(index.search(&[], 5, &SearchOptions::default()).unwrap().is_empty());
    assert_eq!(index.search(&[1.0; 8], 0, &SearchOptions::default()).unwrap(), vec![Vec::new()]);
    assert_eq!(index.search(&[1.0; 8], 5, &SearchOptions::default()).unwrap(), vec![vec![Hit { id: 4, label: 2, score: 1.0 }]]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let index = index(&gpu(), 4, Storage::F16, Metric::Cosine, None);
    index.add(&[1, 2], &[0, 0], &[1.0; 8]).unwrap();
    for (ids, labels, vectors, word) in [
        (&[3, 2][..], &[0, 0][..], &[0.5; 8][..], "id 2"),
        (&[5, 5], &[0, 0], &[0.5; 8], "id 5"),
        (&[6], &[0, 0], &[0.5; 4], "1 ids, 2 labels"),
        (&[6], &[0], &[0.5; 5], "5 numbers"),
    ] {
        let e = index.add(ids, labels, vectors).unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
        assert_eq!(index.ids(), [1, 2]);
    }
    let e = index.search(&[1.0; 6], 1, &SearchOptions::default()).unwrap_err().to_string();
    assert!(e.contains("6 numbers") && e.contains("4 numbers"), "{e}");
    assert!(GalleryIndex::new(&gpu(), 0, &IndexOptions::default()).is_err());
}

#[test]
fn long_rows_are_exact_too() {
    let mut r = Random(8);
    let (ids, labels, vectors) = faces(&mut r, 70, 19_200, 4, false);
    for storage in STORAGES {
        let mut plain = Plain::default();
        let index = index(&gpu(), 19_200, storage, Metric::Cosine, None);
        plain.add(&index, &ids, &labels, &vectors);
        check(&index, &plain, (storage, Metric::Cosine), &vectors[..19_200 * 2], 5, &SearchOptions::default(), "long");
    }
}

#[test]
fn readers_see_additions_and_removals_as_a_whole() {
    let index = index(&gpu(), 16, Storage::F16, Metric::Cosine, Some(64));
    let row = [1.0f32; 16];
    let ids: Vec<u64> = (0..50).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..15 {
                index.add(&ids, &[1; 50], &row.repeat(50)).unwrap();
                assert_eq!(index.remove(&ids), 50);
            }
        });
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = [0, 0];
                    for _ in 0..60 {
                        let hits = index.search(&row, 100, &SearchOptions::default()).unwrap();
                        assert!(matches!(hits[0].len(), 0 | 50), "{} hits", hits[0].len());
                        seen[usize::from(!hits[0].is_empty())] += 1;
                    }
                    seen
                })
            })
            .collect();
        writer.join().unwrap();
        readers.into_iter().for_each(|r| assert_eq!(r.join().unwrap().iter().sum::<i32>(), 60));
    });
}

#[test]
fn a_gallery_returns_its_memory() {
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let before = gpu.memory().0;
    let index = index(&gpu, 64, Storage::F32, Metric::Cosine, Some(128));
    index.add(&(0..1000).collect::<Vec<_>>(), &[0; 1000], &vec![0.5; 64_000]).unwrap();
    assert!(gpu.memory().0 > before + 64_000 * 4);
    index.search(&[0.5; 64], 3, &SearchOptions::default()).unwrap();
    drop(index);
    assert_eq!(gpu.memory().0, before);
}

#[test]
fn neighbours_are_searches_without_the_row_itself() {
    let mut r = Random(9);
    let (ids, labels, vectors) = faces(&mut r, 300, 32, 20, true);
    let index = index(&gpu(), 32, Storage::F32, Metric::Cosine, None);
    let mut plain = Plain::default();
    plain.add(&index, &ids, &labels, &vectors);
    for (k, threshold) in [(4, None), (usize::MAX, Some(0.8))] {
        let graph = index.neighbours(k, threshold).unwrap();
        assert_eq!(graph.ids, plain.rows.keys().copied().collect::<Vec<_>>());
        for (id, edges) in graph.ids.iter().zip(&graph.edges) {
            let probe = &plain.rows[id].1;
            let options = SearchOptions { threshold, ..SearchOptions::default() };
            let mut want = plain.search(Metric::Cosine, Storage::F32, probe, usize::MAX, &options);
            want.retain(|h| h.id != *id && !h.score.is_nan());
            want.truncate(k);
            let got: Vec<_> = edges.iter().map(|&(i, s)| (graph.ids[i as usize], s + 0.0)).collect();
            assert_eq!(got, want.iter().map(|h| (h.id, h.score + 0.0)).collect::<Vec<_>>(), "of {id}");
        }
    }
}

#[test]
fn a_published_gallery_gives_its_published_answers() {
    let Some(data) = test_data() else { return };
    let folder = data.join("golden/gallery_retail_0095");
    let (gallery, queries) = (read_npy(&folder.join("gallery.npy")), read_npy(&folder.join("queries.npy")));
    let (rows, dimension) = (gallery.shape()[0], gallery.shape()[1]);
    let file = std::fs::File::open(folder.join("top5_index.npy")).unwrap();
    let places = npyz::NpyFile::new(std::io::BufReader::new(file)).unwrap().into_vec::<i32>().unwrap();
    let scores = read_npy(&folder.join("top5_score.npy"));
    for gpu in [gpu(), tiled()] {
        for storage in [Storage::F32, Storage::I8] {
            let index = index(&gpu, dimension, storage, Metric::Cosine, None);
            index.add(&(0..rows as u64).collect::<Vec<_>>(), &vec![0; rows], &gallery.to_f32()).unwrap();
            let found = index.search(&queries.to_f32(), 5, &SearchOptions::default()).unwrap();
            for (i, hits) in found.iter().enumerate() {
                for (j, hit) in hits.iter().enumerate() {
                    assert_eq!(hit.id as i32, places[i * 5 + j], "query {i}, place {j}");
                    // The published scores were summed in f32.
                    assert!((hit.score - scores.to_f32()[i * 5 + j]).abs() < 1e-5, "query {i}, place {j}");
                }
            }
        }
    }
}
