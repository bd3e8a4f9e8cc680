//! `cargo bench --bench networks [-- FILTER]`: what a caller of [`Network::run`] waits for, upload and readback included.
//!
//! Networks of the zoo with random weights, at batches of 1, 8 and 32. A filter picks some: `iresnet-50/1$`. Only those are compiled.
//! The throughput is that of multiply-adds: two operations each make FLOP/s.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start has nothing to report")]

use std::cell::OnceCell;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{Shape, Tensor};
use lookalike::zoo::{Fingerprint, Seeded, find};

const NETWORKS: [&str; 7] = ["iresnet-18", "iresnet-50", "iresnet-100", "mobilefacenet", "vggface", "deepface", "inception-resnet-v1"];

fn networks(criterion: &mut Criterion) {
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    for name in NETWORKS {
        let entry = find(name).unwrap();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        for batch in [1, 8, 32] {
            group.throughput(Throughput::Elements(entry.counts.macs * batch as u64));
            let ready = OnceCell::new();
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                let (network, input) = ready.get_or_init(|| prepared(&gpu, name, batch));
                b.iter(|| black_box(network.run(&[("input", input)]).unwrap()));
            });
        }
        group.finish();
    }
}

/// The network with its pipelines warm, and an input for it.
fn prepared(gpu: &Gpu, name: &str, batch: usize) -> (Network, Tensor) {
    let entry = find(name).unwrap();
    let model = entry.model(&mut Seeded(1)).unwrap();
    // The first run prepares its own batch, in parts where a device cannot bind all of it.
    let network = Network::compile(gpu, &model, &CompileOptions::default()).unwrap();
    let [height, width] = entry.input.size;
    let input = Fingerprint::input(&Shape::from([batch, entry.input.depth(), height, width]));
    network.run(&[("input", &input)]).unwrap();
    (network, input)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    networks(&mut criterion);
    criterion.final_summary();
}
