//! What several test files share.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[cfg(feature = "gallery")]
pub(crate) mod enrolled;
pub(crate) mod plain;
pub(crate) mod planned;
#[cfg(feature = "cli")]
pub(crate) mod tool;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::graph::{Binary, Conv, Dim, Epilogue, Graph, Linear, Op, PoolKind, Unary, ValueId, Window};
use lookalike::model::{Description, Model};
use lookalike::tensor::Tensor;
use lookalike::wgpu;

/// The folder with models, pictures and expected numbers, or `None` (said so) when there is none.
pub(crate) fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("LOOKALIKE_TEST_DATA").map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_none() {
        println!("skipped: LOOKALIKE_TEST_DATA is not set");
    }
    folder
}

/// One device for all tests of a file. A machine without any adapter fails here; it does not pass by skipping.
pub(crate) fn gpu() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::new(&GpuOptions::default()).unwrap()).clone()
}

/// Reads a little-endian f32 array.
pub(crate) fn read_npy(path: &Path) -> Tensor {
    let npy = npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).unwrap();
    let shape: Vec<usize> = npy.shape().iter().map(|&d| d as usize).collect();
    Tensor::from_f32(shape, npy.into_vec::<f32>().unwrap()).unwrap()
}

/// Rows `indices` of the first dimension.
pub(crate) fn pick(t: &Tensor, indices: impl IntoIterator<Item = usize>) -> Tensor {
    let row = t.len() / t.shape()[0];
    let data = t.to_f32();
    let mut out = Vec::new();
    let mut count = 0;
    for i in indices {
        out.extend_from_slice(&data[i * row..(i + 1) * row]);
        count += 1;
    }
    let mut shape = t.shape().to_vec();
    shape[0] = count;
    Tensor::from_f32(shape, out).unwrap()
}

/// Cosine similarity and relative L2 error of two arrays of the same length.
pub(crate) fn compare(got: &[f32], want: &[f32]) -> (f64, f64) {
    assert_eq!(got.len(), want.len());
    let (mut dot, mut gg, mut ww, mut dd) = (0.0, 0.0, 0.0, 0.0);
    for (&g, &w) in got.iter().zip(want) {
        let (g, w) = (f64::from(g), f64::from(w));
        dot += g * w;
        gg += g * g;
        ww += w * w;
        dd += (g - w) * (g - w);
    }
    (dot / (gg * ww).sqrt(), (dd / ww).sqrt())
}

/// A small deterministic generator (SplitMix64) for test inputs.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub(crate) fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub(crate) fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let data = (0..shape.iter().product()).map(|_| self.signed()).collect();
        Tensor::from_f32(shape.to_vec(), data).unwrap()
    }

    /// Uniform in [-scale, scale).
    pub(crate) fn scaled(&mut self, shape: &[usize], scale: f32) -> Tensor {
        let data = (0..shape.iter().product()).map(|_| self.signed() * scale).collect();
        Tensor::from_f32(shape.to_vec(), data).unwrap()
    }

    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A graph with one input `input` of `[batch, dims]`, and that input.
pub(crate) fn graph_of(dims: &[usize]) -> (Graph, ValueId) {
    let mut graph = Graph::default();
    let batch = std::iter::once(Dim::Free("batch".to_owned()));
    let x = graph.add_input("input", batch.chain(dims.iter().map(|&d| Dim::Fixed(d))).collect());
    (graph, x)
}

/// The model of a graph whose last node is the output.
pub(crate) fn model_of(mut graph: Graph) -> Model {
    let last = graph.nodes.last().unwrap().outputs[0];
    if !graph.outputs.contains(&last) {
        graph.outputs.push(last);
    }
    Model::new(&graph, Description { name: "test".to_owned(), ..Description::default() }).unwrap()
}

/// Appends a square convolution with a bias; weights are scaled so that activations keep their size.
pub(crate) fn add_conv(
    graph: &mut Graph,
    r: &mut Random,
    name: &str,
    x: ValueId,
    [outputs, inputs, kernel]: [usize; 3],
    stride: usize,
) -> ValueId {
    let scale = (3.0 / (inputs * kernel * kernel) as f32).sqrt();
    let w = graph.add_constant(format!("{name}.weight"), r.scaled(&[outputs, inputs, kernel, kernel], scale));
    let b = graph.add_constant(format!("{name}.bias"), r.scaled(&[outputs], 0.3));
    let window = Window::square(kernel, stride, kernel / 2);
    let conv = Conv { window, groups: 1, bias: true, pre_affine: false, epilogue: Epilogue::default() };
    graph.add_node(name, Op::Conv(conv), &[x, w, b])
}

/// Appends a linear layer with a bias.
pub(crate) fn add_linear(graph: &mut Graph, r: &mut Random, name: &str, x: ValueId, outputs: usize, inputs: usize) -> ValueId {
    let w = graph.add_constant(format!("{name}.weight"), r.scaled(&[outputs, inputs], (3.0 / inputs as f32).sqrt()));
    let b = graph.add_constant(format!("{name}.bias"), r.scaled(&[outputs], 0.3));
    graph.add_node(name, Op::Linear(Linear { bias: true, flatten_order: Vec::new(), epilogue: Epilogue::default() }), &[x, w, b])
}

/// A residual network in small: `input` `[batch, 3, 16, 16]` to `fc` `[batch, 10]`.
pub(crate) fn small_model() -> Model {
    let mut r = Random(1);
    let (mut g, x) = graph_of(&[3, 16, 16]);
    let c1 = add_conv(&mut g, &mut r, "conv1", x, [32, 3, 3], 2);
    let a1 = g.add_node("relu1", Op::Unary(Unary::Relu), &[c1]);
    let c2 = add_conv(&mut g, &mut r, "conv2", a1, [32, 32, 3], 1);
    let sum = g.add_node("add", Op::Binary(Binary::Add), &[c2, a1]);
    let a2 = g.add_node("relu2", Op::Unary(Unary::Relu), &[sum]);
    let pooled = g.add_node("pool", Op::GlobalPool(PoolKind::Average), &[a2]);
    let flat = g.add_node("flatten", Op::Flatten { axis: 1 }, &[pooled]);
    add_linear(&mut g, &mut r, "fc", flat, 10, 32);
    model_of(g)
}

/// The bits of the first output: equal only when every number is the same, -0 and NaN included.
pub(crate) fn bits(outputs: &[(String, Tensor)]) -> Vec<u32> {
    outputs[0].1.to_f32().iter().map(|x| x.to_bits()).collect()
}

/// The largest error relative to the largest expected number.
pub(crate) fn relative_error(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(f64::MIN_POSITIVE, |a, &b| a.max(b.abs()));
    let errors = got.iter().zip(want).map(|(&g, &w)| (f64::from(g) - w).abs() / largest);
    errors.fold(0.0, |a, e| if e.is_nan() { f64::INFINITY } else { a.max(e) })
}

/// A device that the test opened itself on the adapter [`gpu`] uses, with what `limits` makes of the adapter's limits.
pub(crate) fn open_device(limits: impl FnOnce(wgpu::Limits) -> wgpu::Limits) -> (wgpu::AdapterInfo, wgpu::Device, wgpu::Queue) {
    let report = gpu().adapter().clone();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let same = |a: &wgpu::Adapter| a.get_info().name == report.name && a.get_info().backend.to_string() == report.backend;
    let adapter = found.into_iter().find(same).unwrap();
    let descriptor = wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SUBGROUP,
        required_limits: limits(adapter.limits()),
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    (adapter.get_info(), device, queue)
}
