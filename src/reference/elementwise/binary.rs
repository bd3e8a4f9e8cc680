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
    };
    let (a, b) = (broadcast(&a.data, &a.shape, out), broadcast(&b.data, &b.shape, out));
    a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()
}
