//! Galleries searched by learned scores give what f64 arithmetic on the stored numbers gives, with every kernel, after every change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::plain::{stored, tiled};
use common::{Random, gpu};
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gpu::Gpu;
use lookalike::model::Similarity;
use lookalike::score::Scoring;

const SCORES: [Similarity; 3] = [Similarity::JointBayesian, Similarity::ChiSquared, Similarity::Siamese];

/// Parameters from nothing to a lot, some of them 0.
fn parameters(r: &mut Random, dimension: usize) -> Vec<f32> {
    (0..dimension).map(|k| if k % 5 == 4 { 0.0 } else { (1.0 + r.signed()) * [0.01, 1.0, 30.0][k % 3] }).collect()
}

/// The score as formulas have it, more = more alike.
fn score(similarity: Similarity, numbers: &[f32], probe: &[f32], row: &[f64]) -> f32 {
    if probe.iter().any(|x| !x.is_finite()) || row.iter().any(|x| !x.is_finite()) {
        return f32::NAN;
    }
    let (mut sum, mut squares, mut constant) = (0.0, 0.0, 0.0);
    for ((&x, &y), &w) in probe.iter().zip(row).zip(numbers) {
        let (x, w) = (f64::from(x), f64::from(w));
        match similarity {
            Similarity::JointBayesian => {
                sum += w / (2.0 * w + 1.0) * (x * y);
                squares += w * w / ((2.0 * w + 1.0) * (w + 1.0)) * (x * x + y * y);
                constant += (w + 1.0).ln() - 0.5 * (2.0 * w + 1.0).ln();
            }
            Similarity::ChiSquared => {
                let (x, y) = (x.max(0.0), y.max(0.0));
                sum -= if x + y > 0.0 { w * (x - y) * (x - y) / (x + y) } else { 0.0 };
            }
            _ => sum -= w * (x - y).abs(),
        }
    }
    (sum - 0.5 * squares + constant) as f32
}

struct Plain {
    similarity: Similarity,
    numbers: Vec<f32>,
    storage: Storage,
    rows: Vec<(u64, u32, Vec<f32>)>,
}

impl Plain {
    /// All hits, score descending, id ascending, not a number last.
    fn search(&self, probe: &[f32], k: usize, options: &SearchOptions<'_>) -> Vec<Hit> {
        let hit = |(id, label, row): &(u64, u32, Vec<f32>)| {
            let score = score(self.similarity, &self.numbers, probe, &stored(row, self.storage));
            Hit { id: *id, label: *label, score }
        };
        let mut hits: Vec<Hit> = self.rows.iter().map(hit).collect();
        hits.retain(|h| options.labels.is_none_or(|l| l.contains(&h.label)) && options.threshold.is_none_or(|t| h.score >= t));
        hits.sort_by(|a, b| {
            let by_score = match (a.score.is_nan(), b.score.is_nan()) {
                (false, false) => b.score.partial_cmp(&a.score).unwrap(),
                (a, b) => a.cmp(&b),
            };
            by_score.then(a.id.cmp(&b.id))
        });
        if options.per_label.is_some() {
            let mut seen = std::collections::HashSet::new();
            hits.retain(|h| seen.insert(h.label));
        }
        hits.truncate(k);
        hits
    }

    fn check(&self, index: &GalleryIndex, probes: &[f32], k: usize, options: &SearchOptions<'_>, what: &str) {
        let got = index.search(probes, k, options).unwrap();
        assert_eq!(got.len(), probes.len() / index.dimension());
        for (i, (hits, probe)) in got.iter().zip(probes.chunks_exact(index.dimension())).enumerate() {
            let want = self.search(probe, k, options);
            let places = |hits: &[Hit]| hits.iter().map(|h| (h.id, h.label)).collect::<Vec<_>>();
            let what = format!("{what}, {:?} {:?}, probe {i}, k {k}", self.similarity, self.storage);
            assert_eq!(places(hits), places(&want), "{what}");
            for (g, w) in hits.iter().zip(&want) {
                // The formulas above are rounded elsewhere, which may show in the last bit of f32.
                let one = (w.score.abs() * f32::EPSILON).max(f32::MIN_POSITIVE);
                assert!(
                    g.score == w.score || (g.score - w.score).abs() <= one || g.score.is_nan() && w.score.is_nan(),
                    "{what}: {g:?} {w:?}"
                );
            }
        }
    }
}

/// Rows that repeat, are zero, far too large or small, below zero, or hold something that is no number.
fn rows(r: &mut Random, n: usize, dimension: usize, rough: bool) -> Vec<f32> {
    let mut out: Vec<f32> = Vec::new();
    for i in 0..n {
        let mut row: Vec<f32> = (0..dimension).map(|_| (0.8 + r.signed()).max(0.0)).collect();
        match if rough { r.below(23) } else { 99 } {
            0 => row.fill(0.0),
            1 => row[0] = f32::NAN,
            2 => row[dimension - 1] = f32::INFINITY,
            3 => row.iter_mut().for_each(|x| *x *= 1e30),
            4 => row.iter_mut().for_each(|x| *x *= 1e-30),
            5 => row.iter_mut().for_each(|x| *x -= 0.5),
            6 => row.iter_mut().for_each(|x| *x *= 1e9),
            7..=9 if i > 0 => row = out[(i - 1) * dimension..i * dimension].to_vec(),
            _ => {}
        }
        out.extend(row);
    }
    out
}

fn filled(
    r: &mut Random,
    gpu: &Gpu,
    n: usize,
    dimension: usize,
    similarity: Similarity,
    storage: Storage,
    shard: Option<usize>,
) -> (GalleryIndex, Plain) {
    let numbers = parameters(r, dimension);
    let numbers = if numbers.iter().all(|&w| w == 0.0) { vec![0.5; dimension] } else { numbers };
    let mut options = IndexOptions::scored(storage, &Scoring::new(similarity, &numbers).unwrap());
    options.rows_per_shard = shard;
    let index = GalleryIndex::new(gpu, dimension, &options).unwrap();
    let vectors = rows(r, n, dimension, true);
    let ids: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9E37_79B9) % 1_000_003).collect();
    let labels: Vec<u32> = (0..n).map(|_| r.below(1 + n / 4) as u32).collect();
    index.add(&ids, &labels, &vectors).unwrap();
    let rows = ids.iter().zip(&labels).zip(vectors.chunks_exact(dimension)).map(|((&i, &l), v)| (i, l, v.to_vec())).collect();
    (index, Plain { similarity, numbers, storage, rows })
}

#[test]
fn searches_equal_f64_arithmetic_in_every_storage_and_kernel() {
    let mut r = Random(1);
    for (family, gpu) in [("default", gpu()), ("tiled", tiled())] {
        for (n, dimension) in [(1, 1), (31, 3), (32, 17), (33, 64), (257, 130), (300, 512)] {
            for similarity in SCORES {
                for storage in [Storage::F32, Storage::F16, Storage::I8] {
                    if storage == Storage::I8 && similarity != Similarity::JointBayesian {
                        continue;
                    }
                    let (index, plain) = filled(&mut r, &gpu, n, dimension, similarity, storage, None);
                    for batch in [1, 4, 9, 33] {
                        let mut probes = rows(&mut r, batch, dimension, batch > 4);
                        let own = &plain.rows[r.below(n)].2;
                        probes[..dimension].copy_from_slice(own);
                        for k in [1, 7, n + 5] {
                            let what = format!("{family} {n} x {dimension}, {batch} probes");
                            plain.check(&index, &probes, k, &SearchOptions::default(), &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn thresholds_labels_shards_and_changes() {
    let mut r = Random(2);
    for similarity in SCORES {
        let (index, mut plain) = filled(&mut r, &gpu(), 333, 48, similarity, Storage::F16, Some(64));
        assert!(index.shards() > 3);
        let probes = rows(&mut r, 6, 48, false);
        let threshold = plain.search(&probes[..48], 20, &SearchOptions::default())[19].score;
        let look = |plain: &Plain, what: &str| {
            for options in [
                SearchOptions { threshold: Some(threshold), ..Default::default() },
                SearchOptions { labels: Some(&[1, 5, 9, 77]), ..Default::default() },
                SearchOptions { per_label: Some(PerLabel::Best), ..Default::default() },
            ] {
                plain.check(&index, &probes, 12, &options, what);
            }
        };
        look(&plain, "full");
        let gone: Vec<u64> = plain.rows.iter().step_by(3).map(|r| r.0).collect();
        assert_eq!(index.remove(&gone), gone.len());
        plain.rows.retain(|r| !gone.contains(&r.0));
        look(&plain, "removed");
        index.compact().unwrap();
        look(&plain, "compact");
        let more = rows(&mut r, 40, 48, true);
        let ids: Vec<u64> = (0..40).map(|i| 2_000_000 + i).collect();
        index.add(&ids, &[5; 40], &more).unwrap();
        plain.rows.extend(ids.iter().zip(more.chunks_exact(48)).map(|(&i, v)| (i, 5, v.to_vec())));
        look(&plain, "added");
    }
}

#[test]
fn neighbours_are_by_the_score() {
    let mut r = Random(3);
    let (index, plain) = filled(&mut r, &gpu(), 60, 20, Similarity::Siamese, Storage::F32, None);
    let found = index.neighbours(4, None).unwrap();
    for (id, edges) in found.ids.iter().zip(&found.edges) {
        let own = plain.rows.iter().find(|r| r.0 == *id).unwrap();
        let mut want = plain.search(&own.2, usize::MAX, &SearchOptions::default());
        want.retain(|h| h.id != *id && !h.score.is_nan());
        want.truncate(4);
        let got: Vec<u64> = edges.iter().map(|e| found.ids[e.0 as usize]).collect();
        assert_eq!(got, want.iter().map(|h| h.id).collect::<Vec<_>>());
    }
}

#[test]
fn parameters_that_do_not_suit_are_refused() {
    let refused = |storage, metric, weights: &[f32]| {
        let options = IndexOptions { weights: weights.into(), ..IndexOptions::new(storage, metric) };
        GalleryIndex::new(&gpu(), 3, &options).unwrap_err().to_string()
    };
    assert!(refused(Storage::I8, Metric::ChiSquared, &[1.0; 3]).contains("chi-squared distance, only in f32 and f16"));
    assert!(refused(Storage::I8, Metric::WeightedL1, &[1.0; 3]).contains("weighted L1 distance, only in f32"));
    assert!(refused(Storage::F32, Metric::JointBayesian, &[]).contains("`phi`"));
    assert!(refused(Storage::F32, Metric::JointBayesian, &[1.0; 2]).contains("2 parameters"));
    assert!(refused(Storage::F32, Metric::WeightedL1, &[1.0, -1.0, 0.0]).contains("Number 1"));
    assert!(refused(Storage::F32, Metric::Cosine, &[1.0; 3]).contains("no parameters"));
}

#[test]
fn enormous_and_tiny_weights_stay_exact() {
    let mut r = Random(4);
    for similarity in SCORES {
        for scale in [1e-30, 1e30] {
            let numbers: Vec<f32> = parameters(&mut r, 40).iter().map(|w| w * scale).collect();
            let index =
                GalleryIndex::new(&gpu(), 40, &IndexOptions::scored(Storage::F32, &Scoring::new(similarity, &numbers).unwrap())).unwrap();
            let vectors = rows(&mut r, 100, 40, false);
            index.add(&(0..100).collect::<Vec<_>>(), &[0; 100], &vectors).unwrap();
            let rows = vectors.chunks_exact(40).enumerate().map(|(i, v)| (i as u64, 0, v.to_vec())).collect();
            let plain = Plain { similarity, numbers, storage: Storage::F32, rows };
            let probes = self::rows(&mut r, 3, 40, false);
            for (hits, probe) in index.search(&probes, 5, &SearchOptions::default()).unwrap().iter().zip(probes.chunks_exact(40)) {
                let want = plain.search(probe, 5, &SearchOptions::default());
                // Tiny φ leaves scores that are nothing but rounding; distances keep their order.
                if similarity != Similarity::JointBayesian || scale > 1.0 {
                    assert_eq!(
                        hits.iter().map(|h| h.id).collect::<Vec<_>>(),
                        want.iter().map(|h| h.id).collect::<Vec<_>>(),
                        "{similarity:?} {scale}"
                    );
                }
                assert_eq!(hits.len(), 5);
            }
        }
    }
}
