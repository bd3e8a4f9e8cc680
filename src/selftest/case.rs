//! One node with its operands.

use crate::error::Result;
use crate::graph::infer::operand_count;
use crate::graph::{Dim, Graph, Op};
use crate::model::Precision;
use crate::recording::{Feed, Force};
use crate::reference::{Array, magnitude, run_node};
use crate::tensor::{DType, Shape, Tensor};

/// What an operand holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    /// Uniform in [-1, 1).
    Noise,
    /// Every element its own number, so that a misplaced one shows.
    Ramp,
    /// A single 1 per 97 elements.
    OneHot,
    /// Noise times this.
    Scaled(f32),
}

impl Input {
    /// The kinds every kernel is tried with.
    pub(crate) const ALL: [Self; 5] = [Self::Noise, Self::Ramp, Self::OneHot, Self::Scaled(1e4), Self::Scaled(1e-4)];

    pub(crate) fn label(self) -> String {
        match self {
            Self::Noise => "noise".to_owned(),
            Self::Ramp => "ramp".to_owned(),
            Self::OneHot => "one-hot".to_owned(),
            Self::Scaled(s) => format!("noise x {s:e}"),
        }
    }

    /// A tensor of this kind; `seed` tells operands apart.
    pub(crate) fn tensor(self, shape: &[usize], seed: u32) -> Tensor {
        let len: usize = shape.iter().product();
        let data = (0..len as u32)
            .map(|i| match self {
                Self::Noise => noise(i, seed),
                Self::Scaled(s) => noise(i, seed) * s,
                Self::Ramp => (i % 8191) as f32 / 64.0 - 32.0,
                Self::OneHot => f32::from(u8::from(i % 97 == seed % 97)),
            })
            .collect();
        Tensor::from_f32(shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros(Shape::default()))
    }
}

/// A hash as a number in [-1, 1).
fn noise(i: u32, seed: u32) -> f32 {
    (hash(i, seed) >> 8) as f32 / 8_388_608.0 - 1.0
}

/// fmix32 of MurmurHash3.
fn hash(i: u32, seed: u32) -> u32 {
    let mut h = i.wrapping_mul(0x9E37_79B9).wrapping_add(seed.wrapping_mul(0x85EB_CA6B));
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// Whole numbers of a type, within ±100 of what it holds.
pub(crate) fn whole(dtype: DType, shape: &[usize], seed: u32) -> Tensor {
    let (least, greatest) = dtype.range().unwrap_or((-100, 100));
    let (least, span) = (least.max(-100), greatest.min(100) - least.max(-100) + 1);
    let values = (0..shape.iter().product::<usize>() as u32).map(|i| least + i64::from(hash(i, seed)) % span).collect();
    Tensor::integers(dtype, shape.to_vec(), values).unwrap_or_else(|| Tensor::zeros(Shape::default()))
}

/// A case of whole numbers: any difference is a mistake.
pub(crate) fn exact(name: impl Into<String>, op: Op, operands: Vec<(Tensor, bool)>) -> Case {
    Case { factor: 0.0, ..Case::new(name, op, operands, 1) }
}

/// Over which sums an element's error is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Its own.
    Local,
    /// The largest of the output: the algorithm mixes neighbours (Winograd).
    Output,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: Op,
    /// What is done to the first operand before, with as many of the operands as it takes: brings it into another layout, or makes what
    /// the planner joins with `op`.
    pub(crate) before: Vec<Op>,
    /// What `before`, which is one operation then, makes is an output, too.
    pub(crate) shown: bool,
    /// Operands in order; `true` = computed at run time, `false` = constant.
    pub(crate) operands: Vec<(Tensor, bool)>,
    pub(crate) force: Force,
    /// The layout run-time operands arrive in.
    pub(crate) feed: Feed,
    pub(crate) precision: Precision,
    /// Terms of a sum.
    pub(crate) terms: f64,
    /// How much more than a plain sum the algorithm may err.
    pub(crate) factor: f64,
    /// The same for the rounding of weights to halves.
    pub(crate) half_factor: f64,
    /// Added to every bound.
    pub(crate) floor: f64,
    pub(crate) spread: Spread,
    pub(crate) outputs: usize,
}

impl Case {
    /// A case with one output whose elements are sums of `terms` products.
    pub(crate) fn new(name: impl Into<String>, op: Op, operands: Vec<(Tensor, bool)>, terms: usize) -> Self {
        Self {
            name: name.into(),
            op,
            before: Vec::new(),
            shown: false,
            operands,
            force: Force::default(),
            feed: Feed::Plain,
            precision: Precision::F32,
            terms: terms as f64,
            factor: 1.0,
            half_factor: 1.0,
            floor: f64::from(f32::MIN_POSITIVE),
            spread: Spread::Local,
            outputs: 1,
        }
    }

    /// A graph of the one node, and the tensors of its inputs.
    pub(crate) fn graph(&self) -> (Graph, Vec<Tensor>) {
        let mut graph = Graph::default();
        let (mut ids, mut inputs) = (Vec::new(), Vec::new());
        for (i, (tensor, runtime)) in self.operands.iter().enumerate() {
            if *runtime {
                let dims = tensor.shape().iter().map(|&n| Dim::Fixed(n)).collect();
                ids.push(graph.add_typed_input(format!("x{i}"), dims, tensor.dtype()));
                inputs.push(tensor.clone());
            } else {
                ids.push(graph.add_constant(format!("c{i}"), tensor.clone()));
            }
        }
        for (i, op) in self.before.iter().enumerate() {
            ids[0] = graph.add_node(format!("before{i}"), op.clone(), &ids[..taken(op, ids.len())]);
        }
        let outputs: Vec<_> = (0..self.outputs).map(|i| graph.add_value(format!("y{i}"))).collect();
        graph.outputs = outputs.iter().copied().chain(ids.first().copied().filter(|_| self.shown)).collect();
        ids.truncate(taken(&self.op, ids.len()));
        graph.nodes.push(crate::graph::Node { name: self.name.clone(), op: self.op.clone(), inputs: ids, outputs });
        (graph, inputs)
    }

    /// The operands as the reference takes them.
    ///
    /// # Errors
    /// Operands that do not fit what is done to them before.
    pub(crate) fn arrays(&self) -> Result<Vec<Array>> {
        let mut arrays: Vec<_> = self.operands.iter().map(|(t, _)| Array::from(t)).collect();
        for op in &self.before {
            let refs: Vec<_> = arrays[..taken(op, arrays.len())].iter().collect();
            arrays[0] = run_node(&self.name, op, &refs)?.swap_remove(0);
        }
        arrays.truncate(taken(&self.op, arrays.len()));
        Ok(arrays)
    }

    /// Sums of magnitudes of what `before` makes, if it is one operation.
    ///
    /// # Errors
    /// Operands that do not fit it.
    pub(crate) fn magnitude_before(&self) -> Result<Option<Array>> {
        let [op] = self.before.as_slice() else { return Ok(None) };
        let arrays: Vec<_> = self.operands.iter().map(|(t, _)| Array::from(t)).collect();
        let refs: Vec<_> = arrays[..taken(op, arrays.len())].iter().collect();
        magnitude(op, &refs).map(Some)
    }
}

/// How many of `count` operands `op` takes.
fn taken(op: &Op, count: usize) -> usize {
    operand_count(op).1.min(count)
}
