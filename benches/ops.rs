//! `cargo bench --bench ops [-- FILTER]`: single layers on the shapes of real networks, without upload and readback.
//!
//! The throughput is that of floating point operations; Winograd counts as the direct convolution it replaces. Layers whose weights this
//! device cannot bind are named and left out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot start has nothing to report")]

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use lookalike::Error;
use lookalike::bench::benches;
use lookalike::gpu::{Gpu, GpuOptions};

fn ops(criterion: &mut Criterion) {
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let mut group = criterion.benchmark_group("ops");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for bench in benches() {
        let layer = match bench.prepare(&gpu) {
            Ok(layer) => layer,
            Err(Error::Limits(why)) => {
                eprintln!("{} is left out: {why}", bench.name());
                continue;
            }
            Err(e) => panic!("{e}"),
        };
        group.throughput(Throughput::Elements(layer.flops.max(1)));
        // A pass of some dozens of launches at a time, so that no driver takes the device for hung.
        let time = |n: u64| (0..n).step_by(50).map(|done| layer.run((n - done).min(50) as usize).unwrap()).sum();
        group.bench_function(bench.name(), |b| b.iter_custom(|n| Duration::from_secs_f64(time(n))));
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    ops(&mut criterion);
    criterion.final_summary();
}
