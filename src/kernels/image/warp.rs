//! Host side of shaders/image/warp.wgsl: affine warps of a photo.

pub(crate) use super::photo::Params;
use crate::tensor::Border;

/// Mirrors the shader's `Look`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Look {
    pub(crate) slot: u32,
    pub(crate) samples: u32,
    pub(crate) black: u32,
    pub(crate) wrong: u32,
    pub(crate) ax: f32,
    pub(crate) bx: f32,
    pub(crate) cx: f32,
    pub(crate) ay: f32,
    pub(crate) by: f32,
    pub(crate) cy: f32,
    pub(crate) residual: f32,
    pub(crate) scale: f32,
}

/// The record of input `slot`.
pub(crate) fn record(slot: usize, transform: [f32; 6], border: Border, samples: u32) -> Look {
    let [ax, bx, cx, ay, by, cy] = transform;
    Look { slot: slot as u32, samples, black: u32::from(border == Border::Black), ax, bx, cx, ay, by, cy, ..Look::default() }
}
