//! Chains of operations that only move elements, in whatever layouts they leave to each other: every bit has to arrive where the
//! reference puts it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, gpu, model_of};
use lookalike::graph::{
    Coordinates, Dim, Graph, NearestRounding, Node, Op, PadMode, Resize, ResizeMode, ResizeTarget, Unary, ValueId, infer_shapes,
};
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::reference::{Array, run_graph};
use lookalike::tensor::{DType, Shape, Tensor};

/// Tensors stay below this.
const MOST: usize = 6000;

struct Chain {
    graph: Graph,
    r: Random,
    input: Shape,
    x: ValueId,
    dtype: DType,
}

impl Chain {
    fn new(seed: u64) -> Self {
        let mut r = Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let rank = [4, 4, 4, 2, 3, 5][r.below(6)];
        let input: Vec<usize> = (0..rank).map(|i| 1 + r.below(if i == 0 { 3 } else { 9 })).collect();
        let dtype = [DType::F32, DType::F32, DType::I32, DType::U8, DType::Bool][r.below(5)];
        let mut graph = Graph::default();
        let dims = input.iter().enumerate().map(|(i, &n)| if i == 0 { Dim::Free("batch".to_owned()) } else { Dim::Fixed(n) });
        let x = graph.add_typed_input("input", dims.collect(), dtype);
        Self { graph, r, input: Shape::from(input), x, dtype }
    }

    fn shape(&self) -> Shape {
        self.shape_of(self.x)
    }

    fn shape_of(&self, id: ValueId) -> Shape {
        infer_shapes(&self.graph, std::slice::from_ref(&self.input)).unwrap()[id.0 as usize].clone()
    }

    fn node(&mut self, op: Op, others: &[ValueId]) {
        let name = format!("{}{}", op.kind(), self.graph.nodes.len());
        self.x = self.graph.add_node(name, op, &[&[self.x], others].concat());
    }

    fn indices(&mut self, values: &[i64]) -> ValueId {
        self.shaped(&[values.len()], values)
    }

    fn shaped(&mut self, shape: &[usize], values: &[i64]) -> ValueId {
        let name = format!("indices{}", self.graph.values.len());
        self.graph.add_constant(name, Tensor::from_i64(shape.to_vec(), values.to_vec()).unwrap())
    }

    fn step(&mut self) {
        let shape = self.shape();
        let grows = shape.len() * 3 < MOST;
        match self.r.below(15) {
            0 | 1 => self.transpose(&shape),
            2 => self.reshape(&shape),
            3 | 4 => self.slice(&shape),
            5 | 6 => self.split(&shape),
            7 if grows => self.pad(&shape),
            8 if grows => self.tile(&shape),
            9 => self.gather(&shape),
            10 => self.gather_elements(&shape),
            11 | 12 if shape.rank() == 4 => self.blocks(&shape),
            13 if grows => self.resize(&shape),
            // Computed in the packed layout where there is one.
            _ if self.dtype == DType::F32 => self.node(Op::Unary(Unary::Neg), &[]),
            _ => self.transpose(&shape),
        }
    }

    fn transpose(&mut self, shape: &Shape) {
        let mut perm: Vec<usize> = (0..shape.rank()).collect();
        (1..perm.len()).rev().for_each(|i| perm.swap(i, self.r.below(i + 1)));
        // What exporters write most.
        let usual = [vec![0, 2, 3, 1], vec![0, 3, 1, 2]][self.r.below(2)].clone();
        let perm = if shape.rank() == 4 && self.r.below(2) == 0 { usual } else { perm };
        self.node(Op::Transpose { perm }, &[]);
    }

    /// Joins two neighbouring axes, or cuts one in two.
    fn reshape(&mut self, shape: &Shape) {
        let mut dims: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let at = self.r.below(dims.len());
        if dims.len() > 1 && self.r.below(2) == 0 {
            let at = at.min(dims.len() - 2);
            let next = dims.remove(at + 1);
            dims[at] *= next;
        } else if dims.len() < 5 {
            let divisor = (1..=dims[at]).rev().find(|d| dims[at] % d == 0 && *d < dims[at]).unwrap_or(1);
            dims[at] /= divisor;
            dims.insert(at, divisor);
        }
        let target = self.indices(&dims);
        self.node(Op::Reshape { allow_zero: false }, &[target]);
    }

    fn slice(&mut self, shape: &Shape) {
        let axis = self.r.below(shape.rank());
        let n = shape[axis] as i64;
        let begin = self.r.below(shape[axis]) as i64;
        let step = 1 + self.r.below(3) as i64;
        let (start, end, step) = if self.r.below(3) == 0 { (begin, -n - 1, -step) } else { (begin - n, n, step) };
        let [starts, ends, axes, steps] = [start, end, axis as i64, step].map(|v| self.indices(&[v]));
        self.node(Op::Slice, &[starts, ends, axes, steps]);
    }

    /// Cuts in two or three and joins the parts in another order.
    fn split(&mut self, shape: &Shape) {
        let axis = self.r.below(shape.rank());
        let n = shape[axis];
        let mut cuts = [0, self.r.below(n + 1), self.r.below(n + 1), n];
        cuts.sort_unstable();
        let sizes: Vec<usize> = cuts.windows(2).map(|w| w[1] - w[0]).collect();
        let name = format!("Split{}", self.graph.nodes.len());
        let mut parts: Vec<_> = (0..3).map(|i| self.graph.add_value(format!("{name}.{i}"))).collect();
        let op = Op::Split { axis: axis as i64, sizes };
        self.graph.nodes.push(Node { name, op, inputs: vec![self.x], outputs: parts.clone() });
        parts.rotate_left(self.r.below(3));
        self.x = parts.remove(0);
        let others = if self.shape().contains(&0) || self.r.below(4) > 0 { parts } else { vec![] };
        self.node(Op::Concat { axis: axis as i64 }, &others);
    }

    fn pad(&mut self, shape: &Shape) {
        let mode = [PadMode::Constant, PadMode::Reflect, PadMode::Edge, PadMode::Wrap][self.r.below(4)];
        let mut pads = vec![0i64; 2 * shape.rank()];
        let axis = self.r.below(shape.rank());
        pads[axis] = self.r.below(4) as i64 - i64::from(shape[axis] > 2);
        pads[axis + shape.rank()] = self.r.below(5) as i64;
        let pads = self.indices(&pads);
        self.node(Op::Pad { mode }, &[pads]);
    }

    fn tile(&mut self, shape: &Shape) {
        let mut repeats = vec![1i64; shape.rank()];
        repeats[self.r.below(shape.rank())] = 1 + self.r.below(3) as i64;
        let repeats = self.indices(&repeats);
        self.node(Op::Tile, &[repeats]);
    }

    fn gather(&mut self, shape: &Shape) {
        let axis = self.r.below(shape.rank());
        let count = 1 + self.r.below(5);
        let picked: Vec<i64> = (0..count).map(|_| self.r.below(2 * shape[axis]) as i64 - shape[axis] as i64).collect();
        let picked = self.indices(&picked);
        self.node(Op::Gather { axis: axis as i64 }, &[picked]);
    }

    fn gather_elements(&mut self, shape: &Shape) {
        let axis = self.r.below(shape.rank());
        let mut dims = shape.to_vec();
        dims[axis] = 1 + self.r.below(4);
        let picked: Vec<i64> = (0..dims.iter().product()).map(|_| self.r.below(shape[axis]) as i64).collect();
        let picked = self.shaped(&dims, &picked);
        self.node(Op::GatherElements { axis: axis as i64 }, &[picked]);
    }

    fn blocks(&mut self, shape: &Shape) {
        let (block, column_row_depth) = (2, self.r.below(2) == 0);
        if shape[1].is_multiple_of(4) {
            self.node(Op::DepthToSpace { block, column_row_depth }, &[]);
        } else if shape[2].is_multiple_of(2) && shape[3].is_multiple_of(2) {
            self.node(Op::SpaceToDepth { block, column_row_depth }, &[]);
        } else {
            self.transpose(shape);
        }
    }

    fn resize(&mut self, shape: &Shape) {
        let axis = self.r.below(shape.rank());
        let size = 1 + self.r.below(2 * shape[axis]) as i64;
        let sizes = self.indices(&[size]);
        let nearest = Resize::new(ResizeMode::Nearest, Coordinates::HalfPixel, NearestRounding::Floor, ResizeTarget::Sizes);
        self.node(Op::Resize(Resize { axes: vec![axis as i64], ..nearest }), &[sizes]);
    }
}

fn input(r: &mut Random, shape: &Shape, dtype: DType) -> Tensor {
    match dtype.range() {
        None => r.tensor(shape),
        Some((least, most)) => {
            let (least, most) = (least.max(i32::MIN.into()), most.min(i32::MAX.into()));
            let data = (0..shape.len()).map(|_| least + (r.next() % (most - least + 1) as u64) as i64).collect();
            Tensor::integers(dtype, shape.clone(), data).unwrap()
        }
    }
}

fn check(model: &Model, x: &Tensor, names: &[String]) -> Result<(), String> {
    let options = CompileOptions { batch: x.shape()[0], outputs: names.to_vec(), ..CompileOptions::default() };
    let network = Network::compile(&gpu(), model, &options).map_err(|e| e.to_string())?;
    let results = network.run(&[("input", x)]).map_err(|e| e.to_string())?;
    let ids: Vec<ValueId> = results.iter().map(|(n, _)| model.graph.find(n).unwrap()).collect();
    let wanted = run_graph(&model.graph, &[Array::from(x)], &ids).unwrap();
    for ((name, got), want) in results.iter().zip(&wanted) {
        if got != &want.to_tensor().unwrap() {
            return Err(format!("{name} ({}) differs", got.shape()));
        }
    }
    Ok(())
}

#[test]
fn chains_of_movements_equal_the_reference() {
    for seed in 0..200 {
        let mut chain = Chain::new(seed);
        for _ in 0..3 + chain.r.below(7) {
            chain.step();
        }
        let x = input(&mut chain.r, &chain.input, chain.dtype);
        let model = model_of(chain.graph);
        // The whole chain, and every link of it at once.
        let names: Vec<String> = model.graph.nodes.iter().flat_map(|n| &n.outputs).map(|&id| model.graph.name(id).to_owned()).collect();
        for wanted in [&names[names.len() - 1..], &names[..]] {
            check(&model, &x, wanted).unwrap_or_else(|e| panic!("seed {seed}: {e}, of {} {} through {names:?}", x.dtype(), x.shape()));
        }
    }
}
