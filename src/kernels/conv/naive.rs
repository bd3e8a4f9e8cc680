//! Host side of shaders/conv/naive.wgsl, the yardstick.

use super::Call;
pub(crate) use super::Params;
use crate::error::Result;
use crate::kernels::f32_bytes;
use crate::recording::{Recorder, Source};
use crate::shader;

pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str, x: Source, y: Source) -> Result<()> {
    let g = call.geometry;
    let (inputs, outputs) = (g.x.c4() * 4, g.y.c4() * 4);
    let len = g.taps() * inputs * outputs;
    let weight = call.weight.clone();
    let w = rec.weight("naive", std::slice::from_ref(call.weight), len as u64 * 4, move || {
        let data = weight.to_f32();
        let mut out = vec![0f32; len];
        for (i, &v) in data.iter().enumerate() {
            let (tap, channel, o) = (i % g.taps(), i / g.taps() % g.x.c, i / g.taps() / g.x.c);
            out[(tap * inputs + channel) * outputs + o] = v;
        }
        f32_bytes(&out)
    });
    let table = call.finish.table(rec, g.y.c);
    let residual = call.finish.residual_or_nothing(rec, &shader::CONV_NAIVE);
    let groups = rec.fold((g.y.pixels() * outputs).div_ceil(64));
    let flops = 2 * (g.y.pixels() * g.y.c * g.taps() * g.x.c) as u64;
    rec.dispatch(&shader::CONV_NAIVE, label, groups, &g.params(&call.finish), &[x, w, table, residual, y], flops)
}
