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
        Unary::Celu { alpha } => {
            let alpha = f64::from(alpha);
            clamp(x, Some(0.0), None) + clamp(alpha * (x / alpha).exp_m1(), None, Some(0.0))
        }
        Unary::Selu { alpha, gamma } => f64::from(gamma) * if x > 0.0 { x } else { f64::from(alpha) * x.exp_m1() },
        Unary::ThresholdedRelu { alpha } => {
            if x <= f64::from(alpha) {
                0.0
            } else {
                x
            }
        }
        Unary::Shrink { lambda, bias } => {
            let (lambda, bias) = (f64::from(lambda), f64::from(bias));
            match x {
                x if x < -lambda => x + bias,
                x if x <= lambda => 0.0,
                x => x - bias,
            }
        }
        // tanh(ln(1 + e^x)); the logarithm is exact to the last digits where e^x is small.
        Unary::Mish => x * unary(Unary::Softplus, x).tanh(),
        Unary::Swish { alpha } => x / (1.0 + (-f64::from(alpha) * x).exp()),
        Unary::Gelu => x / 2.0 * libm::erfc(-x / std::f64::consts::SQRT_2),
        // 1 + tanh(z) = 2 / (1 + e^(-2 z)), which does not cancel.
        Unary::GeluTanh => x / (1.0 + (-2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).exp()),
        Unary::Softsign => x / (1.0 + x.abs()),
        Unary::Sign if x.is_nan() || x == 0.0 => x,
        Unary::Sign => x.signum(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Erf => libm::erf(x),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::IsNan => truth(x.is_nan()),
        Unary::IsInf { negative, positive } => truth(x == f64::INFINITY && positive || x == f64::NEG_INFINITY && negative),
        Unary::Not => truth(x == 0.0),
    }
}

fn truth(v: bool) -> f64 {
    f64::from(u8::from(v))
}
