//! Host side of shaders/image/fit.wgsl: where the crops of faces lie. It writes the records of image/warp.

pub(crate) use super::warp::Look;
use crate::recording::{Caps, Launch};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) faces: u32,
    pub(crate) landmarks: u32,
    pub(crate) placement: u32,
    pub(crate) points: u32,
    pub(crate) averaged: u32,
    pub(crate) origin: u32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) photo_width: f32,
    pub(crate) photo_height: f32,
    pub(crate) margin_x: f32,
    pub(crate) margin_y: f32,
    pub(crate) eyes: [f32; 4],
    pub(crate) onto: [[f32; 4]; 5],
}

/// Values of [`Params::placement`].
pub(crate) mod placement {
    pub(crate) const SIMILARITY: u32 = 0;
    pub(crate) const AFFINE: u32 = 1;
    pub(crate) const GROWN: u32 = 2;
    pub(crate) const STRETCHED: u32 = 3;
    pub(crate) const LEVEL: u32 = 4;
}

/// The fits of `params.faces` faces of `4 + 2 * params.landmarks` numbers. It binds them and the looks.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    let (faces, numbers) = (u64::from(params.faces), 4 + 2 * u64::from(params.landmarks));
    let groups = caps.fold((params.faces as usize).div_ceil(64));
    Launch { shader: &shader::IMAGE_FIT, groups, params: bytemuck::bytes_of(params).to_vec(), flops: faces * numbers * 8 }
}
