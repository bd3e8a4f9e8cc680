//! Pooling and reductions.

use serde::{Deserialize, Serialize};

use crate::graph::Window;

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
    /// `(Σ |x|^p)^(1/p)`; padding cells are zero.
    Lp(u32),
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
    /// Product.
    Prod,
    /// `ln Σ x`
    LogSum,
    /// `ln Σ e^x`, without overflow.
    LogSumExp,
}
