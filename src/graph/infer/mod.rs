//! Shape inference: what every node makes of the shapes it gets, or a sentence that says why it cannot.
//!
//! Everything a node needs to be valid is checked here, once; the kernels, the planner and the reference rely on it.
//! All arithmetic on numbers that come from a file is checked, and nothing is allocated in proportion to a tensor.

mod dense;
mod evaluate;
mod gathering;
pub(crate) mod geometry;
mod indexing;
mod movement;
mod pointwise;
pub(crate) mod resizing;
mod sampling;
mod selecting;
#[cfg(test)]
mod tests;
mod types;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use evaluate::{Budget, evaluate};
pub use types::infer_types;
pub(crate) use types::result_type;

use super::{Graph, Node, Op, ValueId};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, Tensor};

/// Most elements a tensor may have, so that 32-bit indices in shaders never wrap.
pub(crate) const MAX_ELEMENTS: usize = i32::MAX as usize;

/// What is folded while shapes are inferred: chains of a few numbers, as `Shape -> Gather -> Concat -> Reshape` makes them.
const SMALL: Budget = Budget { elements: 4096, bytes: 256 << 10, work: 1 << 20 };

/// Bytes of all that is folded while shapes are inferred.
const SMALL_TOTAL: u64 = 32 << 20;

/// Most dimensions of any tensor, so that shapes are small. What a model may have is less; see [`super::passes::Bounds`].
const MAX_RANK: usize = 64;

/// The shapes of a node's outputs.
///
/// `shapes` and `constants` have one entry per operand; `constants` holds the content of operands that are known before anything runs.
/// An [`Op::Split`] has to state its sizes or take them as an operand here; [`infer_shapes`] derives equal parts from the number of outputs.
///
/// # Errors
/// [`Error::Model`] when operands do not fit the operation or each other, [`Error::Caller`] when a picture is too small for a window,
/// [`Error::Limits`] for a tensor of more than 2^31-1 elements and [`Error::Unsupported`] for what this crate does not do.
pub fn infer_node(node_name: &str, op: &Op, shapes: &[Shape], constants: &[Option<Arc<Tensor>>]) -> Result<Vec<Shape>> {
    let ctx = Context { name: node_name, op, shapes, constants };
    ctx.check_operands()?;
    let outputs = match op {
        Op::Split { axis, sizes } => movement::split(&ctx, *axis, sizes)?,
        _ => vec![infer_one(&ctx)?],
    };
    outputs.iter().try_for_each(|s| ctx.check_size(s))?;
    Ok(outputs)
}

fn infer_one(ctx: &Context) -> Result<Shape> {
    match ctx.op {
        Op::Conv(conv) => dense::conv(ctx, conv),
        Op::LocallyConnected(local) => dense::locally_connected(ctx, local),
        Op::Linear(linear) => dense::linear(ctx, linear),
        Op::Pool(pool) => dense::pool(ctx, pool),
        Op::GlobalPool(_) => dense::global_pool(ctx),
        Op::ConvTranspose(conv) => dense::conv_transpose(ctx, conv),
        Op::MatMul => dense::matmul(ctx),
        Op::BatchNorm { .. } | Op::Affine => pointwise::per_channel(ctx),
        Op::GroupNorm { groups, .. } => pointwise::group_norm(ctx, *groups),
        Op::LayerNorm { axis, .. } => pointwise::layer_norm(ctx, *axis),
        Op::Unary(_) | Op::Cast { .. } | Op::Identity => Ok(ctx.shapes[0].clone()),
        Op::Quantize { axis, block, .. } | Op::Dequantize { axis, block } => pointwise::quantization(ctx, *axis, *block),
        Op::PRelu => pointwise::prelu(ctx),
        Op::Binary(_) => pointwise::binary(ctx),
        Op::Where => pointwise::choice(ctx),
        Op::PoolArgMax { pool, .. } => dense::pool(ctx, pool),
        Op::ArgReduce { axis, keep_dims, .. } => selecting::arg_reduce(ctx, *axis, *keep_dims),
        Op::TopK { axis, .. } => selecting::top_k(ctx, *axis),
        Op::CumSum { .. } => selecting::cum_sum(ctx),
        Op::Reduce { axes, keep_dims, none_if_empty, .. } => pointwise::reduce(ctx, axes, *keep_dims, *none_if_empty),
        Op::Lrn { size, .. } => pointwise::lrn(ctx, *size),
        Op::L2Normalize { axis, .. } | Op::Softmax { axis, .. } | Op::LogSoftmax { axis, .. } | Op::Hardmax { axis, .. } => {
            pointwise::along_axis(ctx, *axis)
        }
        Op::Flatten { axis } => movement::flatten(ctx, *axis),
        Op::Reshape { allow_zero } => movement::reshape(ctx, *allow_zero),
        Op::Transpose { perm } => movement::transpose(ctx, perm),
        Op::Squeeze => movement::squeeze(ctx),
        Op::Unsqueeze => movement::unsqueeze(ctx),
        Op::Concat { axis } => movement::concat(ctx, *axis),
        Op::Split { .. } => Err(ctx.fail("has several outputs")),
        Op::Slice => indexing::slice(ctx),
        Op::Pad { mode } => indexing::pad(ctx, *mode),
        Op::Expand => indexing::expand(ctx),
        Op::Resize(resize) => resizing::resize(ctx, resize),
        Op::Tile => indexing::tile(ctx),
        Op::Range => indexing::range(ctx),
        Op::GridSample(_) => sampling::grid_sample(ctx),
        Op::DepthToSpace { block, .. } => sampling::depth_to_space(ctx, *block),
        Op::SpaceToDepth { block, .. } => sampling::space_to_depth(ctx, *block),
        Op::Gather { axis } => gathering::gather(ctx, *axis),
        Op::GatherElements { axis } => gathering::gather_elements(ctx, *axis),
        Op::GatherNd { batch_dims } => gathering::gather_nd(ctx, *batch_dims),
        Op::Dropout => indexing::dropout(ctx),
        Op::Shape { start, end } => Ok(Shape::from([geometry::shape_range(ctx.shapes[0].rank(), *start, *end).len()])),
        Op::ConstantOfShape { .. } => indexing::constant_of_shape(ctx),
    }
}

/// Every value's shape, indexed by [`super::ValueId`]; values that nothing produces have `Shape::default()`.
///
/// `input_shapes` are in the order of [`Graph::inputs`]. Short chains that compute shapes from shapes are followed on the side.
///
/// # Errors
/// As [`infer_node`]; [`Error::Caller`] for input shapes that do not fit the graph.
pub fn infer_shapes(graph: &Graph, input_shapes: &[Shape]) -> Result<Vec<Shape>> {
    let mut state = Inference::new(graph, input_shapes)?;
    let mut left = SMALL_TOTAL;
    for node in &graph.nodes {
        if state.visit(node, &Budget { bytes: SMALL.bytes.min(left), ..SMALL })? {
            let made = node.outputs.iter().filter_map(|id| state.constants[id.0 as usize].as_ref());
            left = left.saturating_sub(made.map(|t| t.len() as u64 * 8).sum());
        }
    }
    Ok(state.shapes)
}

/// `node.op`, with the sizes of equal parts filled in when it is a [`Op::Split`] that nobody gives sizes.
///
/// # Errors
/// [`Error::Model`] when the axis cannot be cut into that many parts.
pub(crate) fn resolved_op<'a>(node: &'a Node, operands: &[Shape]) -> Result<Cow<'a, Op>> {
    match &node.op {
        Op::Split { axis, sizes } if sizes.is_empty() && operands.len() == 1 => {
            let ctx = Context { name: &node.name, op: &node.op, shapes: operands, constants: &[] };
            ctx.check_operands()?;
            let n = operands[0][ctx.axis(*axis)?];
            let sizes = geometry::equal_parts(n, node.outputs.len())
                .ok_or_else(|| ctx.fail(format_args!("cannot cut {n} cells into {} parts", node.outputs.len())))?;
            Ok(Cow::Owned(Op::Split { axis: *axis, sizes }))
        }
        op => Ok(Cow::Borrowed(op)),
    }
}

/// Shapes and constants of all values while nodes are visited in order.
pub(crate) struct Inference {
    /// By value.
    pub(crate) shapes: Vec<Shape>,
    /// By value.
    pub(crate) constants: Vec<Option<Arc<Tensor>>>,
    /// By value.
    types: Vec<DType>,
}

impl Inference {
    /// The state before the first node.
    ///
    /// # Errors
    /// [`Error::Caller`] for a wrong number of input shapes or one of the wrong rank.
    pub(crate) fn new(graph: &Graph, input_shapes: &[Shape]) -> Result<Self> {
        if input_shapes.len() != graph.inputs.len() {
            return Err(Error::Caller(format!(
                "The graph has {} inputs, but {} shapes are given. Give one shape for each input.",
                graph.inputs.len(),
                input_shapes.len()
            )));
        }
        let mut state = Self::of_constants(graph)?;
        for (input, shape) in graph.inputs.iter().zip(input_shapes) {
            graph.check_input(input, shape)?;
            state.shapes[input.value.0 as usize] = shape.clone();
            state.constants[input.value.0 as usize] = state.empty(input.value, shape).map(Arc::new);
        }
        Ok(state)
    }

    /// The state before the first node when nothing is known of the inputs.
    ///
    /// # Errors
    /// [`Error::Model`] when something refers to a value that does not exist.
    pub(crate) fn of_constants(graph: &Graph) -> Result<Self> {
        let inputs = graph.inputs.iter().map(|i| &i.value);
        let all = graph.nodes.iter().flat_map(|n| n.inputs.iter().chain(&n.outputs)).chain(inputs).chain(&graph.outputs);
        if let Some(id) = all.copied().find(|id| id.0 as usize >= graph.values.len()) {
            return Err(Error::Model(format!("The graph refers to the value {}, which does not exist. Check the model file.", id.0)));
        }
        let constants: Vec<_> = graph.values.iter().map(|v| v.constant.clone()).collect();
        let shapes = constants.iter().map(|c| c.as_ref().map_or_else(Shape::default, |t| t.shape().clone())).collect();
        Ok(Self { shapes, constants, types: infer_types(graph)? })
    }

    /// A tensor without elements is known before anything runs.
    fn empty(&self, id: ValueId, shape: &Shape) -> Option<Tensor> {
        let none = |dtype: DType| {
            if dtype.is_float() { Tensor::from_f32(shape.clone(), vec![]) } else { Tensor::integers(dtype, shape.clone(), vec![]) }
        };
        shape.contains(&0).then(|| none(self.types[id.0 as usize])).flatten()
    }

    /// Infers the outputs of `node`, a node of the graph this was made for, evaluates it when its operands are constants that fit `budget`, and says whether all its outputs are known.
    ///
    /// # Errors
    /// As [`infer_node`].
    pub(crate) fn visit(&mut self, node: &Node, budget: &Budget) -> Result<bool> {
        let shapes: Vec<_> = node.inputs.iter().map(|id| self.shapes[id.0 as usize].clone()).collect();
        let constants: Vec<_> = node.inputs.iter().map(|id| self.constants[id.0 as usize].clone()).collect();
        let op = resolved_op(node, &shapes)?;
        let outputs = infer_node(&node.name, &op, &shapes, &constants)?;
        if outputs.len() != node.outputs.len() {
            return Err(Error::Model(format!(
                "The {} node `{}` makes {} tensors, but {} outputs are listed. Check the model file.",
                op.kind(),
                node.name,
                outputs.len(),
                node.outputs.len()
            )));
        }
        let values = evaluate(&node.name, &op, &shapes, &constants, &outputs, budget)?;
        let mut values = values.unwrap_or_default().into_iter();
        for (id, shape) in node.outputs.iter().zip(outputs) {
            self.constants[id.0 as usize] = values.next().or_else(|| self.empty(*id, &shape)).map(Arc::new);
            self.shapes[id.0 as usize] = shape;
        }
        Ok(node.outputs.iter().all(|id| self.constants[id.0 as usize].is_some()))
    }
}

/// A node under inspection, with the helpers that phrase what is wrong with it.
struct Context<'a> {
    name: &'a str,
    op: &'a Op,
    shapes: &'a [Shape],
    constants: &'a [Option<Arc<Tensor>>],
}

impl Context<'_> {
    /// "The Conv node `c1` {why} (operands: 1x3x8x8, 4x3x3x3). Check the model file ...".
    fn sentence(&self, why: impl std::fmt::Display) -> String {
        let shapes: Vec<_> = self.shapes.iter().map(ToString::to_string).collect();
        format!("The {} node `{}` {why} (operands: {}).", self.op.kind(), self.name, shapes.join(", "))
    }

    fn fail(&self, why: impl std::fmt::Display) -> Error {
        Error::Model(format!("{} Check the model file and the shapes of its inputs.", self.sentence(why)))
    }

    fn unsupported(&self, why: impl std::fmt::Display) -> Error {
        Error::Unsupported(format!("{} Export the model without it.", self.sentence(why)))
    }

    fn check_operands(&self) -> Result<()> {
        let (least, most) = operand_count(self.op);
        let n = self.shapes.len();
        if n < least || n > most {
            let wanted = match most {
                usize::MAX => format!("{least} or more"),
                _ if least == most => least.to_string(),
                _ => format!("{least} to {most}"),
            };
            return Err(self.fail(format_args!("has {n} operands instead of {wanted}")));
        }
        self.shapes.iter().try_for_each(|s| self.check_size(s))
    }

    fn check_size(&self, shape: &Shape) -> Result<()> {
        if shape.rank() > MAX_RANK {
            return Err(Error::Limits(format!(
                "{} It makes a tensor of {} dimensions, and no tensor may have more than {MAX_RANK}. Check the model file.",
                self.sentence("is too large"),
                shape.rank()
            )));
        }
        // Without the zero of an empty tensor, so that strides do not overflow either.
        let len = shape.iter().filter(|&&d| d > 0).try_fold(1usize, |a, &d| a.checked_mul(d));
        if len.is_some_and(|n| n <= MAX_ELEMENTS) {
            return Ok(());
        }
        Err(Error::Limits(format!(
            "{} It reads or makes a tensor of the shape {shape}, and no tensor may have more than {MAX_ELEMENTS} elements. Use a smaller batch or picture.",
            self.sentence("is too large")
        )))
    }

    /// An axis of the first operand.
    fn axis(&self, axis: i64) -> Result<usize> {
        geometry::axis(axis, self.shapes[0].rank())
            .ok_or_else(|| self.fail(format_args!("works along the axis {axis}, which its operand does not have")))
    }

    /// The content of an i64 operand.
    fn ints(&self, i: usize) -> Result<&[i64]> {
        let tensor = self.tensor(i)?;
        tensor.as_i64().ok_or_else(|| self.fail(format_args!("has an operand {i} that is not of the type i64")))
    }

    /// The content of an i64 operand; `None` when it is absent or empty.
    fn optional_ints(&self, i: usize) -> Result<Option<&[i64]>> {
        match self.shapes.get(i) {
            Some(s) if !s.contains(&0) => self.ints(i).map(Some),
            _ => Ok(None),
        }
    }

    /// The content of an operand that has to be known before anything runs.
    fn tensor(&self, i: usize) -> Result<&Tensor> {
        self.constants.get(i).and_then(Option::as_deref).ok_or_else(|| {
            self.unsupported(format_args!("takes its operand {i} (a shape or indices) from data that only exists at run time"))
        })
    }

    /// Requires operand `i`, called `what`, to have exactly this shape.
    fn require(&self, i: usize, what: &str, shape: &[usize]) -> Result<()> {
        if self.shapes[i].dims() == shape {
            return Ok(());
        }
        Err(self.fail(format_args!("has a {what} of the shape {} instead of {}", self.shapes[i], Shape::from(shape))))
    }
}

/// Least and most operands.
pub(crate) fn operand_count(op: &Op) -> (usize, usize) {
    match op {
        Op::Conv(c) => (c.operands().count, c.operands().count),
        Op::LocallyConnected(c) => (c.operands().count, c.operands().count),
        Op::Linear(c) => (c.operands().count, c.operands().count),
        Op::BatchNorm { .. } => (5, 5),
        Op::Affine => (3, 3),
        Op::ConvTranspose(c) => (2 + usize::from(c.bias), 2 + usize::from(c.bias)),
        Op::Where | Op::Range | Op::GroupNorm { .. } | Op::Dropout => (3, 3),
        Op::LayerNorm { .. } | Op::Quantize { .. } | Op::Dequantize { .. } | Op::Resize(_) => (2, 3),
        Op::PRelu
        | Op::Binary(_)
        | Op::MatMul
        | Op::Reshape { .. }
        | Op::Unsqueeze
        | Op::Expand
        | Op::Tile
        | Op::GridSample(_)
        | Op::TopK { .. }
        | Op::CumSum { .. }
        | Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. } => (2, 2),
        Op::Squeeze | Op::Split { .. } | Op::Reduce { .. } => (1, 2),
        Op::Concat { .. } => (1, usize::MAX),
        Op::Slice => (3, 5),
        Op::Pad { .. } => (2, 4),
        Op::Unary(_)
        | Op::Pool(_)
        | Op::PoolArgMax { .. }
        | Op::GlobalPool(_)
        | Op::ArgReduce { .. }
        | Op::LogSoftmax { .. }
        | Op::Hardmax { .. }
        | Op::DepthToSpace { .. }
        | Op::SpaceToDepth { .. }
        | Op::Lrn { .. }
        | Op::L2Normalize { .. }
        | Op::Softmax { .. }
        | Op::Flatten { .. }
        | Op::Transpose { .. }
        | Op::Shape { .. }
        | Op::ConstantOfShape { .. }
        | Op::Cast { .. }
        | Op::Identity => (1, 1),
    }
}
