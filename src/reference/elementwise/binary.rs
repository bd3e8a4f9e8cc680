//! Functions of two numbers, with broadcasting.

use crate::graph::Binary;
use crate::reference::Array;
use crate::reference::pool::{larger, smaller};
use crate::reference::strided::broadcast;

/// `function(a, b)` after both are broadcast to `out`. The caller truncates the results of integer operands.
pub(in crate::reference) fn binary(function: Binary, a: &Array, b: &Array, out: &[usize]) -> Vec<f64> {
    let f = match function {
        Binary::Add => |a: f64, b: f64| a + b,
        Binary::Sub => |a: f64, b: f64| a - b,
        Binary::Mul => |a: f64, b: f64| a * b,
        Binary::Div => |a: f64, b: f64| a / b,
        Binary::Max => larger,
        Binary::Min => smaller,
        Binary::Pow => f64::powf,
        Binary::Mod => |a: f64, b: f64| {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        },
        Binary::Fmod => |a: f64, b: f64| a % b,
        Binary::Equal => |a, b| truth(a == b),
        Binary::Greater => |a, b| truth(a > b),
        Binary::GreaterOrEqual => |a, b| truth(a >= b),
        Binary::Less => |a, b| truth(a < b),
        Binary::LessOrEqual => |a, b| truth(a <= b),
        Binary::And => |a, b| truth(a != 0.0 && b != 0.0),
        Binary::Or => |a, b| truth(a != 0.0 || b != 0.0),
        Binary::Xor => |a, b| truth((a != 0.0) != (b != 0.0)),
    };
    let (a, b) = (broadcast(&a.data, &a.shape, out), broadcast(&b.data, &b.shape, out));
    a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()
}

fn truth(v: bool) -> f64 {
    f64::from(u8::from(v))
}
