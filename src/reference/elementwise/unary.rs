//! Functions of one number.

use crate::graph::Unary;
use crate::reference::epilogue::clamp;

/// The value of `function` at `x`.
pub(in crate::reference) fn unary(function: Unary, x: f64) -> f64 {
    let scaled = |alpha: f32, negative: f64| if x >= 0.0 { x } else { f64::from(alpha) * negative };
    match function {
        Unary::Relu => clamp(x, Some(0.0), None),
        Unary::LeakyRelu { alpha } => scaled(alpha, x),
        Unary::Clip { lo, hi } => clamp(x, lo, hi),
        Unary::Elu { alpha } => scaled(alpha, x.exp_m1()),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::HardSigmoid { alpha, beta } => clamp(f64::from(alpha) * x + f64::from(beta), Some(0.0), Some(1.0)),
        Unary::HardSwish => x * clamp(x / 6.0 + 0.5, Some(0.0), Some(1.0)),
        Unary::Tanh => x.tanh(),
        // ln(1 + e^x) without overflow.
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        _ => f64::NAN,
    }
}
