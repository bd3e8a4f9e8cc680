//! Random small networks of every kind of layer, well conditioned so that f32 can be held against f64.

use lookalike::graph::{
    Binary, Conv, Coordinates, Epilogue, Graph, LocallyConnected, NearestRounding, Op, PadMode, Pool, PoolKind, Reduction, Resize,
    ResizeMode, ResizeTarget, Unary, ValueId, Window, infer_shapes,
};
use lookalike::model::Model;
use lookalike::tensor::{Shape, Tensor};

use crate::common::{Random, add_linear, graph_of, model_of};

struct Builder {
    graph: Graph,
    r: Random,
    input: Shape,
    x: ValueId,
    /// Earlier values, for skips.
    seen: Vec<ValueId>,
}

/// The model of a seed and an input for it.
pub(crate) fn random_graph(seed: u64) -> (Model, Tensor) {
    let mut r = Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
    let dims = [1 + r.below(9), 5 + r.below(9), 5 + r.below(9)];
    let batch = 1 + r.below(3);
    let (graph, x) = graph_of(&dims);
    let input = Shape::from([batch, dims[0], dims[1], dims[2]]);
    let mut b = Builder { graph, r, input: input.clone(), x, seen: Vec::new() };
    b.conv();
    for _ in 0..3 + b.r.below(6) {
        b.layer();
        b.seen.push(b.x);
    }
    if b.r.below(3) > 0 {
        b.head();
    }
    let tensor = b.r.tensor(&input);
    (model_of(b.graph), tensor)
}

impl Builder {
    fn layer(&mut self) {
        match self.r.below(16) {
            0..=2 => self.conv(),
            3..=5 => self.activation(),
            6 => self.pool(),
            7 => self.locally_connected(),
            8 => self.concat(),
            9 => self.pad(),
            10 => self.resize(),
            11 | 12 => self.binary(),
            13 => self.norm(),
            14 => self.prelu(),
            _ => self.movement(),
        }
    }

    fn shape(&self) -> [usize; 4] {
        self.shape_of(self.x).dims().try_into().unwrap()
    }

    fn shape_of(&self, id: ValueId) -> Shape {
        infer_shapes(&self.graph, std::slice::from_ref(&self.input)).unwrap()[id.0 as usize].clone()
    }

    fn node(&mut self, op: Op, others: &[ValueId]) {
        let inputs = [&[self.x], others].concat();
        let name = format!("{}{}", op.kind().to_lowercase(), self.graph.nodes.len());
        self.x = self.graph.add_node(name, op, &inputs);
    }

    fn constant(&mut self, shape: &[usize], scale: f32) -> ValueId {
        let tensor = self.r.scaled(shape, scale);
        self.graph.add_constant(format!("constant{}", self.graph.values.len()), tensor)
    }

    fn indices(&mut self, data: &[i64]) -> ValueId {
        self.graph.add_constant(format!("indices{}", self.graph.values.len()), Tensor::indices(data.to_vec()))
    }

    fn conv(&mut self) {
        let [_, c, h, w] = self.shape();
        let kernel = [1, 3, 3, 5][self.r.below(4)];
        let stride = 1 + usize::from(h > 8 && w > 8 && self.r.below(3) == 0);
        let dilation = 1 + usize::from(kernel == 3 && h.min(w) > 5 && self.r.below(4) == 0);
        let groups = match self.r.below(4) {
            0 => c,
            1 if c % 2 == 0 => 2,
            _ => 1,
        };
        let outputs = groups * if groups == c { 1 + self.r.below(2) } else { 1 + self.r.below(40) / groups };
        let scale = (3.0 / (c / groups * kernel * kernel) as f32).sqrt();
        let weight = self.constant(&[outputs, c / groups, kernel, kernel], scale);
        let bias = self.r.below(3) > 0;
        let mut operands = vec![weight];
        if bias {
            operands.push(self.constant(&[outputs], 0.3));
        }
        let window = Window { dilation: [dilation; 2], ..Window::square(kernel, stride, kernel / 2 * dilation) };
        self.node(Op::Conv(Conv { window, groups, bias, pre_affine: false, epilogue: Epilogue::default() }), &operands);
    }

    /// `|x| + 0.5`, for functions that are steep or undefined around zero.
    fn away_from_zero(&mut self) {
        self.node(Op::Unary(Unary::Abs), &[]);
        let half = self.graph.add_constant(format!("constant{}", self.graph.values.len()), Tensor::vector(vec![0.5]));
        self.node(Op::Binary(Binary::Add), &[half]);
    }

    fn activation(&mut self) {
        let unary = match self.r.below(16) {
            0 | 1 => Unary::Relu,
            2 => Unary::LeakyRelu { alpha: 0.1 },
            3 => Unary::Clip { lo: Some(-0.5), hi: Some(0.75) },
            4 => Unary::Clip { lo: None, hi: Some(0.5) },
            5 => Unary::Elu { alpha: 0.7 },
            6 => Unary::Sigmoid,
            7 => Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
            8 => Unary::HardSwish,
            9 => Unary::Tanh,
            10 => Unary::Softplus,
            11 => Unary::Exp,
            12 => Unary::Log,
            13 => Unary::Sqrt,
            14 => Unary::Reciprocal,
            _ => Unary::Neg,
        };
        match unary {
            Unary::Log | Unary::Sqrt | Unary::Reciprocal => self.away_from_zero(),
            Unary::Exp => self.node(Op::Unary(Unary::Clip { lo: Some(-4.0), hi: Some(2.0) }), &[]),
            _ => {}
        }
        self.node(Op::Unary(unary), &[]);
    }

    fn prelu(&mut self) {
        let c = self.shape()[1];
        let shape = [vec![c], vec![1], vec![c, 1, 1]][self.r.below(3)].clone();
        let slope = self.constant(&shape, 0.5);
        self.node(Op::PRelu, &[slope]);
    }

    fn pool(&mut self) {
        let [_, _, h, w] = self.shape();
        if h.min(w) < 4 {
            return self.activation();
        }
        let kind = [PoolKind::Max, PoolKind::Average, PoolKind::L2][self.r.below(3)];
        let (kernel, stride) = [(2, 2), (3, 2), (3, 1)][self.r.below(3)];
        let pad = usize::from(kernel == 3 && self.r.below(2) == 0);
        let pool =
            Pool { kind, window: Window::square(kernel, stride, pad), ceil: self.r.below(2) == 0, count_include_pad: self.r.below(2) == 0 };
        self.node(Op::Pool(pool), &[]);
    }

    fn locally_connected(&mut self) {
        let [_, c, h, w] = self.shape();
        if h.min(w) < 3 || c > 32 {
            return self.conv();
        }
        let window = Window::square(3, 1, 0);
        let (ty, tx, o) = (h - 2, w - 2, 1 + self.r.below(9));
        let weight = self.constant(&[ty, tx, o, c, 3, 3], (3.0 / (9 * c) as f32).sqrt());
        let bias = self.constant(&[ty, tx, o], 0.3);
        self.node(
            Op::LocallyConnected(LocallyConnected { window, tile: [1, 1], bias: true, epilogue: Epilogue::default() }),
            &[weight, bias],
        );
    }

    /// An earlier value of the same shape apart from the channels.
    fn earlier(&mut self, same_channels: bool) -> ValueId {
        let shape = self.shape();
        let fits =
            |s: Shape| s[2..] == shape[2..] && s[0] == shape[0] && if same_channels { s[1] == shape[1] } else { s[1] + shape[1] < 64 };
        let candidates: Vec<_> = self.seen.iter().copied().filter(|&id| fits(self.shape_of(id))).collect();
        if candidates.is_empty() { self.x } else { candidates[self.r.below(candidates.len())] }
    }

    fn concat(&mut self) {
        let [_, c, h, w] = self.shape();
        let axis = 1 + self.r.below(3) as i64;
        if axis == 1 && c < 32 {
            let other = self.earlier(false);
            self.node(Op::Concat { axis }, &[other, self.x]);
        } else if axis == 2 && h < 12 {
            self.node(Op::Concat { axis: -2 }, &[self.x]);
        } else if w < 12 {
            self.node(Op::Concat { axis: 3 }, &[self.x]);
        } else {
            self.activation();
        }
    }

    fn pad(&mut self) {
        let [_, _, h, w] = self.shape();
        let mode = [PadMode::Constant, PadMode::Reflect, PadMode::Edge][self.r.below(3)];
        let most = h.min(w).min(4);
        let mut sides = [0; 4].map(|_| self.r.below(most) as i64);
        if h.max(w) > 16 {
            sides = [0, 1, 0, 0];
        }
        let channels = i64::from(mode == PadMode::Constant) * self.r.below(3) as i64;
        let pads = self.indices(&[0, 0, sides[0], sides[1], 0, channels, sides[2], sides[3]]);
        self.node(Op::Pad { mode }, &[pads]);
    }

    fn resize(&mut self) {
        let [n, c, h, w] = self.shape();
        if h.max(w) > 12 {
            return self.pool();
        }
        let coordinates =
            [Coordinates::HalfPixel, Coordinates::PytorchHalfPixel, Coordinates::AlignCorners, Coordinates::Asymmetric][self.r.below(4)];
        if self.r.below(2) == 0 {
            // Twice the size: no place lies half way between two cells, where f32 and f64 might round differently.
            let scales = self.graph.add_constant(format!("scales{}", self.graph.values.len()), Tensor::vector(vec![1.0, 1.0, 2.0, 2.0]));
            let coordinates = if coordinates == Coordinates::AlignCorners { Coordinates::Asymmetric } else { coordinates };
            let resize = Resize::new(ResizeMode::Nearest, coordinates, NearestRounding::Floor, ResizeTarget::Scales);
            self.node(Op::Resize(resize), &[scales]);
        } else {
            let sizes = self.indices(&[n as i64, c as i64, (h + 3) as i64, (w * 2 - 1) as i64]);
            let nearest = NearestRounding::RoundPreferFloor;
            self.node(Op::Resize(Resize::new(ResizeMode::Linear, coordinates, nearest, ResizeTarget::Sizes)), &[sizes]);
        }
    }

    fn binary(&mut self) {
        let [_, c, h, w] = self.shape();
        let kind = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Max, Binary::Min, Binary::Div, Binary::Pow][self.r.below(7)];
        let shape = [vec![c, 1, 1], vec![1], vec![1, c, 1, 1], vec![h, w], vec![c, h, w]][self.r.below(5)].clone();
        match kind {
            Binary::Div => {
                let (x, _) = (self.x, self.away_from_zero());
                let divisor = std::mem::replace(&mut self.x, x);
                self.node(Op::Binary(kind), &[divisor]);
            }
            Binary::Pow => {
                self.away_from_zero();
                let exponent = self.constant(&shape, 1.5);
                self.node(Op::Binary(kind), &[exponent]);
            }
            _ if self.r.below(2) == 0 => {
                let other = self.earlier(true);
                self.node(Op::Binary(kind), &[other]);
            }
            _ => {
                let other = self.constant(&shape, 1.0);
                self.node(Op::Binary(kind), &[other]);
            }
        }
    }

    fn norm(&mut self) {
        let c = self.shape()[1];
        match self.r.below(6) {
            0 => self.node(Op::Lrn { size: 1 + self.r.0 as usize % 5, alpha: 0.5, beta: 0.75, bias: 1.0 }, &[]),
            1 => self.node(Op::Softmax { axis: [1, -1, 2][c % 3], flatten: false }, &[]),
            2 => self.node(Op::L2Normalize { axis: [1, -1][c % 2], epsilon: 1e-3 }, &[]),
            3 => {
                let (scale, shift) = (self.constant(&[c], 1.0), self.constant(&[c], 0.5));
                let groups = [0, 1][c % 2];
                self.node(Op::GroupNorm { groups, epsilon: 0.1 }, &[scale, shift]);
            }
            4 => {
                let width = self.shape()[3];
                let scale = self.constant(&[width], 1.0);
                self.node(Op::LayerNorm { axis: [1, -1][c % 2], epsilon: 0.1, rms: width.is_multiple_of(2) }, &[scale]);
            }
            _ => {
                let gamma = self.constant(&[c], 1.0);
                let beta = self.constant(&[c], 0.5);
                let mean = self.constant(&[c], 0.5);
                let variance = self.graph.add_constant(format!("variance{}", self.graph.values.len()), Tensor::vector(vec![0.8; c]));
                self.node(Op::BatchNorm { epsilon: 1e-3 }, &[gamma, beta, mean, variance]);
            }
        }
    }

    fn movement(&mut self) {
        let [_, c, h, w] = self.shape();
        match self.r.below(4) {
            0 => self.node(Op::Transpose { perm: vec![0, 1, 3, 2] }, &[]),
            1 if c < 20 && h < 20 => self.node(Op::Transpose { perm: vec![0, 2, 1, 3] }, &[]),
            2 if h > 3 => {
                let (starts, ends) = (self.indices(&[1, 0]), self.indices(&[h as i64, w as i64]));
                let (axes, steps) = (self.indices(&[2, 3]), self.indices(&[1, 2]));
                self.node(Op::Slice, &[starts, ends, axes, steps]);
            }
            _ if c > 1 => {
                let halves: Vec<_> = (0..2).map(|i| self.graph.add_value(format!("half{}.{i}", self.graph.nodes.len()))).collect();
                let op = Op::Split { axis: 1, sizes: vec![c / 2, c - c / 2] };
                let name = format!("split{}", self.graph.nodes.len());
                self.graph.nodes.push(lookalike::graph::Node { name, op, inputs: vec![self.x], outputs: halves.clone() });
                self.x = halves[1];
                self.node(Op::Concat { axis: 1 }, &[halves[0]]);
            }
            _ => self.activation(),
        }
    }

    fn head(&mut self) {
        if self.r.below(2) == 0 {
            let kind = [PoolKind::Average, PoolKind::Max][self.r.below(2)];
            self.node(Op::GlobalPool(kind), &[]);
        } else if self.r.below(2) == 0 {
            let kind = [Reduction::Mean, Reduction::Max, Reduction::Sum][self.r.below(3)];
            self.node(Op::Reduce { kind, axes: vec![2, 3], keep_dims: true, none_if_empty: false }, &[]);
        }
        let inputs: usize = self.shape()[1..].iter().product();
        self.node(Op::Flatten { axis: 1 }, &[]);
        let outputs = 1 + self.r.below(40);
        self.x = add_linear(&mut self.graph, &mut self.r, "fc", self.x, outputs, inputs);
        match self.r.below(4) {
            0 => self.node(Op::Unary(Unary::Tanh), &[]),
            1 => self.node(Op::Softmax { axis: -1, flatten: false }, &[]),
            2 => self.node(Op::L2Normalize { axis: 1, epsilon: 1e-6 }, &[]),
            _ => {}
        }
    }
}
