//! Mesa's lavapipe compiles a pipeline when it is first dispatched, one after the other, on the thread of its queue. Dispatches of no
//! workgroups make it do so while the host packs weights.

use std::sync::Arc;

use super::Gpu;
use super::pipelines::Pipeline;
use crate::error::Result;
use crate::shader::{BindingKind, Shader};

/// Bytes of the buffers that stand in for operands and parameters: more than any `Params`.
const BYTES: u64 = 1024;

impl Gpu {
    /// Submits a dispatch of nothing for each of these pipelines and does not wait.
    ///
    /// # Errors
    /// Too little memory, a lost device.
    pub(super) fn warm_up(&self, pipelines: &[(&'static Shader, Arc<Pipeline>)]) -> Result<()> {
        if !self.caps().textures || pipelines.is_empty() {
            return Ok(());
        }
        let what = "compiling kernels";
        let uniform = self.buffer(what, BYTES, wgpu::BufferUsages::UNIFORM, None)?;
        let [read, write] =
            [self.buffer(what, BYTES, wgpu::BufferUsages::STORAGE, None)?, self.buffer(what, BYTES, wgpu::BufferUsages::STORAGE, None)?];
        // Heights are those of the textures to come, which are never powers of two: compiled code depends on that.
        let [floats, integers] = [self.texture(what, BYTES, BindingKind::Texture)?, self.texture(what, BYTES, BindingKind::TextureUint)?];
        let resource = |kind: &BindingKind| match kind {
            BindingKind::Uniform => uniform.raw.as_entire_binding(),
            BindingKind::Read => read.raw.as_entire_binding(),
            BindingKind::Write => write.raw.as_entire_binding(),
            BindingKind::Texture => wgpu::BindingResource::TextureView(&floats.view),
            BindingKind::TextureUint => wgpu::BindingResource::TextureView(&integers.view),
        };
        self.scoped(what, 0, || {
            let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(what) });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(what), timestamp_writes: None });
            for (shader, pipeline) in pipelines {
                let group = pipeline.bind(self, shader.name, shader.bindings.iter().map(resource));
                pass.set_pipeline(&pipeline.raw);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(0, 0, 0);
            }
            drop(pass);
            self.queue().submit([encoder.finish()]);
        })
    }
}
