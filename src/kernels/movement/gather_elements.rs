//! Host side of shaders/movement/gather_elements.wgsl.

use super::copy::MOST_AXES;
use crate::error::{Error, Result};
use crate::recording::{Recorder, Source, plain_bytes};
use crate::shader;
use crate::tensor::{Shape, strides};

pub(crate) use super::gather::Axis;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    /// The last dimension first.
    pub(crate) axes: [Axis; MOST_AXES],
    pub(crate) rank: u32,
    pub(crate) total: u32,
    pub(crate) size: u32,
    pub(crate) stride: u32,
}

/// Records the picking along `axis` from row-major `x` of the shape `from` to the shape of the indices.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    axis: usize,
    (x, from): (Source, &Shape),
    (indices, to): (Source, &Shape),
) -> Result<Source> {
    if to.rank() > MOST_AXES {
        return Err(Error::Unsupported(format!(
            "The layer `{label}` picks from a tensor of {} dimensions, and at most {MOST_AXES} are supported.",
            to.rank()
        )));
    }
    let own = strides(from);
    let mut axes = [Axis { size: 1, ..Axis::default() }; MOST_AXES];
    for (k, place) in (0..to.rank()).rev().enumerate() {
        let stride = if place == axis { 0 } else { own[place] as u32 };
        axes[k] = Axis { size: to[place] as u32, stride, ..Axis::default() };
    }
    let params = Params { axes, rank: to.rank() as u32, total: to.len() as u32, size: from[axis] as u32, stride: own[axis] as u32 };
    let y = rec.tensor(plain_bytes(to));
    let groups = rec.fold(to.len().div_ceil(64));
    rec.dispatch(&shader::MOVEMENT_GATHER_ELEMENTS, label, groups, &params, &[x, indices, y], 0)?;
    Ok(y)
}
