//! What a device really does: its subgroups, its copies.

use std::time::Instant;

use super::Gpu;
use super::shared_memory::{Rows, SharedMemory};
use super::texture::{ROW, ROW_BYTES};
use crate::error::Result;
use crate::kernels::probe::{subgroup, texel};
use crate::recording::Launch;
use crate::shader;

/// The subgroup size that this device really ran with, or `None` when there were several.
pub(super) fn subgroup_size(gpu: &Gpu) -> Result<Option<u32>> {
    const INVOCATIONS: u64 = 64;
    let out = gpu.buffer("the subgroup probe", INVOCATIONS * 4, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC, None)?;
    let params =
        gpu.buffer("the subgroup probe", 16, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(&subgroup::Params { one: 1 })))?;
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

/// Whether a dispatch fetches through a texture what the dispatch before it in the same pass has stored to the buffer on the same memory.
fn shares_memory(gpu: &Gpu) -> Result<bool> {
    const ROWS: u32 = 3;
    let floats = ROWS as usize * ROW_BYTES as usize / 4;
    let ramp: Vec<f32> = (0..floats).map(|i| i as f32).collect();
    let rows = Rows { what: "the texture probe", width: ROW as u32, rows: ROWS, format: wgpu::TextureFormat::Rgba32Float };
    let shared = |content: &[f32]| gpu.shared(&rows, |bytes| bytes.copy_from_slice(bytemuck::cast_slice(content)));
    let blank = vec![0.0; floats];
    let (Some(a), Some(b), Some(c)) = (shared(&ramp), shared(&blank), shared(&blank)) else { return Ok(false) };
    let bytes = u64::from(ROWS) * ROW_BYTES;
    let read = gpu.buffer("the texture probe", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
    let launch = Launch {
        shader: &shader::PROBE_TEXEL,
        groups: [(floats / 4 / 64) as u32, 1, 1],
        params: bytemuck::bytes_of(&texel::Params { one: 1.0 }).to_vec(),
        flops: 0,
    };
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let mut step = |from: &SharedMemory, to: &SharedMemory| {
            let view = from.texture.create_view(&wgpu::TextureViewDescriptor::default());
            gpu.record(&mut pass, &launch, [wgpu::BindingResource::TextureView(&view), to.buffer.as_entire_binding()])
        };
        // Twice there and back: nothing but the order of dispatches stands between them.
        step(&a, &b)?;
        step(&b, &c)?;
        step(&c, &b)?;
        step(&b, &c)?;
    }
    encoder.copy_buffer_to_buffer(&c.buffer, 0, &read.raw, 0, bytes);
    let submission = gpu.scoped("the texture probe", 0, || gpu.queue().submit([encoder.finish()]))?;
    let bytes = gpu.read_back(&read, submission, "the texture probe")?;
    let got: &[f32] = bytemuck::try_cast_slice(&bytes).unwrap_or_default();
    Ok(got.len() == floats && got.iter().zip(&ramp).all(|(got, x)| *got == x + 4.0))
}

impl Gpu {
    /// Whether kernels of this device can fetch what lies in a buffer ([`super::shared_memory`]). Found out when it is first asked.
    pub(super) fn shares_memory(&self) -> bool {
        let worth_asking = self.inner.shared_memory && self.adapter().driver == "llvmpipe" && self.adapter().backend == "vulkan";
        *self.inner.shares_memory.get_or_init(|| worth_asking && shares_memory(self).unwrap_or(false))
    }

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
