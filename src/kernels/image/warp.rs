//! Host side of shaders/image/warp.wgsl: decoded pictures to a network's input. It runs before a plan, on buffers whose sizes change
//! with every batch, so it is not recorded but encoded directly.

use crate::error::{Error, Result};
use crate::model::{Channels, InputDescription};
use crate::tensor::PictureView;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) out_w: u32,
    pub(crate) out_h: u32,
    pub(crate) order: u32,
    pub(crate) pad0: u32,
    pub(crate) mean: [f32; 4],
    pub(crate) scale: [f32; 4],
}

/// Mirrors the shader's `Picture`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Picture {
    pub(crate) first: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) samples: u32,
    pub(crate) ax: f32,
    pub(crate) bx: f32,
    pub(crate) cx: f32,
    pub(crate) ay: f32,
    pub(crate) by: f32,
    pub(crate) cy: f32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// Channels of a network input in this order.
pub(crate) fn channel_count(channels: Channels) -> usize {
    if channels == Channels::Gray { 1 } else { 3 }
}

/// The shader's `Params` for a network input of `width` x `height`.
pub(crate) fn params(input: &InputDescription, width: usize, height: usize) -> Params {
    let order = match input.channels {
        Channels::Rgb => 0,
        Channels::Bgr => 1,
        Channels::Gray => 2,
    };
    let keep = channel_count(input.channels);
    let table = |v: [f32; 3]| std::array::from_fn(|i| if i < keep { v[i] } else { 0.0 });
    Params { out_w: width as u32, out_h: height as u32, order, pad0: 0, mean: table(input.mean), scale: table(input.scale) }
}

/// Bytes of all pictures (each padded to four) and their records.
///
/// # Errors
/// A picture whose bytes do not fit its size, or a transform that is not finite.
pub(crate) fn gather(pictures: &[PictureView<'_>]) -> Result<(Vec<u8>, Vec<Picture>)> {
    let total: usize = pictures.iter().map(|p| p.rgb.len().next_multiple_of(4)).sum();
    let mut bytes = Vec::with_capacity(total.max(16));
    let mut records = Vec::with_capacity(pictures.len());
    for (i, p) in pictures.iter().enumerate() {
        p.check(i)?;
        let first = u32::try_from(bytes.len())
            .map_err(|_| Error::Limits("The pictures of one batch exceed 4 GiB. Use a smaller batch.".to_owned()))?;
        let [ax, bx, cx, ay, by, cy] = p.transform;
        records.push(Picture { first, width: p.width, height: p.height, samples: p.samples(), ax, bx, cx, ay, by, cy, pad0: 0, pad1: 0 });
        bytes.extend_from_slice(p.rgb);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    Ok((bytes, records))
}
