//! What a device really does: its subgroups, its copies.

use std::time::Instant;

use super::Gpu;
use crate::error::Result;
use crate::kernels::probe::subgroup::Params;
use crate::shader;

/// The subgroup size that this device really ran with, or `None` when there were several.
pub(super) fn subgroup_size(gpu: &Gpu) -> Result<Option<u32>> {
    const INVOCATIONS: u64 = 64;
    let out = gpu.buffer("the subgroup probe", INVOCATIONS * 4, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC, None)?;
    let params = gpu.buffer("the subgroup probe", 16, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(&Params { one: 1 })))?;
    let read = gpu.buffer("the subgroup probe", INVOCATIONS * 4, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
    let pipeline = gpu.pipeline(&shader::PROBE_SUBGROUP)?;
    let submission = gpu.scoped("the subgroup probe", 0, || {
        fn entry(binding: u32, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
            wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() }
        }
        let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.layout,
            entries: &[entry(0, &params.raw), entry(1, &out.raw)].map(|e: wgpu::BindGroupEntry<'_>| e),
        });
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(1, 1, 1);
        }
        encoder.copy_buffer_to_buffer(&out.raw, 0, &read.raw, 0, INVOCATIONS * 4);
        gpu.queue().submit([encoder.finish()])
    })?;
    let bytes = gpu.read_back(&read, submission, "the subgroup probe")?;
    let sizes: &[u32] = bytemuck::cast_slice(&bytes);
    let size = sizes.first().copied().unwrap_or(0);
    Ok(Some(size).filter(|&size| size > 0 && sizes.iter().all(|&s| s == size)))
}

impl Gpu {
    /// Seconds of one of `times` copies of `bytes` from one buffer to another, made by the driver.
    ///
    /// # Errors
    /// Too little memory; what makes the device unusable.
    pub(crate) fn copy_seconds(&self, bytes: u64, times: usize) -> Result<f64> {
        let buffer = || self.buffer("a copy", bytes, wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST, None);
        let (from, to) = (buffer()?, buffer()?);
        let run = |times: usize| {
            let submission = self.scoped("a copy", 0, || {
                let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                (0..times).for_each(|_| encoder.copy_buffer_to_buffer(&from.raw, 0, &to.raw, 0, bytes));
                self.queue().submit([encoder.finish()])
            })?;
            self.wait(submission, "a copy")
        };
        // The first one meets memory that nobody has touched.
        run(1)?;
        let start = Instant::now();
        run(times)?;
        Ok(start.elapsed().as_secs_f64() / times.max(1) as f64)
    }
}
