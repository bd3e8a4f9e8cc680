//! What a node can compute.
//!
//! Semantics are ONNX's (N, C, H, W; weights O, I, kh, kw) unless a variant says otherwise. Operand order is given per variant;
//! operands in parentheses exist only when the flag or field named with them says so.

use serde::{Deserialize, Serialize};

mod functions;
mod pooling;
mod resampling;

pub use functions::*;
pub use pooling::*;
pub use resampling::*;

use super::{Conv, ConvTranspose, Linear, LocallyConnected};
use crate::tensor::DType;

/// One operation. Attributes only; operands are values of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Convolution. Operands: see [`Conv::operands`].
    Conv(Conv),
    /// Convolution whose filters differ by place. Operands as [`Op::Conv`]; weights `[ty, tx, O, I, kh, kw]`, bias `[ty, tx, O]`,
    /// where `ty`, `tx` count the tiles of `tile` output places that share one filter bank (DeepFace L4-L6: 1x1; DeepID conv3: 2x2).
    LocallyConnected(LocallyConnected),
    /// `y = flatten(x) · wᵀ + b`. Operands: see [`Linear::operands`]; w is `[O, K]`.
    Linear(Linear),
    /// Transposed convolution. Operands: x, w `[C, O / groups, kh, kw]`, (bias `[O]`).
    ConvTranspose(ConvTranspose),
    /// Matrix product with NumPy's rules: vectors, matrices, and stacks of matrices that are broadcast. Operands: a, b.
    MatMul,
    /// Inference batch normalisation over axis 1. Operands: x, scale, bias, mean, variance.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// `y = x * scale + shift` over axis 1. Operands: x, scale `[C]`, shift `[C]`, both constant.
    Affine,
    /// An element-wise function of one operand.
    Unary(Unary),
    /// `y = x >= 0 ? x : slope * x`. Operands: x, slope (broadcast to x; a rank-1 slope of length C means per channel).
    PRelu,
    /// An element-wise function of two operands with NumPy broadcasting.
    Binary(Binary),
    /// `condition ? a : b` with NumPy broadcasting. Operands: condition (truth values), a, b.
    Where,
    /// Windowed pooling over H and W.
    Pool(Pool),
    /// Where the maxima of [`Op::Pool`] lie, as i64 indices into the flattened x (N, C, H, W).
    PoolArgMax {
        /// The window; its kind is `Max`.
        pool: Pool,
        /// Count columns of H before rows (ONNX `storage_order` = 1).
        column_major: bool,
    },
    /// Pooling over all of H and W, which become 1.
    GlobalPool(PoolKind),
    /// Reduction over some axes. Operands: x, (axes, i64, instead of the field).
    Reduce {
        /// Which reduction.
        kind: Reduction,
        /// Axes, negative ones from the end; empty = all.
        axes: Vec<i64>,
        /// Whether reduced axes stay as 1.
        keep_dims: bool,
        /// No axes mean none instead of all: every element is reduced on its own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        none_if_empty: bool,
    },
    /// The i64 place of the extreme along an axis.
    ArgReduce {
        /// The axis, negative from the end.
        axis: i64,
        /// Whether the axis stays as 1.
        keep_dims: bool,
        /// The maximum; else the minimum.
        largest: bool,
        /// Of equal ones the last; else the first.
        last: bool,
    },
    /// The i64 places of the k extremes along an axis, best first, of equal ones the first first. Operands: x, k (i64).
    TopK {
        /// The axis, negative from the end.
        axis: i64,
        /// The greatest; else the least.
        largest: bool,
    },
    /// Running sums along an axis. Operands: x, axis (i64).
    CumSum {
        /// Leave the element itself out.
        exclusive: bool,
        /// From the end.
        reverse: bool,
    },
    /// `y = (x - mean) / sqrt(variance + epsilon) * scale + shift`, over each group of channels of each picture.
    /// Operands: x, scale, shift, both `[C]` or both `[groups]`.
    GroupNorm {
        /// Number of groups; 0 = one per channel (instance normalisation).
        groups: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// The same over the axes from `axis` on. Operands: x, scale, (shift), both broadcast to x.
    LayerNorm {
        /// The first axis that is averaged over, negative from the end.
        axis: i64,
        /// Added to the variance.
        epsilon: f32,
        /// Leave the mean out: divide by the root mean square.
        rms: bool,
    },
    /// Local response normalisation across channels: `y = x / (bias + alpha/size * Σ x²)^beta`.
    Lrn {
        /// Channels in the window.
        size: usize,
        /// Scale of the sum, divided by `size`.
        alpha: f32,
        /// Exponent.
        beta: f32,
        /// Added to the scaled sum.
        bias: f32,
    },
    /// `y = x / max(‖x‖₂, epsilon)` along an axis; a zero vector stays zero.
    L2Normalize {
        /// The axis, negative from the end.
        axis: i64,
        /// Lower bound of the norm.
        epsilon: f32,
    },
    /// Softmax along one axis.
    Softmax {
        /// The axis, negative from the end.
        axis: i64,
        /// Before opset 13: the tensor is flattened to 2-D at `axis` first.
        flatten: bool,
    },
    /// The logarithm of [`Op::Softmax`].
    LogSoftmax {
        /// The axis, negative from the end.
        axis: i64,
        /// As for [`Op::Softmax`].
        flatten: bool,
    },
    /// 1 at the first maximum along one axis, 0 elsewhere.
    Hardmax {
        /// The axis, negative from the end.
        axis: i64,
        /// As for [`Op::Softmax`].
        flatten: bool,
    },
    /// Flattens to two dimensions at an axis.
    Flatten {
        /// Dimensions before it become the first, the others the second.
        axis: i64,
    },
    /// Another shape for the same elements. Operands: x, shape (i64; 0 copies a dimension unless `allow_zero`, one -1 is inferred).
    Reshape {
        /// Take 0 literally.
        allow_zero: bool,
    },
    /// Permutes dimensions; empty = reverse.
    Transpose {
        /// `output.shape[i] = input.shape[perm[i]]`.
        perm: Vec<usize>,
    },
    /// Removes dimensions of size 1. Operands: x, (axes, i64).
    Squeeze,
    /// Inserts dimensions of size 1. Operands: x, axes (i64).
    Unsqueeze,
    /// Joins along an axis. Operands: one or more.
    Concat {
        /// The axis, negative from the end.
        axis: i64,
    },
    /// Cuts along an axis into consecutive parts, one output each. Operands: x, (sizes, i64, when the field is empty).
    Split {
        /// The axis, negative from the end.
        axis: i64,
        /// Sizes of the parts; empty = those of the operand, without one equal parts.
        sizes: Vec<usize>,
    },
    /// A strided part. Operands: x, starts, ends, (axes), (steps), all i64; an absent axes or steps with a later operand present is an empty tensor.
    Slice,
    /// Adds elements at the borders. Operands: x, pads (i64: all begins, then all ends; negative removes), (value), (axes, i64). A missing value is an empty tensor.
    Pad {
        /// What the new elements hold.
        mode: PadMode,
    },
    /// Broadcasts to a shape. Operands: x, shape (i64).
    Expand,
    /// Repeats along every axis. Operands: x, repeats (i64).
    Tile,
    /// Resamples. Operands: x, scales or sizes (see `target`), (region of interest).
    Resize(Resize),
    /// Samples H and W at given places. Operands: x, grid `[N, H', W', 2]` (x, y in -1..1).
    GridSample(GridSample),
    /// Moves channels into blocks of places.
    DepthToSpace {
        /// Block height and width.
        block: usize,
        /// Channels count (column, row, depth) instead of (depth, column, row): ONNX mode `CRD`.
        column_row_depth: bool,
    },
    /// Moves blocks of places into channels.
    SpaceToDepth {
        /// Block height and width.
        block: usize,
        /// As for [`Op::DepthToSpace`].
        column_row_depth: bool,
    },
    /// Picks slices by index; negative indices count from the end. Operands: x, indices (integers).
    Gather {
        /// The axis, negative from the end.
        axis: i64,
    },
    /// Picks elements by index along an axis. Operands: x, indices (integers, as many axes as x).
    GatherElements {
        /// The axis, negative from the end.
        axis: i64,
    },
    /// Picks slices by tuples of indices. Operands: x, indices (integers; the last axis holds the tuples).
    GatherNd {
        /// Leading axes that x and indices share.
        batch_dims: usize,
    },
    /// `start, start + delta, ...` up to but not `limit`. Operands: start, limit, delta.
    Range,
    /// `clamp(round(x / scale) + zero_point)`, halves to even. Operands: x, scale, (zero point).
    Quantize {
        /// The axis of scales that are vectors, negative from the end.
        axis: i64,
        /// Places along the axis that share a scale; 0 = scales are scalars or vectors.
        block: usize,
        /// The type of the result.
        to: DType,
    },
    /// `(x - zero_point) * scale`. Operands: x, scale, (zero point).
    Dequantize {
        /// The axis of scales that are vectors, negative from the end.
        axis: i64,
        /// Places along the axis that share a scale; 0 = scales are scalars or vectors.
        block: usize,
    },
    /// The shape of the operand as an i64 vector; resolved before anything runs.
    Shape {
        /// First dimension, negative from the end.
        start: i64,
        /// One past the last dimension; `None` = all.
        end: Option<i64>,
    },
    /// A tensor of one repeated value. Operand: shape (i64).
    ConstantOfShape {
        /// The value.
        value: f64,
        /// Its type.
        dtype: DType,
    },
    /// To another element type. On f32 data a conversion to any float type is the identity; floats are truncated to whole numbers and
    /// whole numbers lose the bits that do not fit.
    Cast {
        /// The type.
        to: DType,
    },
    /// Nothing: Identity, inference Dropout.
    Identity,
    /// Nothing, provided that nothing is dropped: the ratio is 0 or training is off. Operands: x, ratio, training (a truth value).
    Dropout,
}

impl Op {
    /// A short name for tables and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::LocallyConnected(_) => "LocallyConnected",
            Self::Linear(_) => "Linear",
            Self::ConvTranspose(_) => "ConvTranspose",
            Self::MatMul => "MatMul",
            Self::BatchNorm { .. } => "BatchNorm",
            Self::Affine => "Affine",
            Self::Unary(u) => u.kind(),
            Self::PRelu => "PRelu",
            Self::Binary(b) => b.kind(),
            Self::Pool(p) => match p.kind {
                PoolKind::Max => "MaxPool",
                PoolKind::Average => "AveragePool",
                PoolKind::L2 => "L2Pool",
                PoolKind::Lp(_) => "LpPool",
            },
            Self::GlobalPool(PoolKind::Max) => "GlobalMaxPool",
            Self::GlobalPool(PoolKind::Average) => "GlobalAveragePool",
            Self::GlobalPool(PoolKind::L2) => "GlobalL2Pool",
            Self::GlobalPool(PoolKind::Lp(_)) => "GlobalLpPool",
            Self::PoolArgMax { .. } => "PoolArgMax",
            Self::Where => "Where",
            Self::Reduce { .. } => "Reduce",
            Self::ArgReduce { largest: true, .. } => "ArgMax",
            Self::ArgReduce { largest: false, .. } => "ArgMin",
            Self::TopK { .. } => "TopK",
            Self::CumSum { .. } => "CumSum",
            Self::GroupNorm { .. } => "GroupNorm",
            Self::LayerNorm { .. } => "LayerNorm",
            Self::LogSoftmax { .. } => "LogSoftmax",
            Self::Hardmax { .. } => "Hardmax",
            Self::Lrn { .. } => "LRN",
            Self::L2Normalize { .. } => "L2Normalize",
            Self::Softmax { .. } => "Softmax",
            Self::Flatten { .. } => "Flatten",
            Self::Reshape { .. } => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Squeeze => "Squeeze",
            Self::Unsqueeze => "Unsqueeze",
            Self::Concat { .. } => "Concat",
            Self::Split { .. } => "Split",
            Self::Slice => "Slice",
            Self::Pad { .. } => "Pad",
            Self::Expand => "Expand",
            Self::Resize(_) => "Resize",
            Self::Tile => "Tile",
            Self::GridSample(_) => "GridSample",
            Self::DepthToSpace { .. } => "DepthToSpace",
            Self::SpaceToDepth { .. } => "SpaceToDepth",
            Self::Gather { .. } => "Gather",
            Self::GatherElements { .. } => "GatherElements",
            Self::GatherNd { .. } => "GatherND",
            Self::Range => "Range",
            Self::Quantize { .. } => "Quantize",
            Self::Dequantize { .. } => "Dequantize",
            Self::Shape { .. } => "Shape",
            Self::ConstantOfShape { .. } => "ConstantOfShape",
            Self::Cast { .. } => "Cast",
            Self::Identity => "Identity",
            Self::Dropout => "Dropout",
        }
    }
}
