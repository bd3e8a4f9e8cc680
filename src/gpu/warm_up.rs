//! Mesa's lavapipe compiles a pipeline when it is first dispatched, one after the other, on the thread of its queue. Dispatches of no
//! workgroups make it do so while the host packs weights.

use super::Gpu;
use super::exec::PARAMS_ALIGNMENT;
use crate::error::Result;
use crate::recording::Plan;
use crate::shader::{BindingKind, Shader};

/// Bytes of what stands in for operands.
const BYTES: u64 = 1024;

impl Gpu {
    /// Submits a dispatch of nothing for each of these shaders of a plan and does not wait.
    ///
    /// # Errors
    /// Too little memory, a lost device.
    pub(super) fn warm_up(&self, plan: &Plan, shaders: &[&'static Shader]) -> Result<()> {
        if !self.caps().textures || shaders.is_empty() {
            return Ok(());
        }
        let what = "compiling kernels";
        let launches: Vec<_> = shaders.iter().filter_map(|s| plan.dispatches.iter().find(|d| d.shader == *s)).collect();
        // Parameters of the plan: the driver may compile for what it finds there.
        let stride = launches.iter().map(|d| d.params.len().next_multiple_of(PARAMS_ALIGNMENT)).max().unwrap_or(PARAMS_ALIGNMENT);
        let mut params = vec![0; launches.len() * stride];
        params.chunks_exact_mut(stride).zip(&launches).for_each(|(to, d)| to[..d.params.len()].copy_from_slice(&d.params));
        let params = self.buffer(what, params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&params))?;
        let storage = || self.buffer(what, BYTES, wgpu::BufferUsages::STORAGE, None);
        let (read, write) = (storage()?, storage()?);
        // Heights are those of the textures to come, which are never powers of two: compiled code depends on that.
        let [floats, integers] = [self.texture(what, BYTES, BindingKind::Texture)?, self.texture(what, BYTES, BindingKind::TextureUint)?];
        let pipelines = launches.iter().map(|d| self.pipeline(d.shader)).collect::<Result<Vec<_>>>()?;
        self.scoped(what, 0, || {
            let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(what) });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(what), timestamp_writes: None });
            for (i, (launch, pipeline)) in launches.iter().zip(&pipelines).enumerate() {
                let resource = |kind: &BindingKind| match kind {
                    BindingKind::Uniform => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &params.raw,
                        offset: (i * stride) as u64,
                        size: std::num::NonZeroU64::new(launch.params.len() as u64),
                    }),
                    BindingKind::Read => read.raw.as_entire_binding(),
                    BindingKind::Write => write.raw.as_entire_binding(),
                    BindingKind::Texture => wgpu::BindingResource::TextureView(&floats.view),
                    BindingKind::TextureUint => wgpu::BindingResource::TextureView(&integers.view),
                };
                let group = pipeline.bind(self, launch.shader.name, launch.shader.bindings.iter().map(resource));
                pass.set_pipeline(&pipeline.raw);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(0, 0, 0);
            }
            drop(pass);
            self.queue().submit([encoder.finish()]);
        })
    }
}
