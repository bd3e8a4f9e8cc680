//! Pictures into the first input of a plan: upload and one dispatch of image/warp, encoded before the plan.

use super::memory::Buffer;
use super::{Gpu, Instance};
use crate::error::{Error, Result};
use crate::kernels::image::warp;
use crate::model::InputDescription;
use crate::recording::Port;
use crate::shader;
use crate::tensor::PictureView;

/// Buffers of one batch of pictures, alive until its submission is done.
#[derive(Debug)]
pub(crate) struct Warp {
    bind_group: wgpu::BindGroup,
    groups: [u32; 3],
    _buffers: [Buffer; 3],
}

impl Warp {
    /// Uploads the pictures and binds them to the input of `instance`, which has to be fed packed.
    ///
    /// # Errors
    /// Pictures that do not fit their sizes, or too little memory.
    pub(crate) fn new(gpu: &Gpu, instance: &Instance, input: &InputDescription, pictures: &[PictureView<'_>]) -> Result<Self> {
        let Port { source, shape, .. } = instance.plan.inputs.first().ok_or_else(|| Error::Model("The model has no input.".to_owned()))?;
        let &[_, _, height, width] = shape.dims() else {
            return Err(Error::Caller(format!("The model takes {shape}; pictures fit inputs of four dimensions (N, C, H, W).")));
        };
        let (bytes, records) = warp::gather(pictures)?;
        let params = warp::params(input, width, height);
        if bytes.len() as u64 > gpu.caps().max_binding {
            return Err(Error::Limits(format!(
                "The pictures of one batch have {} bytes, but this device binds at most {}. Use a smaller batch.",
                bytes.len(),
                gpu.caps().max_binding
            )));
        }
        let usage = wgpu::BufferUsages::STORAGE;
        let pixels = gpu.buffer("pictures", bytes.len() as u64, usage, Some(&bytes))?;
        let table = bytemuck::cast_slice(&records);
        let table = gpu.buffer("pictures", table.len() as u64, usage, Some(table))?;
        let params = gpu.buffer("pictures", 48, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(&params)))?;
        let pipeline = gpu.pipeline(&shader::IMAGE_WARP)?;
        let bind_group = gpu.scoped("the bindings of the pictures", 0, || {
            let resources = [&params.raw, &pixels.raw, &table.raw, instance.raw(*source)];
            let entries: Vec<_> = resources
                .iter()
                .enumerate()
                .map(|(i, b)| wgpu::BindGroupEntry { binding: i as u32, resource: b.as_entire_binding() })
                .collect();
            let label = Some("image/warp");
            gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label, layout: &pipeline.layout, entries: &entries })
        })?;
        let groups = [width.div_ceil(8) as u32, height.div_ceil(8) as u32, pictures.len() as u32];
        Ok(Self { bind_group, groups, _buffers: [pixels, table, params] })
    }

    /// Records the dispatch.
    pub(crate) fn encode(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder) {
        // `new` has built it.
        let Ok(pipeline) = gpu.pipeline(&shader::IMAGE_WARP) else { return };
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("image/warp"), timestamp_writes: None });
        pass.set_pipeline(&pipeline.raw);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(self.groups[0], self.groups[1], self.groups[2]);
    }
}
