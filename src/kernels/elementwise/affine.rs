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

/// Numbers in place of tables that are absent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flat {
    pub(crate) scale: f32,
    pub(crate) shift: f32,
    pub(crate) slope: f32,
}

impl Default for Flat {
    /// Nothing is done.
    fn default() -> Self {
        Self { scale: 1.0, shift: 0.0, slope: 1.0 }
    }
}

/// Tables per channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) scale: Option<Constant>,
    pub(crate) shift: Option<Constant>,
    pub(crate) slope: Option<Constant>,
    /// What is the same for all channels.
    pub(crate) flat: Flat,
    pub(crate) lo: Option<f32>,
    pub(crate) hi: Option<f32>,
}

/// Records the pass over a packed map.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, shape: Packed, x: Source, t: &Tables) -> Result<Source> {
    let y = rec.tensor(shape.bytes());
    let c = shape.c4() * 4;
    let constants: Vec<Constant> = t.scale.iter().chain(&t.shift).chain(&t.slope).cloned().collect();
    let flat = [t.flat.scale, t.flat.shift, t.flat.slope].map(f32::to_bits);
    let form = format!("affine {} {} {} {flat:?} of {c}", t.scale.is_some(), t.shift.is_some(), t.slope.is_some());
    let tables = t.clone();
    let table = rec.weight(&form, &constants, c as u64 * 12, move || {
        let mut out = padded(tables.scale.as_deref(), c, tables.flat.scale);
        out.extend(padded(tables.shift.as_deref(), c, tables.flat.shift));
        out.extend(padded(tables.slope.as_deref(), c, tables.flat.slope));
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
