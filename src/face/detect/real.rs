//! Numbers in the precision that a reference computes in, so that its roundings are ours.

use std::ops::{Add, Div, Mul, Sub};

/// f32 or f64.
pub(super) trait Real:
    Copy + PartialOrd + From<f32> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Rounded to this precision.
    fn of(x: f64) -> Self;

    /// Exactly.
    fn wide(self) -> f64;

    /// Towards zero.
    fn trunc(self) -> Self {
        Self::of(self.wide().trunc())
    }

    /// The larger one.
    fn or_more(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller one.
    fn or_less(self, other: Self) -> Self {
        if other < self { other } else { self }
    }
}

impl Real for f32 {
    fn of(x: f64) -> Self {
        x as Self
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(x: f64) -> Self {
        x
    }

    fn wide(self) -> f64 {
        self
    }
}
