//! A plain model of a gallery on the GPU, in f64, and rows to put into both.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use half::f16;
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::plan::GemmFamily;

use super::Random;

pub(crate) const STORAGES: [Storage; 3] = [Storage::F32, Storage::F16, Storage::I8];
pub(crate) const METRICS: [Metric; 3] = [Metric::Cosine, Metric::Dot, Metric::Euclidean];

/// The same adapter with the kernels for hardware GPUs.
pub(crate) fn tiled() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    let options = GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() };
    GPU.get_or_init(|| Gpu::new(&options).unwrap()).clone()
}

pub(crate) fn index(gpu: &Gpu, dimension: usize, storage: Storage, metric: Metric, rows_per_shard: Option<usize>) -> GalleryIndex {
    let mut options = IndexOptions::new(storage, metric);
    options.rows_per_shard = rows_per_shard;
    GalleryIndex::new(gpu, dimension, &options).unwrap()
}

/// A plain model of a gallery.
#[derive(Clone, Default)]
pub(crate) struct Plain {
    pub(crate) rows: BTreeMap<u64, (u32, Vec<f32>)>,
}

/// What is stored of a row: halves of the numbers, scaled so that the largest is in [2^14, 2^15).
pub(crate) fn stored(row: &[f32], storage: Storage) -> Vec<f64> {
    let exact = || row.iter().map(|&x| f64::from(x)).collect();
    let largest = row.iter().fold(0f32, |a, b| a.max(b.abs()));
    if storage != Storage::F16 || largest == 0.0 || row.iter().any(|x| !x.is_finite()) {
        return exact();
    }
    let unit = 2f64.powi(f64::from(largest).log2().floor() as i32 - 14);
    let half = |&x: &f32| {
        let h = f16::from_f64(f64::from(x) / unit).to_f64();
        if h.abs() < 2f64.powi(-14) { 0.0 } else { h * unit }
    };
    row.iter().map(half).collect()
}

pub(crate) fn score(metric: Metric, probe: &[f32], row: &[f64]) -> f32 {
    let probe: Vec<f64> = probe.iter().map(|&x| f64::from(x)).collect();
    if probe.iter().chain(row).any(|x| !x.is_finite()) {
        return f32::NAN;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let lengths = (dot(&probe, &probe) * dot(row, row)).sqrt();
    let value = match metric {
        Metric::Cosine if lengths == 0.0 => 0.0,
        Metric::Cosine => dot(&probe, row) / lengths,
        Metric::Dot => dot(&probe, row),
        _ => -probe.iter().zip(row).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(),
    };
    value as f32
}

/// Score descending, id ascending, not a number last.
pub(crate) fn order(hits: &mut [Hit]) {
    hits.sort_by(|a, b| {
        let by_score = if a.score.is_nan() || b.score.is_nan() {
            a.score.is_nan().cmp(&b.score.is_nan())
        } else {
            b.score.partial_cmp(&a.score).unwrap()
        };
        by_score.then(a.id.cmp(&b.id))
    });
}

impl Plain {
    pub(crate) fn hits(&self, metric: Metric, storage: Storage, probe: &[f32]) -> Vec<Hit> {
        let hit =
            |(&id, (label, row)): (&u64, &(u32, Vec<f32>))| Hit { id, label: *label, score: score(metric, probe, &stored(row, storage)) };
        self.rows.iter().map(hit).collect()
    }

    pub(crate) fn search(&self, metric: Metric, storage: Storage, probe: &[f32], k: usize, options: &SearchOptions<'_>) -> Vec<Hit> {
        let mut hits = self.hits(metric, storage, probe);
        hits.retain(|h| options.labels.is_none_or(|l| l.contains(&h.label)));
        if let Some(how) = options.per_label {
            let mut by_label: HashMap<u32, Vec<Hit>> = HashMap::new();
            hits.into_iter().for_each(|h| by_label.entry(h.label).or_default().push(h));
            hits = by_label
                .into_values()
                .map(|mut of| {
                    order(&mut of);
                    let mean = of.iter().map(|h| f64::from(h.score)).sum::<f64>() / of.len() as f64;
                    if how == PerLabel::Mean { Hit { score: mean as f32, ..of[0] } } else { of[0] }
                })
                .collect();
        }
        hits.retain(|h| options.threshold.is_none_or(|t| h.score >= t));
        order(&mut hits);
        hits.truncate(k);
        hits
    }

    pub(crate) fn add(&mut self, index: &GalleryIndex, ids: &[u64], labels: &[u32], vectors: &[f32]) {
        index.add(ids, labels, vectors).unwrap();
        let rows = vectors.chunks_exact(index.dimension());
        for ((&id, &label), row) in ids.iter().zip(labels).zip(rows) {
            assert!(self.rows.insert(id, (label, row.to_vec())).is_none());
        }
        assert_eq!(index.len(), self.rows.len());
    }
}

/// Ids, labels and scores; NaN equals NaN.
pub(crate) fn same(got: &[Hit], want: &[Hit], what: &str) {
    let plain = |hits: &[Hit]| {
        hits.iter().map(|h| (h.id, h.label, if h.score.is_nan() { u32::MAX } else { (h.score + 0.0).to_bits() })).collect::<Vec<_>>()
    };
    assert_eq!(plain(got), plain(want), "{what}");
}

/// Faces of `people` in no order: people are far apart, pictures of one close together. With `rough`, some rows are duplicates, zeros, far
/// too large or small, or hold something that is no number.
pub(crate) fn faces(r: &mut Random, n: usize, dimension: usize, people: usize, rough: bool) -> (Vec<u64>, Vec<u32>, Vec<f32>) {
    let centres: Vec<Vec<f32>> = (0..people).map(|_| (0..dimension).map(|_| r.signed()).collect()).collect();
    let (mut ids, mut labels, mut vectors) = (Vec::new(), Vec::new(), Vec::<f32>::new());
    for i in 0..n {
        let person = r.below(people);
        let mut row: Vec<f32> = centres[person].iter().map(|c| c + 0.3 * r.signed()).collect();
        if rough {
            match r.below(19) {
                0 => row.fill(0.0),
                1 => row[0] = f32::NAN,
                2 => row[dimension - 1] = f32::INFINITY,
                3 => row.iter_mut().for_each(|x| *x *= 1e30),
                4 => row.iter_mut().for_each(|x| *x *= 1e-30),
                5..=8 if i > 0 => row = vectors[(i - 1) * dimension..i * dimension].to_vec(),
                _ => {}
            }
        }
        // Not in the order of their places.
        ids.push((i as u64).wrapping_mul(0x9E37_79B9) % 1_000_003);
        labels.push(person as u32);
        vectors.extend(row);
    }
    (ids, labels, vectors)
}

/// Compares searches of `probes` with the plain gallery.
pub(crate) fn check(
    index: &GalleryIndex,
    plain: &Plain,
    (storage, metric): (Storage, Metric),
    probes: &[f32],
    k: usize,
    options: &SearchOptions<'_>,
    what: &str,
) {
    let got = index.search(probes, k, options).unwrap();
    assert_eq!(got.len(), probes.len() / index.dimension());
    for (i, (hits, probe)) in got.iter().zip(probes.chunks_exact(index.dimension())).enumerate() {
        let want = plain.search(metric, storage, probe, k, options);
        same(hits, &want, &format!("{what}, {storage:?} {metric:?}, probe {i}, k {k}"));
    }
}
