//! Host side of shaders/conv/grouped.wgsl.

use super::Call;
pub(crate) use super::Params;
use crate::error::Result;
use crate::kernels::f32_bytes;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Which input vec4s the four channels of an output vec4 read, when channels are cut into groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) group_in: usize,
    pub(crate) group_out: usize,
    inputs: usize,
    outputs: usize,
    /// vec4s that are read for every output vec4: the most that any of them needs.
    pub(crate) c4: usize,
}

impl Span {
    pub(crate) fn new(groups: usize, inputs: usize, outputs: usize) -> Self {
        let mut span = Self { group_in: inputs / groups, group_out: outputs / groups, inputs, outputs, c4: 0 };
        span.c4 = (0..outputs.div_ceil(4)).map(|block| span.range(block)).map(|(start, end)| end - start).max().unwrap_or(1);
        span
    }

    fn range(&self, block: usize) -> (usize, usize) {
        let last = (block * 4 + 3).min(self.outputs - 1);
        (block * 4 / self.group_out * self.group_in / 4, ((last / self.group_out + 1) * self.group_in).div_ceil(4))
    }

    /// The first channel that is read for an output vec4.
    fn first(&self, block: usize) -> usize {
        self.range(block).0.min(self.inputs.div_ceil(4) - self.c4) * 4
    }

    /// f32s of weights packed as `[o4][tap][c4][4 k][4 o]`.
    pub(crate) fn len(&self, taps: usize) -> usize {
        self.outputs.div_ceil(4) * taps * self.c4 * 16
    }

    /// Where the weight of this output channel, tap and channel of its group goes.
    pub(crate) fn place(&self, o: usize, tap: usize, taps: usize, channel: usize) -> usize {
        let k = o / self.group_out * self.group_in + channel - self.first(o / 4);
        (((o / 4) * taps + tap) * self.c4 * 4 + k) * 4 + o % 4
    }
}

pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str, x: Source, y: Source) -> Result<()> {
    let g = call.geometry;
    let span = Span::new(call.groups, g.x.c, g.y.c);
    let (taps, len) = (g.taps(), span.len(g.taps()));
    let weight = call.weight.clone();
    let form = format!("grouped {} of {}", call.groups, g.x.c);
    let w = rec.weight(&form, std::slice::from_ref(call.weight), len as u64 * 4, move || {
        let mut out = vec![0f32; len];
        for (i, &v) in weight.to_f32().iter().enumerate() {
            let (tap, channel, o) = (i % taps, i / taps % span.group_in, i / taps / span.group_in);
            out[span.place(o, tap, taps, channel)] = v;
        }
        f32_bytes(&out)
    });
    let table = call.finish.table(rec, g.y.c);
    let residual = call.finish.residual_or_nothing(rec, &shader::CONV_GROUPED);
    let params =
        Params { group_c4: span.c4 as u32, group_in: span.group_in as u32, group_out: span.group_out as u32, ..g.params(&call.finish) };
    let groups = rec.fold((g.y.pixels() * g.y.c4()).div_ceil(64));
    let flops = 2 * (g.y.pixels() * g.y.c * taps * span.group_in) as u64;
    rec.dispatch(&shader::CONV_GROUPED, label, groups, &params, &[x, w, table, residual, y], flops)
}
