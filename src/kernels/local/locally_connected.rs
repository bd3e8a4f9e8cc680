//! Host side of shaders/local/locally_connected.wgsl.

use crate::error::Result;
pub(crate) use crate::kernels::conv::Params;
use crate::kernels::conv::{Finish, Geometry};
use crate::kernels::f32_bytes;
use crate::model::Precision;
use crate::recording::{Constant, Recorder, Source};
use crate::shader;

/// A locally connected layer to record.
pub(crate) struct Call<'a> {
    pub(crate) label: &'a str,
    pub(crate) geometry: Geometry,
    /// Output places that share a filter bank.
    pub(crate) tile: [usize; 2],
    pub(crate) x: Source,
    /// `[ty, tx, O, I, kh, kw]`
    pub(crate) weight: &'a Constant,
    /// Bias `[ty, tx, O]` and slope `[O]`.
    pub(crate) finish: Finish,
}

/// Records the layer; rows of tiles are split over as many dispatches as the weights need bindings.
pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>) -> Result<Source> {
    let g = call.geometry;
    let y = rec.tensor(g.y.bytes());
    let halves = rec.precision == Precision::F16;
    let shader = match (g.x.n > 1, halves, rec.caps.textures) {
        (false, false, false) => &shader::LOCAL_LOCALLY_CONNECTED_N1,
        (false, false, true) => &shader::LOCAL_LOCALLY_CONNECTED_N1_TEX,
        (false, true, false) => &shader::LOCAL_LOCALLY_CONNECTED_N1_F16,
        (false, true, true) => &shader::LOCAL_LOCALLY_CONNECTED_N1_F16_TEX,
        (true, false, false) => &shader::LOCAL_LOCALLY_CONNECTED_N8,
        (true, false, true) => &shader::LOCAL_LOCALLY_CONNECTED_N8_TEX,
        (true, true, false) => &shader::LOCAL_LOCALLY_CONNECTED_N8_F16,
        (true, true, true) => &shader::LOCAL_LOCALLY_CONNECTED_N8_F16_TEX,
    };
    let images = if g.x.n > 1 { 8 } else { 1 };
    let (rows, columns) = (g.y.h.div_ceil(call.tile[0]), g.y.w.div_ceil(call.tile[1]));
    let bias = bias_table(rec, call, rows * columns);
    let slope = slope_table(rec, call);
    let residual = call.finish.residual_or_nothing(rec, shader);
    let label = format!("{} {}", call.label, g.describe());

    let bank_vec4s = g.taps() * g.x.c4() * 4 * g.y.c4() / if halves { 2 } else { 1 };
    let row_bytes = (columns * bank_vec4s * 16) as u64;
    let per_binding = ((rec.caps.max_binding / row_bytes.max(1)) as usize).max(1);
    for start in (0..rows).step_by(per_binding) {
        let end = (start + per_binding).min(rows);
        let (banks, weight) = (start * columns..end * columns, call.weight.clone());
        let form = format!("local banks {banks:?} halves {halves}");
        let bytes = (end - start) as u64 * row_bytes;
        let w =
            rec.weight_in_place(&form, std::slice::from_ref(call.weight), bytes, move |out| pack(&weight, &g, banks.clone(), halves, out));
        let first_row = start * call.tile[0];
        let places = ((end * call.tile[0]).min(g.y.h) - first_row) * g.y.w;
        let params = Params {
            block0: (start * columns) as u32,
            tile_h: call.tile[0] as u32,
            tile_w: call.tile[1] as u32,
            places: places as u32,
            ..g.params(&call.finish)
        };
        let [gx, gy, _] = rec.fold((places * g.y.c4()).div_ceil(64));
        let groups = [gx, gy, g.x.n.div_ceil(images) as u32];
        let flops = 2 * (g.x.n * places * g.y.c * g.taps() * g.x.c) as u64;
        rec.dispatch(shader, &label, groups, &params, &[call.x, w, bias, slope, residual, y], flops)?;
    }
    Ok(y)
}

fn bias_table(rec: &mut Recorder<'_>, call: &Call<'_>, banks: usize) -> Source {
    let (c, row) = (call.geometry.y.c, call.geometry.y.c4() * 4);
    let constants: Vec<Constant> = call.finish.bias.iter().cloned().collect();
    let bias = call.finish.bias.clone();
    rec.weight(&format!("local bias {banks} of {c}"), &constants, (banks * row * 4) as u64, move || {
        let mut table = vec![0f32; banks * row];
        if let Some(bias) = &bias {
            for (i, &v) in bias.to_f32().iter().enumerate() {
                table[i / c * row + i % c] = v;
            }
        }
        f32_bytes(&table)
    })
}

fn slope_table(rec: &mut Recorder<'_>, call: &Call<'_>) -> Source {
    let row = call.geometry.y.c4() * 4;
    let constants: Vec<Constant> = call.finish.slope.iter().cloned().collect();
    let slope = call.finish.slope.clone();
    rec.weight(&format!("local slope of {row}"), &constants, row as u64 * 4, move || {
        f32_bytes(&crate::kernels::padded(slope.as_deref(), row, 1.0))
    })
}

/// `[bank][tap][c4][4 k][o4][4 o]`, or for halves `[bank][tap][c4][2][o4][2 k][4 o]`.
fn pack(weight: &Constant, g: &Geometry, banks: std::ops::Range<usize>, halves: bool, bytes: &mut [u8]) {
    let data = weight.to_f32();
    let (taps, c, o, c4s, o4s) = (g.taps(), g.x.c, g.y.c, g.x.c4(), g.y.c4());
    let order = crate::kernels::conv::packing_order(o4s, halves);
    crate::kernels::conv::pack_numbers(bytes, halves, |out| {
        let mut next = out.iter_mut();
        for bank in banks {
            for tap in 0..taps {
                for c4 in 0..c4s {
                    for &(k, lane) in &order {
                        for (j, slot) in next.by_ref().take(4).enumerate() {
                            let (channel, output) = (c4 * 4 + k, lane * 4 + j);
                            let inside = channel < c && output < o;
                            *slot = if inside { data[((bank * o + output) * c + channel) * taps + tap] } else { 0.0 };
                        }
                    }
                }
            }
        }
    });
}
