//! Crops of photos, back on the host.

use super::Gpu;
use super::photo::{Photo, PhotoView};
use super::warp::Warp;
use crate::error::Result;
use crate::model::InputDescription;
use crate::tensor::Look;

impl Photo {
    /// What networks would see, as 8-bit RGB pictures of `size` = width, height, in order: crops to look at or to keep.
    ///
    /// # Errors
    /// As [`crate::network::Network::run_photos`].
    pub fn render(&self, gpu: &Gpu, looks: &[Look], size: [u32; 2]) -> Result<Vec<Vec<u8>>> {
        let pixels = size[0] as usize * size[1] as usize;
        if looks.is_empty() || pixels == 0 {
            return Ok(vec![Vec::new(); looks.len()]);
        }
        let bytes = (pixels * looks.len() * 16) as u64;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let target = gpu.buffer("crops", bytes, usage, None)?;
        let staging = gpu.buffer("crops", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
        let views: Vec<_> = looks.iter().map(|&look| PhotoView { photo: self, look }).collect();
        let warp = Warp::new(gpu, &target.raw, size, &InputDescription::default(), &views)?;
        let submission = gpu.scoped("cropping", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike crops") });
            warp.encode(&mut encoder);
            encoder.copy_buffer_to_buffer(&target.raw, 0, &staging.raw, 0, bytes);
            gpu.queue().submit([encoder.finish()])
        })?;
        let bytes = gpu.read_back(&staging, submission, "crops")?;
        let grey = |level: &[u8]| f32::from_le_bytes([level[0], level[1], level[2], level[3]]).round() as u8;
        let picture = |crop: &[u8]| crop.chunks_exact(16).flat_map(|p| [grey(&p[..4]), grey(&p[4..8]), grey(&p[8..12])]).collect();
        Ok(bytes.chunks_exact(pixels * 16).take(looks.len()).map(picture).collect())
    }
}
