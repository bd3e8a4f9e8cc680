//! What a node can compute.
//!
//! Semantics are ONNX's (N, C, H, W; weights O, I, kh, kw) unless a variant says otherwise. Operand order is given per variant;
//! operands in parentheses exist only when the flag or field named with them says so.

use serde::{Deserialize, Serialize};

use super::{Conv, Linear, LocallyConnected, Window};

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
    /// Windowed pooling over H and W.
    Pool(Pool),
    /// Pooling over all of H and W, which become 1.
    GlobalPool(PoolKind),
    /// Reduction over some axes.
    Reduce {
        /// Which reduction.
        kind: Reduction,
        /// Axes, negative ones from the end; empty = all.
        axes: Vec<i64>,
        /// Whether reduced axes stay as 1.
        keep_dims: bool,
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
    /// Cuts along an axis into consecutive parts, one output each.
    Split {
        /// The axis, negative from the end.
        axis: i64,
        /// Sizes of the parts; empty = equal parts.
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
    /// Resamples H and W. Operands: x, scales or sizes (see `target`).
    Resize(Resize),
    /// Picks slices by index. Operands: x, indices (i64).
    Gather {
        /// The axis, negative from the end.
        axis: i64,
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
        value: f32,
        /// Whether the result is i64.
        integer: bool,
    },
    /// To another element type. On f32 data a conversion to any float type is the identity.
    Cast {
        /// The type.
        to: crate::tensor::DType,
    },
    /// Nothing: Identity, inference Dropout.
    Identity,
}

/// Element-wise functions of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unary {
    /// `max(x, 0)`
    Relu,
    /// `x >= 0 ? x : alpha * x`
    LeakyRelu {
        /// Slope of the negative half.
        alpha: f32,
    },
    /// `min(max(x, lo), hi)`
    Clip {
        /// Lower bound; `None` = none.
        lo: Option<f32>,
        /// Upper bound; `None` = none.
        hi: Option<f32>,
    },
    /// `x >= 0 ? x : alpha * (exp(x) - 1)`
    Elu {
        /// Scale of the negative half.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `min(max(alpha * x + beta, 0), 1)`
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x * min(max(x / 6 + 0.5, 0), 1)`
    HardSwish,
    /// Hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`
    Softplus,
    /// `e^x`
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`
    Reciprocal,
    /// `|x|`
    Abs,
    /// `-x`
    Neg,
}

/// Element-wise functions of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// `a ^ b`
    Pow,
}

/// A pooling window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// What is taken of the cells.
    pub kind: PoolKind,
    /// Geometry.
    pub window: Window,
    /// Round the output size up.
    pub ceil: bool,
    /// Average: padding cells count in the divisor (cells beyond the padding never do).
    pub count_include_pad: bool,
}

/// What pooling takes of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The largest.
    Max,
    /// The mean.
    Average,
    /// `sqrt(Σ x²)`; padding cells are zero.
    L2,
}

/// Reductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Mean.
    Mean,
    /// Sum.
    Sum,
    /// Maximum.
    Max,
    /// Minimum.
    Min,
    /// `sqrt(Σ x²)`
    L2,
    /// `Σ |x|`
    L1,
    /// `Σ x²`
    SumSquare,
}

/// What padding adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// A constant (0 unless an operand says otherwise).
    Constant,
    /// Mirror without the edge.
    Reflect,
    /// Repeat the edge.
    Edge,
}

/// Resampling of H and W.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// Interpolation.
    pub mode: ResizeMode,
    /// How output places map to input places.
    pub coordinates: Coordinates,
    /// Rounding of `Nearest`.
    pub nearest: NearestRounding,
    /// What the second operand holds.
    pub target: ResizeTarget,
}

/// Interpolation of [`Resize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Nearest cell.
    Nearest,
    /// Bilinear.
    Linear,
}

/// Coordinate transformations of ONNX Resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// `(o + 0.5) / scale - 0.5`
    HalfPixel,
    /// As half_pixel, but 0 for an output of one cell.
    PytorchHalfPixel,
    /// `o * (in - 1) / (out - 1)`
    AlignCorners,
    /// `o / scale`
    Asymmetric,
}

/// Rounding of nearest-neighbour resampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NearestRounding {
    /// Nearest, halves down.
    RoundPreferFloor,
    /// Nearest, halves up.
    RoundPreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

/// The second operand of [`Op::Resize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeTarget {
    /// f32 factors, one per dimension.
    Scales,
    /// i64 sizes, one per dimension.
    Sizes,
}

impl Op {
    /// A short name for tables and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::LocallyConnected(_) => "LocallyConnected",
            Self::Linear(_) => "Linear",
            Self::BatchNorm { .. } => "BatchNorm",
            Self::Affine => "Affine",
            Self::Unary(u) => match u {
                Unary::Relu => "Relu",
                Unary::LeakyRelu { .. } => "LeakyRelu",
                Unary::Clip { .. } => "Clip",
                Unary::Elu { .. } => "Elu",
                Unary::Sigmoid => "Sigmoid",
                Unary::HardSigmoid { .. } => "HardSigmoid",
                Unary::HardSwish => "HardSwish",
                Unary::Tanh => "Tanh",
                Unary::Softplus => "Softplus",
                Unary::Exp => "Exp",
                Unary::Log => "Log",
                Unary::Sqrt => "Sqrt",
                Unary::Reciprocal => "Reciprocal",
                Unary::Abs => "Abs",
                Unary::Neg => "Neg",
            },
            Self::PRelu => "PRelu",
            Self::Binary(b) => match b {
                Binary::Add => "Add",
                Binary::Sub => "Sub",
                Binary::Mul => "Mul",
                Binary::Div => "Div",
                Binary::Max => "Max",
                Binary::Min => "Min",
                Binary::Pow => "Pow",
            },
            Self::Pool(p) => match p.kind {
                PoolKind::Max => "MaxPool",
                PoolKind::Average => "AveragePool",
                PoolKind::L2 => "L2Pool",
            },
            Self::GlobalPool(PoolKind::Max) => "GlobalMaxPool",
            Self::GlobalPool(PoolKind::Average) => "GlobalAveragePool",
            Self::GlobalPool(PoolKind::L2) => "GlobalL2Pool",
            Self::Reduce { .. } => "Reduce",
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
            Self::Gather { .. } => "Gather",
            Self::Shape { .. } => "Shape",
            Self::ConstantOfShape { .. } => "ConstantOfShape",
            Self::Cast { .. } => "Cast",
            Self::Identity => "Identity",
        }
    }
}
