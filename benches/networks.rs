//! `cargo bench --bench networks`: what a caller of [`Network::run`] waits for, upload and readback included.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start has nothing to report")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use lookalike::embed::builtin_model;
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::graph::{Conv, Dim, Epilogue, Graph, Linear, Op, PoolKind, Window};
use lookalike::model::{Description, Model};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Tensor;

/// Numbers in [-1, 1), the same every time.
fn noise(shape: &[usize], seed: u32) -> Tensor {
    let len: usize = shape.iter().product();
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    Tensor::from_f32(shape.to_vec(), (0..len).map(next).collect()).unwrap()
}

/// Weights that keep activations at about unit variance.
fn weights(shape: &[usize], seed: u32) -> Tensor {
    let terms: usize = shape[1..].iter().product();
    let scale = (6.0 / terms as f32).sqrt();
    let data = noise(shape, seed).to_f32().iter().map(|w| w * scale).collect();
    Tensor::from_f32(shape.to_vec(), data).unwrap()
}

/// Five 3x3 convolutions with ReLU, strides 2, 1, 2, 1, 1, then pooling and a linear layer: 3x64x64 to 64.
fn small_conv_net() -> Model {
    let mut graph = Graph::default();
    let mut x = graph.add_input("input", vec![Dim::Free("batch".to_owned()), Dim::Fixed(3), Dim::Fixed(64), Dim::Fixed(64)]);
    for (i, (from, to, stride)) in [(3, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1)].into_iter().enumerate() {
        let w = graph.add_constant(format!("w{i}"), weights(&[to, from, 3, 3], i as u32));
        let epilogue = Epilogue { lo: Some(0.0), ..Epilogue::default() };
        let conv = Conv { window: Window::square(3, stride, 1), groups: 1, bias: false, pre_affine: false, epilogue };
        x = graph.add_node(format!("conv{i}"), Op::Conv(conv), &[x, w]);
    }
    x = graph.add_node("pool", Op::GlobalPool(PoolKind::Average), &[x]);
    x = graph.add_node("flat", Op::Flatten { axis: 1 }, &[x]);
    let w = graph.add_constant("w", weights(&[64, 64], 9));
    let linear = Linear { bias: false, flatten_order: Vec::new(), epilogue: Epilogue::default() };
    let y = graph.add_node("output", Op::Linear(linear), &[x, w]);
    graph.outputs.push(y);
    Model::new(&graph, Description { name: "small conv net".to_owned(), ..Description::default() }).unwrap()
}

fn networks(criterion: &mut Criterion) {
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    for (name, model) in [("embedder", builtin_model().unwrap()), ("small conv net", small_conv_net())] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for batch in [1, 8] {
            let network = Network::compile(&gpu, &model, &CompileOptions { batch, ..CompileOptions::default() }).unwrap();
            let (input, shape) = network.inputs().unwrap().remove(0);
            let x = noise(&shape, 1);
            network.warm_up().unwrap();
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_with_input(BenchmarkId::new("batch", batch), &x, |b, x| {
                b.iter(|| black_box(network.run(&[(&input, x)]).unwrap()));
            });
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    networks(&mut criterion);
    criterion.final_summary();
}
