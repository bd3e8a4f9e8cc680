//! Host side of shaders/image/piecewise.wgsl: pictures made of pieces of a photo.

pub(crate) use super::photo::Params;
use crate::tensor::Piece as Map;

/// Mirrors the shader's `Piece`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Piece {
    pub(crate) ax: f32,
    pub(crate) bx: f32,
    pub(crate) cx: f32,
    pub(crate) ay: f32,
    pub(crate) by: f32,
    pub(crate) cy: f32,
    pub(crate) alpha: f32,
    pub(crate) samples: u32,
    pub(crate) fax: f32,
    pub(crate) fbx: f32,
    pub(crate) fcx: f32,
    pub(crate) fay: f32,
    pub(crate) fby: f32,
    pub(crate) fcy: f32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// Pixels of a row of the output, which copies to textures want to be a multiple of 256 bytes.
pub(crate) fn pitch(width: u32) -> u32 {
    width.next_multiple_of(64)
}

/// The record of a piece.
pub(crate) fn record(map: &Map) -> Piece {
    let ([ax, bx, cx, ay, by, cy], [fax, fbx, fcx, fay, fby, fcy]) = (map.transform, map.fill);
    Piece { ax, bx, cx, ay, by, cy, alpha: map.alpha, samples: map.samples(), fax, fbx, fcx, fay, fby, fcy, pad0: 0, pad1: 0 }
}
