//! Instance, group and layer normalisation: rows of consecutive elements get the mean 0 and the variance 1, then a scale and a shift.

use crate::graph::infer::geometry;
use crate::reference::Array;
use crate::reference::strided::broadcast;

/// What is computed of a row.
#[derive(Clone, Copy)]
pub(in crate::reference) struct Rows {
    pub(in crate::reference) epsilon: f32,
    /// Leave the mean out: divide by the root mean square.
    pub(in crate::reference) rms: bool,
    /// Instead of the result what its rounding errors are proportional to: `(|x| + mean |x|) / deviation * |scale| + |shift|`.
    pub(in crate::reference) absolute: bool,
}

/// Over each of `groups` groups of channels of each picture; 0 groups: each channel. Operands: x, scale, shift (per channel or group).
pub(in crate::reference) fn group_norm(rows: Rows, groups: usize, inputs: &[&Array]) -> Vec<f64> {
    let x = inputs[0];
    let (channels, area) = (x.shape[1], x.shape[2..].iter().product::<usize>());
    let groups = if groups == 0 { channels } else { groups };
    let channels_of_entry = channels / inputs[1].data.len();
    let spread = |v: &Array| (0..x.data.len()).map(|i| v.data[i / area % channels / channels_of_entry]).collect::<Vec<_>>();
    rows.run(&x.data, channels / groups * area, &spread(inputs[1]), Some(&spread(inputs[2])))
}

/// Over the axes from `axis` on. Operands: x, scale, (shift), broadcast to x.
pub(in crate::reference) fn layer_norm(rows: Rows, axis: i64, inputs: &[&Array]) -> Vec<f64> {
    let shape = &inputs[0].shape;
    let axis = geometry::axis(axis, shape.rank()).unwrap_or(0);
    let spread = |v: &Array| broadcast(&v.data, &v.shape, shape);
    let shift = inputs.get(2).map(|v| spread(v));
    rows.run(&inputs[0].data, shape[axis..].iter().product(), &spread(inputs[1]), shift.as_deref())
}

impl Rows {
    /// To compute the result.
    pub(in crate::reference) fn new(epsilon: f32, rms: bool) -> Self {
        Self { epsilon, rms, absolute: false }
    }

    /// `scale` and `shift` have an entry per element of x.
    fn run(self, x: &[f64], row: usize, scale: &[f64], shift: Option<&[f64]>) -> Vec<f64> {
        let count = row as f64;
        let sign = |v: f64| if self.absolute { v.abs() } else { v };
        let mut y = Vec::with_capacity(x.len());
        for (r, values) in x.chunks(row).enumerate() {
            let mean = if self.rms { 0.0 } else { values.iter().sum::<f64>() / count };
            let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            let deviation = (variance + f64::from(self.epsilon)).sqrt();
            let size = if self.rms { 0.0 } else { values.iter().map(|v| v.abs()).sum::<f64>() / count };
            for (i, &v) in values.iter().enumerate() {
                let at = r * row + i;
                let centred = if self.absolute { v.abs() + size } else { v - mean };
                y.push(centred / deviation * sign(scale[at]) + shift.map_or(0.0, |s| sign(s[at])));
            }
        }
        y
    }
}
