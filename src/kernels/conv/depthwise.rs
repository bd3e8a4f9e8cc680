//! Host side of shaders/conv/depthwise.wgsl.

use super::Call;
pub(crate) use super::Params;
use crate::error::Result;
use crate::kernels::f32_bytes;
use crate::recording::{Recorder, Source};
use crate::shader;

pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str, x: Source, y: Source) -> Result<()> {
    let g = call.geometry;
    let unrolled = g.kernel == [3, 3] && g.dilation == [1, 1] && rec.force.form != Some("any");
    let residual = call.finish.residual.is_some();
    let (shader, [width, height]) = match (g.stride, rec.caps.textures, residual) {
        ([1, 1], false, _) if unrolled => (&shader::CONV_DEPTHWISE_K3S1, [4, 2]),
        ([1, 1], true, false) if unrolled => (&shader::CONV_DEPTHWISE_K3S1_TEX, [4, 4]),
        ([1, 1], true, true) if unrolled => (&shader::CONV_DEPTHWISE_K3S1_RES_TEX, [4, 4]),
        ([2, 2], false, _) if unrolled => (&shader::CONV_DEPTHWISE_K3S2, [4, 2]),
        ([2, 2], true, false) if unrolled => (&shader::CONV_DEPTHWISE_K3S2_TEX, [4, 2]),
        ([2, 2], true, true) if unrolled => (&shader::CONV_DEPTHWISE_K3S2_RES_TEX, [4, 2]),
        (_, false, _) => (&shader::CONV_DEPTHWISE_ANY, [1, 1]),
        (_, true, false) => (&shader::CONV_DEPTHWISE_ANY_TEX, [1, 1]),
        (_, true, true) => (&shader::CONV_DEPTHWISE_ANY_RES_TEX, [1, 1]),
    };
    let row = g.y.c4() * 4;
    let weight = call.weight.clone();
    let w = rec.weight("depthwise", std::slice::from_ref(call.weight), (g.taps() * row * 4) as u64, move || {
        let data = weight.to_f32();
        let mut out = vec![0f32; g.taps() * row];
        for (i, &v) in data.iter().enumerate() {
            out[i % g.taps() * row + i / g.taps()] = v;
        }
        f32_bytes(&out)
    });
    let table = call.finish.table(rec, g.y.c);
    let residual = call.finish.residual_or_nothing(rec, shader);
    let threads = g.y.n * g.y.h.div_ceil(height) * g.y.w.div_ceil(width) * g.y.c4();
    let groups = rec.fold(threads.div_ceil(64));
    let flops = 2 * (g.y.pixels() * g.y.c * g.taps()) as u64;
    rec.dispatch(shader, label, groups, &g.params(&call.finish), &[x, w, table, residual, y], flops)
}
