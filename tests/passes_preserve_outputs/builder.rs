//! Builds small graphs step by step: named layers for the tests that count nodes, and random ones.

use lookalike::graph::{
    AutoPad, Binary, Conv, Dim, Epilogue, Graph, Linear, LocallyConnected, Op, Pool, PoolKind, Unary, ValueId, Window, infer_shapes,
};
use lookalike::tensor::{Shape, Tensor, broadcast};

const BATCH: usize = 2;
const SIZE: [usize; 2] = [8, 6];

/// Reproducible numbers in `centre ± spread`.
pub(crate) fn noise(shape: &[usize], spread: f32, centre: f32, seed: u32) -> Tensor {
    let count = shape.iter().product();
    let number = |i: u32| {
        let mut h = seed.wrapping_mul(0x9E37_79B9).wrapping_add(i).wrapping_mul(0x85EB_CA6B);
        h ^= h >> 15;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 13;
        centre + spread * (h as f32 / u32::MAX as f32 * 2.0 - 1.0)
    };
    Tensor::from_f32(shape, (0..count).map(|i| number(i as u32)).collect()).unwrap()
}

/// A graph under construction; layers are appended to `x`.
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    pub(crate) x: ValueId,
    seed: u32,
    kept: Vec<ValueId>,
}

impl Builder {
    /// A graph with one input of `channels` channels, whose batch, height and width are free.
    pub(crate) fn new(channels: usize, seed: u32) -> Self {
        let mut graph = Graph::default();
        let dims = ["batch", "height", "width"].map(|n| Dim::Free(n.to_owned()));
        let [batch, height, width] = dims;
        let x = graph.add_input("input", vec![batch, Dim::Fixed(channels), height, width]);
        Self { graph, x, seed, kept: vec![x] }
    }

    pub(crate) fn input_shapes(&self) -> Vec<Shape> {
        let Dim::Fixed(channels) = self.graph.inputs[0].dims[1] else { panic!("channels are fixed") };
        vec![Shape::from([BATCH, channels, SIZE[0], SIZE[1]])]
    }

    /// Makes `x` a graph output.
    pub(crate) fn finish(mut self) -> Self {
        self.tap();
        self
    }

    /// Makes what there is so far a graph output, so that it has to survive.
    pub(crate) fn tap(&mut self) {
        if !self.graph.outputs.contains(&self.x) && self.x != self.graph.inputs[0].value {
            self.graph.outputs.push(self.x);
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape_of(self.x)
    }

    fn shape_of(&self, id: ValueId) -> Shape {
        infer_shapes(&self.graph, &self.input_shapes()).unwrap()[id.0 as usize].clone()
    }

    fn constant(&mut self, name: &str, shape: &[usize], spread: f32, centre: f32) -> ValueId {
        self.seed = self.seed.wrapping_add(1);
        let tensor = noise(shape, spread, centre, self.seed);
        let name = format!("{name}{}.{}", self.graph.nodes.len(), self.graph.values.len());
        self.graph.add_constant(name, tensor)
    }

    fn node(&mut self, op: Op, others: &[ValueId]) {
        let inputs = [&[self.x], others].concat();
        let name = format!("{}{}", op.kind().to_lowercase(), self.graph.nodes.len());
        self.x = self.graph.add_node(name, op, &inputs);
    }

    pub(crate) fn conv(&mut self, outputs: usize, kernel: usize, pad: usize, stride: usize, groups: usize) {
        let channels = self.shape()[1];
        let per_group = channels / groups;
        let spread = (3.0 / (per_group * kernel * kernel) as f32).sqrt();
        let w = self.constant("weight", &[outputs, per_group, kernel, kernel], spread, 0.0);
        let bias = !self.seed.is_multiple_of(3);
        let mut others = vec![w];
        if bias {
            others.push(self.constant("bias", &[outputs], 0.5, 0.1));
        }
        let conv = Conv { window: Window::square(kernel, stride, pad), groups, bias, pre_affine: false, epilogue: Epilogue::default() };
        self.node(Op::Conv(conv), &others);
    }

    pub(crate) fn linear(&mut self, outputs: usize) {
        let inner: usize = self.shape()[1..].iter().product();
        let w = self.constant("weight", &[outputs, inner], (3.0 / inner as f32).sqrt(), 0.0);
        let bias = self.constant("bias", &[outputs], 0.5, 0.1);
        self.node(Op::Linear(Linear { bias: true, flatten_order: vec![], epilogue: Epilogue::default() }), &[w, bias]);
    }

    fn locally_connected(&mut self, pad: usize) {
        let shape = self.shape();
        let (channels, places) = (shape[1], [shape[2] + 2 * pad - 2, shape[3] + 2 * pad - 2]);
        let w = self.constant("weight", &[places[0], places[1], 3, channels, 3, 3], (1.0 / (3 * channels) as f32).sqrt(), 0.0);
        let bias = self.constant("bias", &[places[0], places[1], 3], 0.5, 0.1);
        let local = LocallyConnected { window: Window::square(3, 1, pad), tile: [1, 1], bias: true, epilogue: Epilogue::default() };
        self.node(Op::LocallyConnected(local), &[w, bias]);
    }

    pub(crate) fn batch_norm(&mut self) {
        let channels = self.shape()[1];
        let gamma = self.constant("gamma", &[channels], 0.4, 1.0);
        let beta = self.constant("beta", &[channels], 0.5, 0.1);
        let mean = self.constant("mean", &[channels], 0.5, 0.0);
        let variance = self.constant("variance", &[channels], 0.4, 1.0);
        self.node(Op::BatchNorm { epsilon: 1e-3 }, &[gamma, beta, mean, variance]);
    }

    /// `form`: 0 = `[C, 1, 1]` (or `[C]`), 1 = `[C]`, 2 = `[1, C, 1, 1]` (or `[1, C]`), else one number for all.
    pub(crate) fn prelu(&mut self, form: u8) {
        let shape = self.channel_shape(form);
        let slope = self.constant("slope", &shape, 0.2, 0.25);
        self.node(Op::PRelu, &[slope]);
    }

    fn channel_shape(&self, form: u8) -> Vec<usize> {
        let shape = self.shape();
        let spatial = vec![1; shape.rank() - 2];
        match form {
            0 => [&[shape[1]], &spatial[..]].concat(),
            1 => vec![shape[1]],
            2 => [&[1, shape[1]], &spatial[..]].concat(),
            _ => vec![1],
        }
    }

    pub(crate) fn unary(&mut self, op: Unary) {
        self.node(Op::Unary(op), &[]);
    }

    pub(crate) fn identity(&mut self) {
        self.node(Op::Identity, &[]);
    }

    pub(crate) fn add(&mut self, other: ValueId) {
        self.node(Op::Binary(Binary::Add), &[other]);
    }

    pub(crate) fn constant_operand(&mut self, op: Binary, shape: &[usize], constant_first: bool) {
        let c = self.constant("constant", shape, 0.5, 1.2);
        self.node(Op::Binary(op), &[c]);
        if constant_first {
            self.graph.nodes.last_mut().unwrap().inputs.reverse();
        }
    }

    pub(crate) fn transpose(&mut self, perm: &[usize]) {
        self.node(Op::Transpose { perm: perm.to_vec() }, &[]);
    }

    pub(crate) fn global_pool(&mut self) {
        self.node(Op::GlobalPool(PoolKind::Average), &[]);
    }

    pub(crate) fn flatten(&mut self) {
        self.node(Op::Flatten { axis: 1 }, &[]);
    }

    fn reshape(&mut self, target: &[i64]) {
        let name = format!("target{}", self.graph.values.len());
        let target = self.graph.add_constant(name, Tensor::indices(target.to_vec()));
        self.node(Op::Reshape { allow_zero: false }, &[target]);
    }

    fn pool(&mut self, kind: PoolKind) {
        let mut window = Window::square(3, 1, 1);
        window.auto = AutoPad::SameUpper;
        self.node(Op::Pool(Pool { kind, window, ceil: false, count_include_pad: false }), &[]);
    }

    /// One of 24 kinds of layers. Height and width stay, so that shortcuts often fit.
    pub(crate) fn random_step(&mut self, step: u8, detail: u8) {
        let channels = self.shape()[1];
        let (low, high) = (detail % 4, detail / 4 % 4);
        match step {
            0 | 1 => self.conv([4, 6][usize::from(low / 2)], 3, 1, 1, 1),
            2 => self.conv([4, 8][usize::from(low / 2)], 1, 0, 1, 1),
            3 => self.conv(channels, 3, 1, 1, channels),
            4 => self.conv(2 * channels.min(6), 3, 1, 1, 2),
            5 => self.same_conv(channels),
            6..=8 => self.batch_norm(),
            9 | 10 => self.prelu([0, 2, 3, 0][usize::from(low)]),
            11 => self.unary(Unary::Relu),
            12 => self.unary(
                [clip(Some(-0.5), Some(0.7)), clip(Some(0.0), None), clip(Some(0.2), Some(0.9)), clip(None, Some(1.0))][usize::from(low)],
            ),
            13 => self.unary(Unary::LeakyRelu { alpha: 0.1 }),
            14 | 15 => {
                let shape = self.channel_shape([0, 2, 3, 0][usize::from(high)]);
                let op = [Binary::Add, Binary::Mul, Binary::Sub, Binary::Div][usize::from(low)];
                self.constant_operand(op, &shape, detail > 127 && op != Binary::Div);
            }
            16..=18 => self.add_kept(),
            19 => self.kept.push(self.x),
            20 => {
                self.kept.push(self.x);
                self.x = self.kept[usize::from(detail) % self.kept.len()];
            }
            21 => self.tap(),
            22 => self.pool([PoolKind::Max, PoolKind::Average][usize::from(low % 2)]),
            _ => self.neutral(low),
        }
    }

    fn same_conv(&mut self, channels: usize) {
        self.conv(channels, 3, 0, 1, 1);
        if let Some(Op::Conv(conv)) = self.graph.nodes.last_mut().map(|n| &mut n.op) {
            conv.window.auto = AutoPad::SameLower;
        }
    }

    fn neutral(&mut self, kind: u8) {
        match kind {
            0 => self.identity(),
            1 => self.reshape(&[0, 0, -1, 0]),
            2 => {
                self.transpose(&[0, 2, 3, 1]);
                self.transpose(&[0, 3, 1, 2]);
            }
            _ => self.node(Op::Concat { axis: 1 }, &[]),
        }
    }

    fn add_kept(&mut self) {
        let shape = self.shape();
        let fits = |&&id: &&ValueId| broadcast(&self.shape_of(id), &shape).is_some_and(|s| s == shape);
        if let Some(&other) = self.kept.iter().rev().find(fits) {
            self.add(other);
        }
    }

    /// How a graph ends: as it is, global pooling, a linear head in three forms, or a locally connected layer.
    pub(crate) fn random_tail(&mut self, kind: u8) {
        match kind {
            0 => {}
            1 => {
                self.batch_norm();
                self.global_pool();
            }
            2 => {
                self.locally_connected(0);
                self.batch_norm();
                self.prelu(0);
                self.locally_connected(1);
            }
            _ => {
                self.batch_norm();
                match kind {
                    3 => self.flatten(),
                    4 => self.reshape(&[0, -1]),
                    _ => self.global_pool(),
                }
                self.linear(5);
                self.batch_norm();
                self.prelu(1);
                self.constant_operand(Binary::Add, &[5], false);
                self.linear(5);
            }
        }
        self.identity();
        self.tap();
    }
}

fn clip(lo: Option<f32>, hi: Option<f32>) -> Unary {
    Unary::Clip { lo, hi }
}
