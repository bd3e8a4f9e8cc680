//! Binding what a kernel takes, and recording a launch into commands.

use super::Gpu;
use super::pipelines::Pipeline;
use crate::error::Result;
use crate::recording::Launch;

impl Pipeline {
    /// A bind group of these resources in order.
    pub(super) fn bind<'r>(
        &self,
        gpu: &Gpu,
        label: &str,
        resources: impl IntoIterator<Item = wgpu::BindingResource<'r>>,
    ) -> wgpu::BindGroup {
        let entries: Vec<_> =
            resources.into_iter().enumerate().map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource }).collect();
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout: &self.layout, entries: &entries })
    }
}

impl Gpu {
    /// Records one launch; `resources` stand behind its parameters.
    ///
    /// # Errors
    /// Too little memory, a binding that the device does not take.
    pub(super) fn record<const N: usize>(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        launch: &Launch,
        resources: [wgpu::BindingResource<'_>; N],
    ) -> Result<()> {
        let pipeline = self.pipeline(launch.shader)?;
        let params = self.buffer("parameters", launch.params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&launch.params))?;
        let all = std::iter::once(params.raw.as_entire_binding()).chain(resources);
        let group = self.scoped(launch.shader.name, 0, || pipeline.bind(self, launch.shader.name, all))?;
        pass.set_pipeline(&pipeline.raw);
        pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = launch.groups;
        pass.dispatch_workgroups(x, y, z);
        Ok(())
    }
}
