//! Host side of shaders/sample/resample.wgsl.

use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::reference::image::resize::Place;
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) input: u32,
    pub(crate) output: u32,
    pub(crate) inner: u32,
    pub(crate) total: u32,
    pub(crate) fill: u32,
}

/// One pass.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// What the table depends on: equal keys have equal tables.
    pub(crate) key: String,
    /// What each output place is made of.
    pub(crate) places: Vec<Place>,
    /// Elements before the axis, cells of the axis, elements behind it, in memory.
    pub(crate) split: [usize; 3],
    /// Bits of what is written for places outside.
    pub(crate) fill: u32,
}

/// Records one pass over `x`.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, pass: &Pass, x: Source) -> Result<Source> {
    let [outer, input, inner] = pass.split;
    let output = pass.places.len();
    let total = outer * output * inner;
    let cells = pass.places.iter().all(|p| p.weights.len() == 1);
    let vec4 = !cells && inner.is_multiple_of(4);
    let unit = if vec4 { 4 } else { 1 };
    let params =
        Params { input: input as u32, output: output as u32, inner: (inner / unit) as u32, total: (total / unit) as u32, fill: pass.fill };
    let y = rec.tensor(total as u64 * 4);
    let groups = rec.fold((total / unit).div_ceil(64));
    let label = format!("{label} {input}->{output}");
    let places = table(rec, pass)?;
    if cells {
        rec.dispatch(&shader::SAMPLE_RESAMPLE_CELLS, &label, groups, &params, &[x, places, y], 0)?;
        return Ok(y);
    }
    let weights = weights(rec, pass)?;
    let shader = if vec4 { &shader::SAMPLE_RESAMPLE_VEC4 } else { &shader::SAMPLE_RESAMPLE_F32 };
    let terms: usize = pass.places.iter().map(|p| p.weights.len()).sum();
    rec.dispatch(shader, &label, groups, &params, &[x, places, weights, y], (outer * inner * terms * 2) as u64)?;
    Ok(y)
}

/// (first cell, number of cells, first weight, outside) of each place.
fn table(rec: &mut Recorder<'_>, pass: &Pass) -> Result<Source> {
    let mut next = 0u32;
    let mut out: Vec<[u32; 4]> = Vec::with_capacity(pass.places.len());
    for place in &pass.places {
        let count = place.weights.len() as u32;
        out.push([place.first as u32, count, next, u32::from(place.outside)]);
        next = next.saturating_add(count);
    }
    rec.table(&format!("places {}", pass.key), out)
}

fn weights(rec: &mut Recorder<'_>, pass: &Pass) -> Result<Source> {
    let out: Vec<f32> = pass.places.iter().flat_map(|p| &p.weights).map(|&w| w as f32).collect();
    rec.table(&format!("weights {}", pass.key), out)
}
