//! Host side of shaders/sample/grid.wgsl.

use crate::error::Result;
use crate::graph::{GridMode, GridPadding, GridSample};
use crate::recording::{Packed, Recorder, Source};
use crate::shader;
use crate::tensor::{Shape, strides};

/// Mirrors the shader's `Axis`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Axis {
    pub(crate) size: u32,
    pub(crate) stride: u32,
    pub(crate) taps: u32,
    pub(crate) coordinate: u32,
}

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) axes: [Axis; 3],
    pub(crate) channels: u32,
    pub(crate) places: u32,
    pub(crate) total: u32,
    pub(crate) rank: u32,
    pub(crate) x_batch: u32,
    pub(crate) x_channel: u32,
    pub(crate) padding: u32,
    pub(crate) align: u32,
}

/// Whether maps of this rank are sampled packed.
pub(crate) fn is_packed(rank: usize) -> bool {
    rank <= 4
}

/// Records the sampling of `x`, of the shape `from` and packed as [`is_packed`] says, at the places of `grid`; the result has the shape
/// `to` and is laid out like `x`.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    sample: &GridSample,
    (x, from): (Source, &Shape),
    grid: Source,
    to: &Shape,
) -> Result<Source> {
    let spatial = from.rank() - 2;
    let packed = Packed::of(from).zip(Packed::of(to)).filter(|_| is_packed(from.rank()));
    let memory = packed.map_or_else(|| strides(from), |(p, _)| p.strides(from).iter().map(|s| s / 4).collect());
    let taps = match sample.mode {
        GridMode::Nearest => 1,
        GridMode::Linear => 2,
        GridMode::Cubic => 4,
    };
    let mut axes = [Axis { size: 1, stride: 0, taps: 1, coordinate: 3 }; 3];
    for (i, axis) in axes.iter_mut().skip(3 - spatial).enumerate() {
        *axis = Axis { size: from[2 + i] as u32, stride: memory[2 + i] as u32, taps, coordinate: (spatial - 1 - i) as u32 };
    }
    let places: usize = to[2..].iter().product();
    let channels = packed.map_or(from[1], |(p, _)| p.c4());
    let total = from[0] * channels * places;
    let params = Params {
        axes,
        channels: channels as u32,
        places: places as u32,
        total: total as u32,
        rank: spatial as u32,
        x_batch: memory[0] as u32,
        x_channel: if packed.is_some() { 1 } else { memory[1] as u32 },
        padding: match sample.padding {
            GridPadding::Zeros => 0,
            GridPadding::Border => 1,
            GridPadding::Reflection => 2,
        },
        align: u32::from(sample.align_corners),
    };
    let (shader, unit) = if packed.is_some() { (&shader::SAMPLE_GRID_MAPS, 4) } else { (&shader::SAMPLE_GRID_VOLUMES, 1) };
    let y = rec.tensor((total * unit * 4) as u64);
    let groups = rec.fold(total.div_ceil(64));
    let terms = (taps as usize).pow(spatial as u32);
    rec.dispatch(shader, label, groups, &params, &[x, grid, y], (from[0] * from[1] * places * terms * 2) as u64)?;
    Ok(y)
}
