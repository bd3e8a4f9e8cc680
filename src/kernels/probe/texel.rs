//! Host side of shaders/probe/texel.wgsl; `gpu::probe` runs it before memory is shared between buffers and textures.

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) one: f32,
}
