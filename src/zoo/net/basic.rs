//! Operations without parameters.

use super::{Kernel, Map, Net};
use crate::graph::{Binary, Coordinates, NearestRounding, Op, PadMode, Pool, PoolKind, Reduction, Resize, ResizeMode, ResizeTarget, Unary};
use crate::tensor::Tensor;

impl Net<'_> {
    /// An operation named after its operand.
    fn after(&mut self, x: Map, what: &str, op: Op, more: &[Map]) -> Map {
        let name = format!("{}.{what}", self.graph.name(x.id));
        let operands: Vec<_> = std::iter::once(x.id).chain(more.iter().map(|m| m.id)).collect();
        self.node(&name, op, &operands)
    }

    fn unary(&mut self, x: Map, what: &str, unary: Unary) -> Map {
        self.after(x, what, Op::Unary(unary), &[])
    }

    pub(crate) fn relu(&mut self, x: Map) -> Map {
        self.unary(x, "relu", Unary::Relu)
    }

    pub(crate) fn sigmoid(&mut self, x: Map) -> Map {
        self.unary(x, "sigmoid", Unary::Sigmoid)
    }

    pub(crate) fn tanh(&mut self, x: Map) -> Map {
        self.unary(x, "tanh", Unary::Tanh)
    }

    /// Over the channels.
    pub(crate) fn softmax(&mut self, x: Map) -> Map {
        self.after(x, "softmax", Op::Softmax { axis: 1, flatten: false }, &[])
    }

    /// Every place divided by the L2 norm over its channels.
    pub(crate) fn unit(&mut self, x: Map) -> Map {
        self.after(x, "unit", Op::L2Normalize { axis: 1, epsilon: 1e-12 }, &[])
    }

    pub(crate) fn add(&mut self, a: Map, b: Map) -> Map {
        self.after(a, "add", Op::Binary(Binary::Add), &[b])
    }

    /// Element-wise, with broadcasting: a gate of one number a channel or a place.
    pub(crate) fn mul(&mut self, a: Map, b: Map) -> Map {
        self.after(a, "mul", Op::Binary(Binary::Mul), &[b])
    }

    pub(crate) fn max(&mut self, a: Map, b: Map) -> Map {
        self.after(a, "max", Op::Binary(Binary::Max), &[b])
    }

    /// `x * factor`
    pub(crate) fn scaled(&mut self, x: Map, factor: f32) -> Map {
        self.with_number(x, "scaled", Binary::Mul, factor)
    }

    /// `x + number`
    pub(crate) fn plus(&mut self, x: Map, number: f32) -> Map {
        self.with_number(x, "plus", Binary::Add, number)
    }

    fn with_number(&mut self, x: Map, what: &str, op: Binary, number: f32) -> Map {
        let name = format!("{}.{what}", self.graph.name(x.id));
        let number = self.constant(&format!("{name}.number"), Tensor::vector(vec![number]));
        self.node(&name, Op::Binary(op), &[x.id, number])
    }

    /// Joins channels.
    pub(crate) fn concat(&mut self, name: &str, parts: &[Map]) -> Map {
        let operands: Vec<_> = parts.iter().map(|m| m.id).collect();
        self.node(name, Op::Concat { axis: 1 }, &operands)
    }

    /// Cuts the channels into equal parts.
    pub(crate) fn halves(&mut self, x: Map) -> (Map, Map) {
        let name = format!("{}.halves", self.graph.name(x.id));
        let sizes = vec![x.c / 2, x.c - x.c / 2];
        let parts = self.nodes(&name, Op::Split { axis: 1, sizes }, &[x.id], 2);
        (parts[0], parts[1])
    }

    fn pool(&mut self, x: Map, what: &str, kind: PoolKind, kernel: Kernel) -> Map {
        let pool = Pool { kind, window: kernel.window(), ceil: kernel.ceil, count_include_pad: false };
        self.after(x, what, Op::Pool(pool), &[])
    }

    pub(crate) fn max_pool(&mut self, x: Map, kernel: Kernel) -> Map {
        self.pool(x, "maxpool", PoolKind::Max, kernel)
    }

    /// Padding does not count in the divisor.
    pub(crate) fn avg_pool(&mut self, x: Map, kernel: Kernel) -> Map {
        self.pool(x, "avgpool", PoolKind::Average, kernel)
    }

    /// The root of the sum of squares.
    pub(crate) fn l2_pool(&mut self, x: Map, kernel: Kernel) -> Map {
        self.pool(x, "l2pool", PoolKind::L2, kernel)
    }

    /// To `c` x 1 x 1.
    pub(crate) fn global_avg(&mut self, x: Map) -> Map {
        self.after(x, "avg", Op::GlobalPool(PoolKind::Average), &[])
    }

    /// To `c` x 1 x 1.
    pub(crate) fn global_max(&mut self, x: Map) -> Map {
        self.after(x, "max", Op::GlobalPool(PoolKind::Max), &[])
    }

    /// The mean over channels, of every place: 1 x h x w.
    pub(crate) fn channel_mean(&mut self, x: Map) -> Map {
        self.channels(x, "mean", Reduction::Mean)
    }

    /// The largest channel of every place: 1 x h x w.
    pub(crate) fn channel_max(&mut self, x: Map) -> Map {
        self.channels(x, "peak", Reduction::Max)
    }

    fn channels(&mut self, x: Map, what: &str, kind: Reduction) -> Map {
        self.after(x, what, Op::Reduce { kind, axes: vec![1], keep_dims: true, none_if_empty: false }, &[])
    }

    /// Local response normalisation: `x / (1 + alpha / size * sum of squares)^beta` over `size` channels.
    pub(crate) fn lrn(&mut self, x: Map, size: usize, alpha: f32, beta: f32) -> Map {
        self.after(x, "lrn", Op::Lrn { size, alpha, beta, bias: 1.0 }, &[])
    }

    /// Adds zeros: before and after the channels, the rows and the columns.
    pub(crate) fn zeros_around(&mut self, x: Map, channels: [usize; 2], rows: [usize; 2], columns: [usize; 2]) -> Map {
        if [channels, rows, columns] == [[0; 2]; 3] {
            return x;
        }
        let name = format!("{}.pad", self.graph.name(x.id));
        let pads = [0, channels[0], rows[0], columns[0], 0, channels[1], rows[1], columns[1]].map(|n| n as i64);
        let pads = self.constant(&format!("{name}.pads"), Tensor::indices(pads.to_vec()));
        self.node(&name, Op::Pad { mode: PadMode::Constant }, &[x.id, pads])
    }

    /// Doubles height and width by repeating cells.
    pub(crate) fn upsample2(&mut self, x: Map) -> Map {
        let name = format!("{}.up", self.graph.name(x.id));
        let scales = self.constant(&format!("{name}.scales"), Tensor::vector(vec![1.0, 1.0, 2.0, 2.0]));
        let resize = Resize::new(ResizeMode::Nearest, Coordinates::Asymmetric, NearestRounding::Floor, ResizeTarget::Scales);
        self.node(&name, Op::Resize(resize), &[x.id, scales])
    }

    /// `[c, h, w]` to `[h * w * c / width, width]`: rows of `width` numbers, places outermost, as detectors give them.
    pub(crate) fn rows(&mut self, x: Map, width: usize) -> Map {
        let name = format!("{}.rows", self.graph.name(x.id));
        let turned = self.node(&format!("{name}.nhwc"), Op::Transpose { perm: vec![0, 2, 3, 1] }, &[x.id]);
        let shape = self.constant(&format!("{name}.shape"), Tensor::indices(vec![0, -1, width as i64]));
        self.node(&name, Op::Reshape { allow_zero: false }, &[turned.id, shape])
    }

    /// A vector of `c` numbers from `c` x 1 x 1.
    pub(crate) fn vector(&mut self, x: Map) -> Map {
        self.after(x, "flat", Op::Flatten { axis: 1 }, &[])
    }
}
