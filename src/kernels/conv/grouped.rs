//! Host side of shaders/conv/grouped.wgsl.

use super::Call;
pub(crate) use super::Params;
use crate::error::Result;
use crate::kernels::f32_bytes;
use crate::recording::{Recorder, Source};
use crate::shader;

pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str, x: Source, y: Source) -> Result<()> {
    let g = call.geometry;
    let (group_in, group_out) = (g.x.c / call.groups, g.y.c / call.groups);
    // The input vec4s that the channels of one output vec4 read, at most over all output vec4s.
    let outputs = g.y.c;
    let span = move |block: usize| {
        let last = (block * 4 + 3).min(outputs - 1);
        (block * 4 / group_out * group_in / 4, ((last / group_out + 1) * group_in).div_ceil(4))
    };
    let group_c4 = (0..g.y.c4()).map(|b| span(b).1 - span(b).0).max().unwrap_or(1);
    let first = move |block: usize| span(block).0.min(g.x.c4() - group_c4);
    let len = g.y.c4() * g.taps() * group_c4 * 16;
    let weight = call.weight.clone();
    let form = format!("grouped {} of {}", call.groups, g.x.c);
    let w = rec.weight(&form, std::slice::from_ref(call.weight), len as u64 * 4, move || {
        let data = weight.to_f32();
        let mut out = vec![0f32; len];
        for (i, &v) in data.iter().enumerate() {
            let (tap, channel, o) = (i % g.taps(), i / g.taps() % group_in, i / g.taps() / group_in);
            let k = o / group_out * group_in + channel - first(o / 4) * 4;
            out[(((o / 4) * g.taps() + tap) * group_c4 * 4 + k) * 4 + o % 4] = v;
        }
        f32_bytes(&out)
    });
    let table = call.finish.table(rec, g.y.c);
    let residual = call.finish.residual_or_nothing(rec, &shader::CONV_GROUPED);
    let params = Params { group_c4: group_c4 as u32, group_in: group_in as u32, group_out: group_out as u32, ..g.params(&call.finish) };
    let groups = rec.fold((g.y.pixels() * g.y.c4()).div_ceil(64));
    let flops = 2 * (g.y.pixels() * g.y.c * g.taps() * group_in) as u64;
    rec.dispatch(&shader::CONV_GROUPED, label, groups, &params, &[x, w, table, residual, y], flops)
}
