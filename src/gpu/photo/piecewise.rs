//! Photos made of pieces of photos, without leaving the device.

use super::{Photo, blank};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::image::{photo, piecewise};
use crate::model::InputDescription;
use crate::shader;
use crate::tensor::Pieces;

impl Photo {
    /// The picture of these pieces. Every id has to be one of a piece.
    ///
    /// # Errors
    /// Too little memory, or an error of the device.
    pub(crate) fn piecewise(&self, gpu: &Gpu, picture: &Pieces) -> Result<Self> {
        let [width, height] = picture.size;
        let records: Vec<_> = picture.pieces.iter().map(piecewise::record).collect();
        let params = photo::params(&InputDescription::default(), picture.size, self.layout(), 0);
        let params =
            gpu.buffer("a picture of pieces", size_of_val(&params) as u64, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(&params)))?;
        let storage = |bytes: &[u8]| gpu.buffer("a picture of pieces", bytes.len() as u64, wgpu::BufferUsages::STORAGE, Some(bytes));
        let (records, ids) = (storage(bytemuck::cast_slice(&records))?, storage(bytemuck::cast_slice(&picture.ids))?);
        let pitch = piecewise::pitch(width) * 4;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let pixels = gpu.buffer("a picture of pieces", u64::from(pitch) * u64::from(height), usage, None)?;
        let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let (texture, photo) = blank(gpu, extent, picture.size)?;
        let pipeline = gpu.pipeline(&shader::IMAGE_PIECEWISE)?;
        gpu.scoped("a picture of pieces", 0, || {
            let resources = [
                params.raw.as_entire_binding(),
                wgpu::BindingResource::TextureView(self.view()),
                records.raw.as_entire_binding(),
                ids.raw.as_entire_binding(),
                pixels.raw.as_entire_binding(),
            ];
            let bind_group = pipeline.bind(gpu, "pieces", resources);
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike pieces") });
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike pieces"), timestamp_writes: None });
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(width.div_ceil(8), height.div_ceil(8), 1);
            drop(pass);
            let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch), rows_per_image: None };
            encoder.copy_buffer_to_texture(wgpu::TexelCopyBufferInfo { buffer: &pixels.raw, layout }, texture.as_image_copy(), extent);
            gpu.queue().submit([encoder.finish()])
        })?;
        Ok(photo)
    }
}
