//! `x >= 0 ? x : slope · x`.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::strided::broadcast;

/// The slope is per channel when it is a vector as long as axis 1, else broadcast to `x`.
pub(in crate::reference) fn prelu(x: &Array, slope: &Array) -> Vec<f64> {
    let shape = geometry::prelu_slope(&x.shape, &slope.shape).unwrap_or_else(|| slope.shape.clone());
    let slope = broadcast(&slope.data, &shape, &x.shape);
    x.data.iter().zip(slope).map(|(&x, slope)| if x < 0.0 { slope * x } else { x }).collect()
}
