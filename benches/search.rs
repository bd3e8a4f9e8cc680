//! `cargo bench --bench search [-- FILTER]`: what a caller of `GalleryIndex::search` and of `IvfIndex::search` waits for.
//!
//! 100,000 rows of 512 numbers around 5000 people, the best 10; batches of 1 and 64. The throughput is that of comparisons of a probe with a
//! row, for the inverted file too, which looks at a part of the rows only. A filter picks some: `f16/1$`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start has nothing to report")]

use std::cell::OnceCell;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Metric, SearchOptions, Storage};
use lookalike::gallery::ivf::{IvfIndex, IvfOptions};
use lookalike::gpu::{Gpu, GpuOptions};

const ROWS: usize = 100_000;
const DIMENSION: usize = 512;
const PEOPLE: usize = 5000;
const K: usize = 10;

/// Number `i` of the noise, in [-1, 1): a step of SplitMix64.
fn noise(i: usize) -> f32 {
    let z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 27)) >> 40) as f32 / 8_388_608.0 - 1.0
}

/// Pictures of people: noise around noise, with cosines of about 0.5 within a person.
fn pictures(rows: std::ops::Range<usize>) -> Vec<f32> {
    let person = |row: usize| (1 << 40) + row % PEOPLE * DIMENSION;
    rows.flat_map(|row| (0..DIMENSION).map(move |i| noise(person(row) + i) + noise(row * DIMENSION + i))).collect()
}

fn search(criterion: &mut Criterion) {
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let probes = pictures(ROWS..ROWS + 64);
    let (ids, labels): (Vec<u64>, _) = ((0..ROWS as u64).collect(), vec![0; ROWS]);
    let none = SearchOptions::default();
    for (name, storage) in [("f16", Storage::F16), ("i8", Storage::I8)] {
        let options = IndexOptions::new(storage, Metric::Cosine);
        let (exact, ivf) = (OnceCell::new(), OnceCell::new());
        for batch in [1, 64] {
            let mut group = criterion.benchmark_group("search");
            group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements((ROWS * batch) as u64));
            let probes = &probes[..batch * DIMENSION];
            group.bench_function(BenchmarkId::new(name, batch), |b| {
                let index = exact.get_or_init(|| {
                    let index = GalleryIndex::new(&gpu, DIMENSION, &options).unwrap();
                    index.add(&ids, &labels, &pictures(0..ROWS)).unwrap();
                    index
                });
                b.iter(|| black_box(index.search(probes, K, &none).unwrap()));
            });
            group.bench_function(BenchmarkId::new(format!("ivf-{name}"), batch), |b| {
                let index = ivf.get_or_init(|| {
                    let options = IvfOptions { index: options.clone(), ..IvfOptions::default() };
                    IvfIndex::build(&gpu, DIMENSION, &ids, &labels, &pictures(0..ROWS), &options).unwrap()
                });
                b.iter(|| black_box(index.search(probes, K, IvfIndex::NPROBE, &none).unwrap()));
            });
            group.finish();
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    search(&mut criterion);
    criterion.final_summary();
}
