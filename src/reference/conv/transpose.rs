//! Transposed convolution: every input cell adds its filter to the output,
//! `y[n, o, y·s + ky·d - top, x·s + kx·d - left] += x[n, i, y, x] · w[i, o, ky, kx]`, on top of `bias[o]`.

use crate::graph::ConvTranspose;
use crate::reference::Array;
use crate::reference::parallel::for_each_plane;

/// Dense and grouped transposed convolution.
pub(in crate::reference) fn transpose(conv: &ConvTranspose, inputs: &[&Array], out: &[usize]) -> Vec<f64> {
    let (x, w) = (inputs[0], inputs[1]);
    let bias = conv.bias.then(|| &inputs[2].data);
    let (channels, group_outputs) = (x.shape[1], w.shape[1]);
    let group_inputs = channels / conv.groups;
    let (plane, source_plane) = (out[2] * out[3], x.shape[2] * x.shape[3]);
    let taps = conv.window.kernel[0] * conv.window.kernel[1];
    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, plane, source_plane * group_inputs * taps, |index, sums| {
        let (n, o) = (index / out[1], index % out[1]);
        sums.fill(bias.map_or(0.0, |b| b[o]));
        let first = o / group_outputs * group_inputs;
        for i in first..first + group_inputs {
            let source = &x.data[(n * channels + i) * source_plane..][..source_plane];
            let weights = &w.data[(i * group_outputs + o % group_outputs) * taps..][..taps];
            spread(conv, source, [x.shape[2], x.shape[3]], weights, sums, [out[2], out[3]]);
        }
    });
    y
}

/// Adds one input plane times one filter to one output plane.
fn spread(conv: &ConvTranspose, source: &[f64], from: [usize; 2], weights: &[f64], sums: &mut [f64], to: [usize; 2]) {
    let before = [0, 1].map(|axis| conv.output(axis, from[axis]).map_or(0, |(_, before)| before));
    let place = |axis: usize, cell: usize, tap: usize| {
        let at = (cell * conv.window.stride[axis] + tap * conv.window.dilation[axis]).checked_sub(before[axis]);
        at.filter(|&at| at < to[axis])
    };
    for (cell, &v) in source.iter().enumerate() {
        for (tap, &weight) in weights.iter().enumerate() {
            let row = place(0, cell / from[1], tap / conv.window.kernel[1]);
            let column = place(1, cell % from[1], tap % conv.window.kernel[1]);
            if let (Some(row), Some(column)) = (row, column) {
                sums[row * to[1] + column] += v * weight;
            }
        }
    }
}
