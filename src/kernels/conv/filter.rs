//! Weights of a product, seen as `[output][tap row][tap column][channel]` whatever order they are stored in, and their packing.

use half::f16;

use crate::kernels::f32_bytes;
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
    pub(crate) fn pack(&self, lanes: usize, blocks: std::ops::Range<usize>, halves: bool) -> Vec<u8> {
        let data = self.constant.to_f32();
        let c4s = self.channels.div_ceil(4);
        let at = |o: usize, ky: usize, kx: usize, c: usize| match self.output(o) {
            Some(start) if c < self.channels => data[start + ky * self.stride[1] + kx * self.stride[2] + c * self.stride[3]],
            _ => 0.0,
        };
        let order = order(lanes, halves);
        packed(blocks.len() * self.block_vec4s(lanes, false) * 4, halves, |out| {
            let mut next = out.chunks_exact_mut(4);
            for block in blocks {
                for ky in 0..self.kernel[0] {
                    for kx in 0..self.kernel[1] {
                        for c4 in 0..c4s {
                            for &(k, lane) in &order {
                                let Some(slot) = next.next() else { continue };
                                for (j, v) in slot.iter_mut().enumerate() {
                                    *v = at((block * lanes + lane) * 4 + j, ky, kx, c4 * 4 + k);
                                }
                            }
                        }
                    }
                }
            }
        })
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

/// The bytes of `count` numbers, zeros until `fill` has them: f32, or rounded to halves.
pub(crate) fn packed(count: usize, halves: bool, fill: impl FnOnce(&mut [f32])) -> Vec<u8> {
    if !halves {
        let mut bytes = vec![0; count * 4];
        // Allocators align more than bytes need: nothing is copied.
        if let Ok(numbers) = bytemuck::try_cast_slice_mut(&mut bytes) {
            fill(numbers);
            return bytes;
        }
    }
    let mut numbers = vec![0.0; count];
    fill(&mut numbers);
    if halves {
        let h: Vec<f16> = numbers.iter().map(|&v| f16::from_f32(v)).collect();
        bytemuck::cast_slice(&h).to_vec()
    } else {
        f32_bytes(&numbers)
    }
}
