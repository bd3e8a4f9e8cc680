//! Host side of shaders/movement/gather.wgsl.

use super::copy::MOST_AXES;
use crate::error::{Error, Result};
use crate::recording::{Recorder, Source, plain_bytes};
use crate::shader;
use crate::tensor::{Shape, strides};

/// Mirrors the shader's `Axis`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Axis {
    pub(crate) size: u32,
    pub(crate) stride: u32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) axes: [Axis; MOST_AXES],
    pub(crate) depth: u32,
    pub(crate) tuples: u32,
    pub(crate) inner: u32,
    pub(crate) total: u32,
    pub(crate) x_batch: u32,
    pub(crate) index_batch: u32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// What is picked: x is seen as `[batch axes][picked axes][the rest]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    /// Leading axes that every tuple of indices leaves alone.
    pub(crate) batch: usize,
    /// Axes that a tuple of indices picks from.
    pub(crate) depth: usize,
    /// Tuples of indices for a batch.
    pub(crate) tuples: usize,
    /// Whether all batches share their indices.
    pub(crate) shared: bool,
}

/// Records the picking from row-major `x` of the shape `from`; the result is row-major.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, pick: Pick, (x, from): (Source, &Shape), indices: Source) -> Result<Source> {
    if pick.depth > MOST_AXES {
        return Err(Error::Unsupported(format!(
            "The layer `{label}` picks by tuples of {} indices, and at most {MOST_AXES} are supported.",
            pick.depth
        )));
    }
    let batches: usize = from[..pick.batch].iter().product();
    let inner: usize = from[pick.batch + pick.depth..].iter().product();
    let own = strides(from);
    // Whole vec4s move where slices consist of them.
    let unit = if inner.is_multiple_of(4) { 4 } else { 1 };
    let mut axes = [Axis::default(); MOST_AXES];
    for (k, axis) in axes.iter_mut().enumerate().take(pick.depth) {
        let place = pick.batch + k;
        *axis = Axis { size: from[place] as u32, stride: (own[place] / unit) as u32, ..Axis::default() };
    }
    let total = batches * pick.tuples * inner;
    let params = Params {
        axes,
        depth: pick.depth as u32,
        tuples: pick.tuples as u32,
        inner: (inner / unit) as u32,
        total: (total / unit) as u32,
        x_batch: (from.len() / batches / unit) as u32,
        index_batch: if pick.shared { 0 } else { (pick.tuples * pick.depth) as u32 },
        pad0: 0,
        pad1: 0,
    };
    let shader = if unit == 4 { &shader::MOVEMENT_GATHER_VEC4 } else { &shader::MOVEMENT_GATHER_F32 };
    let y = rec.tensor(plain_bytes(&Shape::from([total])));
    let groups = rec.fold((total / unit).div_ceil(64));
    rec.dispatch(shader, label, groups, &params, &[x, indices, y], 0)?;
    Ok(y)
}
