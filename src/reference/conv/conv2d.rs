//! `y[n, o, y, x] = finish(bias[o] + Σ_{i, ky, kx} w[o, i, ky, kx] · x'[n, i, y·s + ky·d - top, x·s + kx·d - left])`,
//! where x' is x after the pre-affine inside the picture and 0 outside.

use std::borrow::Cow;
use std::ops::Range;

use crate::graph::{Conv, Window};
use crate::reference::Array;
use crate::reference::epilogue::Finish;
use crate::reference::norm::batch_norm::affine;
use crate::reference::parallel::for_each_plane;

/// Dense, grouped and depthwise convolution.
pub(in crate::reference) fn conv2d(conv: &Conv, inputs: &[&Array], out: &[usize]) -> Vec<f64> {
    let (x, w, at) = (inputs[0], inputs[1], conv.operands());
    let pixels = match (at.pre_scale, at.pre_shift) {
        (Some(scale), Some(shift)) => Cow::Owned(affine(x, &inputs[scale].data, &inputs[shift].data)),
        _ => Cow::Borrowed(&x.data),
    };
    let finish = Finish::new(&conv.epilogue, &at, inputs);
    let (channels, per_group) = (x.shape[1], w.shape[1]);
    let outputs = out[1];
    let group_outputs = outputs / conv.groups;
    let taps = Taps::new(&conv.window, [x.shape[2], x.shape[3]], [out[2], out[3]]);
    let (plane, source_plane) = (out[2] * out[3], x.shape[2] * x.shape[3]);
    let kernel = conv.window.kernel[0] * conv.window.kernel[1];
    let filter = per_group * kernel;

    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, plane, plane * filter, |index, sums| {
        let (n, o) = (index / outputs, index % outputs);
        sums.fill(at.bias.map_or(0.0, |b| inputs[b].data[o]));
        for i in 0..per_group {
            let channel = n * channels + o / group_outputs * per_group + i;
            let source = &pixels[channel * source_plane..][..source_plane];
            let weights = &w.data[o * filter + i * kernel..][..kernel];
            taps.accumulate(sums, source, weights);
        }
        for (k, v) in sums.iter_mut().enumerate() {
            *v = finish.apply(*v, o, index * plane + k);
        }
    });
    y
}

/// Where the taps of a kernel fall on one plane.
struct Taps<'a> {
    window: &'a Window,
    input: [usize; 2],
    output: [usize; 2],
    before: [usize; 2],
}

impl<'a> Taps<'a> {
    fn new(window: &'a Window, input: [usize; 2], output: [usize; 2]) -> Self {
        let before = [window.padding(0, input[0]).0, window.padding(1, input[1]).0];
        Self { window, input, output, before }
    }

    /// Output places whose tap `k` along `axis` lies inside the picture, and the input place of the first of them.
    fn inside(&self, axis: usize, k: usize) -> (Range<usize>, usize) {
        let (offset, stride, before) = (k * self.window.dilation[axis], self.window.stride[axis], self.before[axis]);
        let start = before.saturating_sub(offset).div_ceil(stride);
        let last = (self.input[axis] + before).checked_sub(offset + 1);
        let end = last.map_or(0, |last| (last / stride + 1).min(self.output[axis]));
        if start < end { (start..end, start * stride + offset - before) } else { (0..0, 0) }
    }

    /// Adds one input plane times one filter plane. Taps outside, cells inside, so that the innermost loop runs along a row.
    fn accumulate(&self, sums: &mut [f64], source: &[f64], weights: &[f64]) {
        let [_, kw] = self.window.kernel;
        for (tap, &weight) in weights.iter().enumerate() {
            let (rows, first_row) = self.inside(0, tap / kw);
            let (columns, first_column) = self.inside(1, tap % kw);
            for (i, row) in rows.enumerate() {
                let from = (first_row + i * self.window.stride[0]) * self.input[1] + first_column;
                let target = &mut sums[row * self.output[1]..][columns.clone()];
                add_row(target, &source[from..], weight, self.window.stride[1]);
            }
        }
    }
}

fn add_row(target: &mut [f64], source: &[f64], weight: f64, stride: usize) {
    if stride == 1 {
        target.iter_mut().zip(source).for_each(|(t, s)| *t += weight * s);
    } else {
        target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(t, s)| *t += weight * s);
    }
}
