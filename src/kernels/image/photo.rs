//! What the kernels that read photos (shaders/shared/photo.wgsl) have in common. They run before a plan, on inputs that change with every
//! batch, so they are not recorded but encoded directly.

use crate::model::{Channels, InputDescription};

/// Mirrors the shaders' `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) out_w: u32,
    pub(crate) out_h: u32,
    pub(crate) order: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pitch: u32,
    pub(crate) first: u32,
    pub(crate) pad0: u32,
    pub(crate) mean: [f32; 4],
    pub(crate) scale: [f32; 4],
}

/// Channels of a network input in this order.
pub(crate) fn channel_count(channels: Channels) -> usize {
    if channels == Channels::Gray { 1 } else { 3 }
}

/// The `Params` for a network input of `out` = width, height from a photo of `photo` = width, height, pitch.
pub(crate) fn params(input: &InputDescription, out: [u32; 2], photo: [u32; 3], first: usize) -> Params {
    let order = match input.channels {
        Channels::Rgb => 0,
        Channels::Bgr => 1,
        Channels::Gray => 2,
    };
    let keep = channel_count(input.channels);
    let table = |v: [f32; 3]| std::array::from_fn(|i| if i < keep { v[i] } else { 0.0 });
    let [width, height, pitch] = photo;
    let [out_w, out_h] = out;
    Params { out_w, out_h, order, width, height, pitch, first: first as u32, pad0: 0, mean: table(input.mean), scale: table(input.scale) }
}
