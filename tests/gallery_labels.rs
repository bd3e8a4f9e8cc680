//! Results of labels instead of rows: means and templates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::plain::{METRICS, Plain, STORAGES, faces, index, order, same, stored};
use common::{Random, gpu};
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::model::Similarity;
use lookalike::score::Scoring;

#[test]
fn the_mean_of_a_label_is_the_mean_of_its_rows() {
    let mut r = Random(3);
    let (ids, labels, vectors) = faces(&mut r, 500, 64, 40, false);
    for storage in STORAGES {
        let mut plain = Plain::default();
        let index = index(&gpu(), 64, storage, Metric::Cosine, None);
        plain.add(&index, &ids, &labels, &vectors);
        let probes = faces(&mut r, 4, 64, 4, false).2.into_iter().chain(vectors[..64 * 4].iter().copied()).collect::<Vec<_>>();
        let options = SearchOptions { per_label: Some(PerLabel::Mean), ..SearchOptions::default() };
        for k in [1, 5, 100] {
            let got = index.search(&probes, k, &options).unwrap();
            for (hits, probe) in got.iter().zip(probes.chunks_exact(64)) {
                let want = plain.search(Metric::Cosine, storage, probe, k, &options);
                assert_eq!(
                    hits.iter().map(|h| (h.id, h.label)).collect::<Vec<_>>(),
                    want.iter().map(|h| (h.id, h.label)).collect::<Vec<_>>()
                );
                // The plain means are of scores that were rounded to f32.
                assert!(hits.iter().zip(&want).all(|(a, b)| (a.score - b.score).abs() <= 2f32.powi(-22)));
            }
        }
    }
}

/// A label's template against a probe, from what is stored of its rows.
fn template_score(metric: Metric, probe: &[f32], rows: &[Vec<f64>]) -> f32 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let probe: Vec<f64> = probe.iter().map(|&x| f64::from(x)).collect();
    let mut mean = vec![0.0; probe.len()];
    for row in rows {
        let length = dot(row, row).sqrt();
        let scale = if metric != Metric::Cosine { 1.0 } else { if length > 0.0 { 1.0 / length } else { 0.0 } };
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += scale * x / rows.len() as f64);
    }
    if mean.iter().chain(&probe).any(|x| !x.is_finite()) {
        return f32::NAN;
    }
    let lengths = (dot(&mean, &mean) * dot(&probe, &probe)).sqrt();
    let value = match metric {
        Metric::Cosine if lengths == 0.0 => 0.0,
        Metric::Cosine => dot(&mean, &probe) / lengths,
        Metric::Dot => dot(&mean, &probe),
        _ => -mean.iter().zip(&probe).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(),
    };
    value as f32
}

/// What a search by templates has to give, and how far its scores may be off: two orders of summation in f64.
fn templates(plain: &Plain, (metric, storage): (Metric, Storage), probe: &[f32], k: usize, options: &SearchOptions<'_>) -> Vec<Hit> {
    let mut labels: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    plain.rows.iter().for_each(|(&id, (label, _))| labels.entry(*label).or_default().push(id));
    labels.retain(|label, _| options.labels.is_none_or(|l| l.contains(label)));
    let best = plain.hits(metric, storage, probe);
    let mut hits: Vec<Hit> = labels
        .into_iter()
        .map(|(label, ids)| {
            let rows: Vec<_> = ids.iter().map(|id| stored(&plain.rows[id].1, storage)).collect();
            let mut own: Vec<Hit> = best.iter().filter(|h| h.label == label).copied().collect();
            order(&mut own);
            Hit { id: own[0].id, label, score: template_score(metric, probe, &rows) }
        })
        .collect();
    hits.retain(|h| options.threshold.is_none_or(|t| h.score >= t));
    order(&mut hits);
    hits.truncate(k);
    hits
}

#[test]
fn a_template_is_scored_as_f64_arithmetic_scores_it() {
    let mut r = Random(11);
    // The second time with rows that are zero, duplicates, far too large, or hold something that is no number.
    for rough in [false, true] {
        let (ids, labels, vectors) = faces(&mut r, 400, 48, 60, rough);
        for storage in STORAGES {
            for metric in METRICS {
                let mut plain = Plain::default();
                let index = index(&gpu(), 48, storage, metric, Some(96));
                plain.add(&index, &ids, &labels, &vectors);
                let probes = faces(&mut r, 4, 48, 4, false).2.into_iter().chain(vectors[..48 * 6].iter().copied()).collect::<Vec<_>>();
                let some: Vec<u32> = (0..90).step_by(7).chain([7, 7]).collect();
                let threshold = if metric == Metric::Euclidean { -6.0 } else { 0.2 };
                for threshold in [None, Some(threshold)] {
                    for labels in [None, Some(&some[..]), Some(&[][..])] {
                        for k in [1, 5, 1000] {
                            let options = SearchOptions { threshold, labels, per_label: Some(PerLabel::Template) };
                            let got = index.search(&probes, k, &options).unwrap();
                            for (i, (hits, probe)) in got.iter().zip(probes.chunks_exact(48)).enumerate() {
                                let want = templates(&plain, (metric, storage), probe, k, &options);
                                same(hits, &want, &format!("{storage:?} {metric:?} {options:?} probe {i} k {k}"));
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn templates_follow_additions_removals_and_compaction() {
    let mut r = Random(12);
    let mut plain = Plain::default();
    let index = index(&gpu(), 20, Storage::F16, Metric::Cosine, Some(64));
    let options = SearchOptions { per_label: Some(PerLabel::Template), ..SearchOptions::default() };
    for round in 0..25u64 {
        let n = 1 + r.below(40);
        let (ids, labels, vectors) = faces(&mut r, n, 20, 12, false);
        let ids: Vec<u64> = ids.iter().enumerate().map(|(i, _)| (round * 1000 + i as u64) * 7919 % 100_003).collect();
        plain.add(&index, &ids, &labels, &vectors);
        let gone: Vec<u64> = plain.rows.keys().copied().filter(|_| r.below(3) == 0).collect();
        gone.iter().for_each(|id| {
            plain.rows.remove(id);
        });
        assert_eq!(index.remove(&gone), gone.len());
        if round % 5 == 4 {
            index.compact().unwrap();
        }
        let probes = faces(&mut r, 3, 20, 3, false).2;
        let got = index.search(&probes, 6, &options).unwrap();
        for (hits, probe) in got.iter().zip(probes.chunks_exact(20)) {
            same(hits, &templates(&plain, (Metric::Cosine, Storage::F16), probe, 6, &options), &format!("round {round}"));
        }
    }
}

#[test]
fn a_template_is_scored_by_learned_scores_as_their_definitions_say() {
    let mut r = Random(13);
    let dimension = 21;
    let (ids, labels, mut vectors) = faces(&mut r, 300, dimension, 40, false);
    vectors.iter_mut().for_each(|x| *x = x.abs());
    let weights: Vec<f32> = (0..dimension).map(|_| r.signed().abs() + 0.1).collect();
    let probe: Vec<f32> = faces(&mut r, 1, dimension, 1, false).2.iter().map(|x| x.abs()).collect();
    for similarity in [Similarity::JointBayesian, Similarity::ChiSquared, Similarity::Siamese] {
        let index =
            GalleryIndex::new(&gpu(), dimension, &IndexOptions::scored(Storage::F32, &Scoring::new(similarity, &weights[..]).unwrap()))
                .unwrap();
        index.add(&ids, &labels, &vectors).unwrap();
        let options = SearchOptions { per_label: Some(PerLabel::Template), ..SearchOptions::default() };
        let got = index.search(&probe, 1000, &options).unwrap().remove(0);
        assert_eq!(got.len(), labels.iter().collect::<std::collections::BTreeSet<_>>().len());
        assert!(got.windows(2).all(|w| w[0].score >= w[1].score));
        for hit in got {
            let rows: Vec<&[f32]> =
                vectors.chunks_exact(dimension).zip(&labels).filter(|(_, l)| **l == hit.label).map(|(v, _)| v).collect();
            let terms = (0..dimension).map(|i| {
                let (x, w) = (f64::from(probe[i]), f64::from(weights[i]));
                let y = rows.iter().map(|row| f64::from(row[i])).sum::<f64>() / rows.len() as f64;
                match similarity {
                    Similarity::ChiSquared => -w * (x - y) * (x - y) / (x + y),
                    Similarity::Siamese => -w * (x - y).abs(),
                    _ => {
                        let (u, v) = (w / (2.0 * w + 1.0), w * w / ((2.0 * w + 1.0) * (w + 1.0)));
                        u * x * y - 0.5 * v * (x * x + y * y) - 0.5 * ((2.0 * w + 1.0) / ((w + 1.0) * (w + 1.0))).ln()
                    }
                }
            });
            let want: f64 = terms.sum();
            assert!((f64::from(hit.score) - want).abs() <= 1e-6 * want.abs().max(1.0), "{similarity:?} {hit:?} {want}");
        }
    }
}
