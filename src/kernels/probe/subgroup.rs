//! Host side of shaders/probe/subgroup.wgsl; `gpu::probe` runs it when a device is opened.

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) one: u32,
}
