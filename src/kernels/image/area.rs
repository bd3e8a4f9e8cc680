//! Host side of shaders/image/area.wgsl: rectangles of a photo, resized by averaging.

pub(crate) use super::photo::Params;

/// Mirrors the shader's `Look`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Look {
    pub(crate) slot: u32,
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) pad0: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
    pub(crate) pad1: u32,
    pub(crate) pad2: u32,
    pub(crate) pad3: [u32; 4],
}

// Records of both kinds share a table and are counted from its beginning.
const _: () = assert!(size_of::<Look>() == size_of::<super::warp::Look>());

/// The record of input `slot`.
pub(crate) fn record(slot: usize, [left, top]: [i32; 2], [w, h]: [u32; 2]) -> Look {
    Look { slot: slot as u32, left, top, pad0: 0, w, h, pad1: 0, pad2: 0, pad3: [0; 4] }
}
