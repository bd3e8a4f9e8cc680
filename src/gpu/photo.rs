//! Pictures on the device.

mod piecewise;

use std::sync::Arc;

use super::Gpu;
use super::memory::Budget;
use crate::error::{Error, Result};
use crate::tensor::Look;

/// A decoded picture on the device: uploaded once, looked at by any number of networks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Photo {
    memory: Arc<Memory>,
    width: u32,
    height: u32,
    /// Pixels of a texture row: the width, or a power of two for a picture that is longer than a texture can be.
    pitch: u32,
}

#[derive(Debug)]
struct Memory {
    view: wgpu::TextureView,
    bytes: u64,
    budget: Arc<Budget>,
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

/// A photo and what a network sees of it.
#[derive(Clone, Copy, Debug)]
pub struct PhotoView<'a> {
    /// The photo.
    pub photo: &'a Photo,
    /// Where the network's input pixels lie in it.
    pub look: Look,
}

impl Photo {
    /// Uploads 8-bit RGB pixels, rows without gaps: `3 * width * height` bytes.
    ///
    /// # Errors
    /// Bytes that do not fit the size, more pixels than a texture of this device holds, or too little memory.
    pub fn upload(gpu: &Gpu, rgb: &[u8], width: u32, height: u32) -> Result<Self> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || rgb.len() as u64 != pixels * 3 {
            return Err(Error::Caller(format!(
                "The picture has {} bytes, but {width}x{height} pixels of RGB are {}. Give 8-bit RGB rows without gaps.",
                rgb.len(),
                pixels * 3
            )));
        }
        let side = gpu.device().limits().max_texture_dimension_2d;
        let pitch = if width.max(height) <= side { width } else { 1 << side.ilog2() };
        let rows = pixels.div_ceil(u64::from(pitch));
        let Some(rows) = u32::try_from(rows).ok().filter(|&r| r <= side) else {
            return Err(Error::Limits(format!(
                "The picture has {width}x{height} pixels, but a texture of this device holds {side}x{side}. Make it smaller."
            )));
        };
        let mut rgba = Vec::with_capacity(rows as usize * pitch as usize * 4);
        rgb.chunks_exact(3).for_each(|p| rgba.extend_from_slice(&[p[0], p[1], p[2], 255]));
        rgba.resize(rows as usize * pitch as usize * 4, 0);
        let extent = wgpu::Extent3d { width: pitch, height: rows, depth_or_array_layers: 1 };
        let (raw, photo) = blank(gpu, extent, [width, height])?;
        gpu.scoped("a picture", 0, || {
            let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch * 4), rows_per_image: None };
            gpu.queue().write_texture(raw.as_image_copy(), &rgba, layout, extent);
        })?;
        Ok(photo)
    }

    /// A picture that the caller has on this device: a texture of 8-bit RGBA or BGRA (not sRGB: numbers are taken as they are), usable as
    /// `TEXTURE_BINDING`. It is read while networks run, so write to it before or after, not meanwhile.
    ///
    /// # Errors
    /// Another format or usage.
    pub fn from_texture(gpu: &Gpu, texture: &wgpu::Texture) -> Result<Self> {
        let fits = matches!(texture.format(), wgpu::TextureFormat::Rgba8Unorm | wgpu::TextureFormat::Bgra8Unorm)
            && texture.dimension() == wgpu::TextureDimension::D2
            && texture.sample_count() == 1
            && texture.usage().contains(wgpu::TextureUsages::TEXTURE_BINDING);
        if !fits {
            return Err(Error::Caller(format!(
                "The texture is {:?} with the usage {:?}. Give a 2-D texture of Rgba8Unorm or Bgra8Unorm with TEXTURE_BINDING.",
                texture.format(),
                texture.usage()
            )));
        }
        let descriptor = wgpu::TextureViewDescriptor {
            dimension: Some(wgpu::TextureViewDimension::D2),
            mip_level_count: Some(1),
            array_layer_count: Some(1),
            ..wgpu::TextureViewDescriptor::default()
        };
        let view = gpu.scoped("the view of a texture", 0, || texture.create_view(&descriptor))?;
        let (width, height) = (texture.width(), texture.height());
        Ok(Self { memory: Arc::new(Memory { view, bytes: 0, budget: Arc::clone(&gpu.inner.budget) }), width, height, pitch: width })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    pub(super) fn view(&self) -> &wgpu::TextureView {
        &self.memory.view
    }

    /// Width, height and pixels of a texture row.
    pub(super) fn layout(&self) -> [u32; 3] {
        [self.width, self.height, self.pitch]
    }

    /// Whether both are the same photo.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.memory, &other.memory)
    }
}

/// A texture of `extent` for a photo of `size` = width, height, to be filled by a copy.
fn blank(gpu: &Gpu, extent: wgpu::Extent3d, [width, height]: [u32; 2]) -> Result<(wgpu::Texture, Photo)> {
    let bytes = u64::from(extent.width) * u64::from(extent.height) * 4;
    let budget = &gpu.inner.budget;
    budget.take(bytes).map_err(|limit| Error::OutOfMemory { what: "a picture".to_owned(), wanted: bytes, limit })?;
    let made = gpu.scoped("a picture", bytes, || {
        let raw = gpu.device().create_texture(&wgpu::TextureDescriptor {
            label: Some("photo"),
            size: extent,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = raw.create_view(&wgpu::TextureViewDescriptor::default());
        (raw, view)
    });
    let (raw, view) = made.inspect_err(|_| budget.give(bytes))?;
    let memory = Arc::new(Memory { view, bytes, budget: Arc::clone(budget) });
    Ok((raw, Photo { memory, width, height, pitch: extent.width }))
}
