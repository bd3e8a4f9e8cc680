//! Host side of shaders/elementwise/affine.wgsl.

use crate::error::Result;
use crate::kernels::{f32_bytes, padded};
use crate::recording::{Constant, Packed, Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) total: u32,
    pub(crate) c4: u32,
    pub(crate) c: u32,
    pub(crate) lo: f32,
    pub(crate) hi: f32,
}

/// Per-channel tables; an absent one is 1, 0 and 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) scale: Option<Constant>,
    pub(crate) shift: Option<Constant>,
    pub(crate) slope: Option<Constant>,
    /// A slope that is the same for all channels.
    pub(crate) flat_slope: Option<f32>,
    pub(crate) lo: Option<f32>,
    pub(crate) hi: Option<f32>,
}

/// Records the pass over a packed map.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, shape: Packed, x: Source, t: &Tables) -> Result<Source> {
    let y = rec.tensor(shape.bytes());
    let c = shape.c4() * 4;
    let constants: Vec<Constant> = t.scale.iter().chain(&t.shift).chain(&t.slope).cloned().collect();
    let form =
        format!("affine {} {} {} {:?} of {c}", t.scale.is_some(), t.shift.is_some(), t.slope.is_some(), t.flat_slope.map(f32::to_bits));
    let tables = t.clone();
    let table = rec.weight(&form, &constants, c as u64 * 12, move || {
        let mut out = padded(tables.scale.as_deref(), c, 1.0);
        out.extend(padded(tables.shift.as_deref(), c, 0.0));
        out.extend(padded(tables.slope.as_deref(), c, tables.flat_slope.unwrap_or(1.0)));
        f32_bytes(&out)
    });
    let params = Params {
        total: shape.vec4s() as u32,
        c4: shape.c4() as u32,
        c: shape.c as u32,
        lo: t.lo.unwrap_or(f32::NEG_INFINITY),
        hi: t.hi.unwrap_or(f32::INFINITY),
    };
    let groups = rec.fold(shape.vec4s().div_ceil(64));
    rec.dispatch(&shader::ELEMENTWISE_AFFINE, label, groups, &params, &[x, table, y], 2 * (shape.pixels() * shape.c) as u64)?;
    Ok(y)
}

/// `x * scale + shift` per channel.
pub(crate) fn record_affine(
    rec: &mut Recorder<'_>,
    label: &str,
    shape: Packed,
    x: Source,
    scale: &Constant,
    shift: &Constant,
) -> Result<Source> {
    let tables = Tables { scale: Some(scale.clone()), shift: Some(shift.clone()), ..Tables::default() };
    record(rec, &format!("{label} (affine)"), shape, x, &tables)
}
