//! Element-wise functions.

use serde::{Deserialize, Serialize};

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
    /// `max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`
    Celu {
        /// Scale of the negative half.
        alpha: f32,
    },
    /// `gamma * (x > 0 ? x : alpha * (exp(x) - 1))`
    Selu {
        /// Scale of the negative half.
        alpha: f32,
        /// Scale of everything.
        gamma: f32,
    },
    /// `x > alpha ? x : 0`
    ThresholdedRelu {
        /// Threshold.
        alpha: f32,
    },
    /// `x < -lambda ? x + bias : x > lambda ? x - bias : 0`
    Shrink {
        /// Half the width of the zone that becomes 0.
        lambda: f32,
        /// How far the rest moves towards 0.
        bias: f32,
    },
    /// `x * tanh(softplus(x))`
    Mish,
    /// `x * sigmoid(alpha * x)`; alpha = 1 is SiLU.
    Swish {
        /// Steepness.
        alpha: f32,
    },
    /// `x / 2 * (1 + erf(x / sqrt(2)))`
    Gelu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`
    GeluTanh,
    /// `x / (1 + |x|)`
    Softsign,
    /// -1, 0 or 1.
    Sign,
    /// The largest whole number not above x.
    Floor,
    /// The smallest whole number not below x.
    Ceil,
    /// The nearest whole number, halves to even.
    Round,
    /// The error function.
    Erf,
    /// Sine of radians.
    Sin,
    /// Cosine of radians.
    Cos,
    /// Tangent of radians.
    Tan,
    /// Inverse sine; NaN beyond [-1, 1].
    Asin,
    /// Inverse cosine; NaN beyond [-1, 1].
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine; NaN below 1.
    Acosh,
    /// Inverse hyperbolic tangent; NaN beyond [-1, 1].
    Atanh,
    /// Whether x is not a number. Gives truth values.
    IsNan,
    /// Whether x is infinite. Gives truth values.
    IsInf {
        /// Whether minus infinity counts.
        negative: bool,
        /// Whether plus infinity counts.
        positive: bool,
    },
    /// The other truth value.
    Not,
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
    /// `a ^ b`; of the type of `a`.
    Pow,
    /// What is left of `a / b`, with the sign of `b` (Python's `%`).
    Mod,
    /// What is left of `a / b`, with the sign of `a` (C's `fmod`).
    Fmod,
    /// Whether `a = b`. Comparisons give truth values.
    Equal,
    /// Whether `a > b`
    Greater,
    /// Whether `a >= b`
    GreaterOrEqual,
    /// Whether `a < b`
    Less,
    /// Whether `a <= b`
    LessOrEqual,
    /// Both, of truth values.
    And,
    /// Either, of truth values.
    Or,
    /// Exactly one, of truth values.
    Xor,
}

impl Unary {
    /// A short name for tables and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Clip { .. } => "Clip",
            Self::Elu { .. } => "Elu",
            Self::Sigmoid => "Sigmoid",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::HardSwish => "HardSwish",
            Self::Tanh => "Tanh",
            Self::Softplus => "Softplus",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Reciprocal => "Reciprocal",
            Self::Abs => "Abs",
            Self::Neg => "Neg",
            Self::Celu { .. } => "Celu",
            Self::Selu { .. } => "Selu",
            Self::ThresholdedRelu { .. } => "ThresholdedRelu",
            Self::Shrink { .. } => "Shrink",
            Self::Mish => "Mish",
            Self::Swish { .. } => "Swish",
            Self::Gelu => "Gelu",
            Self::GeluTanh => "GeluTanh",
            Self::Softsign => "Softsign",
            Self::Sign => "Sign",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Erf => "Erf",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Tan => "Tan",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Sinh => "Sinh",
            Self::Cosh => "Cosh",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::IsNan => "IsNan",
            Self::IsInf { .. } => "IsInf",
            Self::Not => "Not",
        }
    }
}

impl Binary {
    /// A short name for tables and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Max => "Max",
            Self::Min => "Min",
            Self::Pow => "Pow",
            Self::Mod => "Mod",
            Self::Fmod => "Fmod",
            Self::Equal => "Equal",
            Self::Greater => "Greater",
            Self::GreaterOrEqual => "GreaterOrEqual",
            Self::Less => "Less",
            Self::LessOrEqual => "LessOrEqual",
            Self::And => "And",
            Self::Or => "Or",
            Self::Xor => "Xor",
        }
    }

    /// Whether the result is a truth value whatever the operands are.
    pub fn is_comparison(self) -> bool {
        use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        matches!(self, Equal | Greater | GreaterOrEqual | Less | LessOrEqual)
    }

    /// Whether the operands are truth values.
    pub fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor)
    }
}
