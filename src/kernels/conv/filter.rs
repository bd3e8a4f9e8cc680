//! Weights of a product, seen as `[output][tap row][tap column][channel]` whatever order they are stored in, and their packing.

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::recording::Constant;

/// A view of a constant: element `(o, ky, kx, c)` is at `o * stride[0] + ky * stride[1] + kx * stride[2] + c * stride[3]`, but for periods.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) constant: Constant,
    pub(crate) outputs: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) stride: [usize; 4],
    pub(crate) periods: Option<Periods>,
}

/// Outputs that are counted in periods: output `o` is number `o % len` of period `o / len`. Of each period `used` outputs exist, the rest
/// is 0; periods lie `stride` elements apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Periods {
    pub(crate) len: usize,
    pub(crate) used: usize,
    pub(crate) stride: usize,
}

impl Filter {
    /// Dense convolution weights `[O, I, kh, kw]`.
    pub(crate) fn conv(constant: &Constant) -> Self {
        let s = constant.shape();
        let (o, i, kh, kw) = (s[0], s[1], s[2], s[3]);
        Self { constant: constant.clone(), outputs: o, kernel: [kh, kw], channels: i, stride: [i * kh * kw, kw, 1, kh * kw], periods: None }
    }

    /// Weights of a transposed convolution `[I, O, kh, kw]` as those of a product with one output for each tap and channel, channels in
    /// whole vec4s.
    pub(crate) fn taps(constant: &Constant) -> Self {
        let s = constant.shape();
        let (i, o, taps) = (s[0], s[1], s[2] * s[3]);
        let periods = Periods { len: o.next_multiple_of(4), used: o, stride: 1 };
        let stride = [taps, 0, 0, o * taps];
        Self { constant: constant.clone(), outputs: taps * periods.len, kernel: [1, 1], channels: i, stride, periods: Some(periods) }
    }

    /// Where the elements of output `o` begin; `None` when it is 0.
    fn output(&self, o: usize) -> Option<usize> {
        let (period, place) = match self.periods {
            Some(p) if o % p.len >= p.used => return None,
            Some(p) => (o / p.len * p.stride, o % p.len),
            None => (0, o),
        };
        (o < self.outputs).then_some(period + place * self.stride[0])
    }

    /// Describes the packing for [`crate::recording::Recorder::weight`].
    pub(crate) fn form(&self, what: &str, lanes: usize, blocks: std::ops::Range<usize>, halves: bool) -> String {
        let Self { kernel, channels, stride, periods, .. } = self;
        format!("{what} lanes {lanes} blocks {blocks:?} halves {halves} of {kernel:?} {channels} {stride:?} {periods:?}")
    }

    /// vec4s of one block of `lanes` vec4s of outputs: `[tap][c4][4 k][lane]`, half as many when `halves`.
    pub(crate) fn block_vec4s(&self, lanes: usize, halves: bool) -> usize {
        let full = self.kernel[0] * self.kernel[1] * self.channels.div_ceil(4) * 4 * lanes;
        if halves { full / 2 } else { full }
    }

    /// Packs blocks for the matrix kernels. f32: `[block][tap][c4][4 k][lane][4 o]`; halves: `[block][tap][c4][2][lane][2 k][4 o]`.
    /// Fills `bytes`.
    pub(crate) fn pack(&self, lanes: usize, blocks: std::ops::Range<usize>, halves: bool, bytes: &mut [u8]) {
        let data = self.constant.to_f32();
        let c4s = self.channels.div_ceil(4);
        let order = order(lanes, halves);
        let taps: Vec<_> = (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| (ky, kx))).collect();
        pack(bytes, halves, |out| {
            let mut next = out.chunks_exact_mut(4);
            for block in blocks {
                let outputs: Vec<_> = (block * lanes * 4..(block + 1) * lanes * 4).map(|o| self.output(o)).collect();
                for (ky, kx, c4) in taps.iter().flat_map(|&(ky, kx)| (0..c4s).map(move |c4| (ky, kx, c4))) {
                    let tap = ky * self.stride[1] + kx * self.stride[2];
                    for (&(k, lane), slot) in order.iter().zip(&mut next) {
                        let c = c4 * 4 + k;
                        for (v, output) in slot.iter_mut().zip(&outputs[lane * 4..][..4]) {
                            *v = match output {
                                Some(start) if c < self.channels => data[start + tap + c * self.stride[3]],
                                _ => 0.0,
                            };
                        }
                    }
                }
            }
        });
    }
}

/// The order of (k, lane) inside one c4: k outermost, or for halves pairs of k inside the lane.
pub(crate) fn order(lanes: usize, halves: bool) -> Vec<(usize, usize)> {
    if halves {
        (0..2).flat_map(|pair| (0..lanes).flat_map(move |lane| [(2 * pair, lane), (2 * pair + 1, lane)])).collect()
    } else {
        (0..4).flat_map(|k| (0..lanes).map(move |lane| (k, lane))).collect()
    }
}

/// Writes what `fill` makes of all numbers to `bytes`: as f32, or rounded to halves. What they held before means nothing.
pub(crate) fn pack(bytes: &mut [u8], halves: bool, fill: impl FnOnce(&mut [f32])) {
    if !halves && let Ok(numbers) = bytemuck::try_cast_slice_mut(bytes) {
        // Memory for the device is aligned to more than bytes need: nothing is copied.
        return fill(numbers);
    }
    let mut numbers = vec![0.0; bytes.len() / if halves { 2 } else { 4 }];
    fill(&mut numbers);
    if halves {
        // Many at once: processors have instructions for that.
        let mut rounded = [f16::ZERO; 1024];
        for (to, from) in bytes.chunks_mut(2 * rounded.len()).zip(numbers.chunks(rounded.len())) {
            let rounded = &mut rounded[..from.len()];
            rounded.convert_from_f32_slice(from);
            to.copy_from_slice(bytemuck::cast_slice(rounded));
        }
    } else {
        bytes.copy_from_slice(bytemuck::cast_slice(&numbers));
    }
}
