//! Host side of shaders/image/resize.wgsl.

use crate::error::Result;
use crate::recording::{Packed, Recorder, Source};
use crate::reference::image::resize::Place;
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) in_h: u32,
    pub(crate) in_w: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) c4: u32,
    pub(crate) pixels: u32,
}

/// First cell, second cell, bits of their weights.
fn entry(place: &Place) -> [u32; 4] {
    let weight = |i: usize| place.weights.get(i).map_or(0.0, |&w| w as f32);
    let first = place.first as u32;
    [first, first + u32::from(place.weights.len() > 1), weight(0).to_bits(), weight(1).to_bits()]
}

/// Records the resampling by what each output row and column is made of: one cell or two. Equal keys have equal rows and columns.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    (label, key): (&str, &str),
    x: Source,
    from: Packed,
    to: Packed,
    rows: &[Place],
    columns: &[Place],
) -> Result<Source> {
    let y = rec.tensor(to.bytes());
    let table: Vec<[u32; 4]> = rows.iter().chain(columns).map(entry).collect();
    let table = rec.table(&format!("resize {key}"), table)?;
    let params = Params {
        in_h: from.h as u32,
        in_w: from.w as u32,
        out_h: to.h as u32,
        out_w: to.w as u32,
        c4: to.c4() as u32,
        pixels: to.pixels() as u32,
    };
    let groups = rec.fold(to.vec4s().div_ceil(64));
    let label = format!("{label} {} {}x{}->{}x{}", to.c, from.h, from.w, to.h, to.w);
    rec.dispatch(&shader::IMAGE_RESIZE, &label, groups, &params, &[x, table, y], (to.pixels() * to.c * 6) as u64)?;
    Ok(y)
}
