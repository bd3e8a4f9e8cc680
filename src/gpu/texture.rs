//! Tensors as textures, for kernels that load through texel fetches (`shaders/shared/texel.wgsl`).
//!
//! Constants are uploaded as textures. An activation is written by its kernel to a buffer, and fetched from a texture on the same memory
//! ([`super::shared_memory`]) or one that it is copied to ([`super::mirrors`]); on the software adapters this is for, a copy is a `memcpy`.

use std::sync::Arc;

use super::Gpu;
use super::memory::{Budget, Buffer};
use super::shared_memory::Rows;
use crate::error::{Error, Result};
use crate::shader::BindingKind;

/// Texels of a row, as in shaders/shared/texel.wgsl.
pub(super) const ROW: u64 = 1024;
/// Bytes of a row.
pub(super) const ROW_BYTES: u64 = ROW * 16;

/// A texture of vec4s; its bytes return to the budget when it is dropped.
#[derive(Debug)]
pub(super) struct Texture {
    pub(super) raw: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    bytes: u64,
    budget: Arc<Budget>,
}

impl Drop for Texture {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

impl Gpu {
    /// Allocates a texture of at least `size` bytes for `what`.
    pub(super) fn texture(&self, what: &str, size: u64, kind: BindingKind) -> Result<Texture> {
        let height = self.rows(what, size)?;
        let bytes = self.take_rows(what, height)?;
        let budget = &self.inner.budget;
        let descriptor = wgpu::TextureDescriptor {
            label: Some(what),
            size: extent(height),
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: format_of(kind),
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        };
        let raw = self.scoped(what, bytes, || self.device().create_texture(&descriptor)).inspect_err(|_| budget.give(bytes))?;
        Ok(Texture::new(raw, bytes, Arc::clone(budget)))
    }

    /// The same, filled: `fill` writes all of `size` bytes.
    pub(super) fn filled_texture(&self, what: &str, size: u64, kind: BindingKind, fill: &dyn Fn(&mut [u8])) -> Result<Texture> {
        let fill_rows = |rows: &mut [u8]| {
            let (own, rest) = rows.split_at_mut((size as usize).min(rows.len()));
            fill(own);
            rest.fill(0);
        };
        if self.shares_memory() {
            let height = self.rows(what, size)?;
            let bytes = self.take_rows(what, height)?;
            let budget = &self.inner.budget;
            // Written where it stays, not to a buffer that is copied there.
            if let Some(shared) = self.shared(&Rows { what, width: ROW as u32, rows: height, format: format_of(kind) }, fill_rows) {
                return Ok(Texture::new(shared.texture, bytes, Arc::clone(budget)));
            }
            budget.give(bytes);
        }
        let texture = self.texture(what, size, kind)?;
        let mut rows = vec![0; texture.bytes as usize];
        fill_rows(&mut rows);
        let size = texture.raw.size();
        self.scoped(what, texture.bytes, || self.queue().write_texture(texture.raw.as_image_copy(), &rows, row_layout(0), size))?;
        Ok(texture)
    }

    /// A buffer of at least `size` bytes and a texture of the same memory. `None` where this device has no such thing, or none as large.
    pub(super) fn buffer_and_texture(&self, what: &str, size: u64) -> Result<Option<(Buffer, Texture)>> {
        if !self.shares_memory() {
            return Ok(None);
        }
        let Ok(rows) = self.rows(what, size) else { return Ok(None) };
        let bytes = self.take_rows(what, rows)?;
        let budget = &self.inner.budget;
        let Some(shared) = self.shared(&Rows { what, width: ROW as u32, rows, format: format_of(BindingKind::Texture) }, |_| ()) else {
            budget.give(bytes);
            return Ok(None);
        };
        let texture = Texture::new(shared.texture, 0, Arc::clone(budget));
        Ok(Some((Buffer::new(shared.buffer, bytes, Arc::clone(budget)), texture)))
    }

    /// Takes the bytes of `rows` rows from the budget.
    fn take_rows(&self, what: &str, rows: u32) -> Result<u64> {
        let bytes = u64::from(rows) * ROW_BYTES;
        self.inner.budget.take(bytes).map_err(|limit| Error::OutOfMemory { what: what.to_owned(), wanted: bytes, limit })?;
        Ok(bytes)
    }

    /// Rows of a texture of at least `size` bytes: never a power of two, if there is room for one more. Mesa's software driver compiles a shader again for
    /// every combination of textures whose height is one and whose height is not.
    fn rows(&self, what: &str, size: u64) -> Result<u32> {
        let most = self.device().limits().max_texture_dimension_2d;
        let rows = size.div_ceil(ROW_BYTES).max(1);
        match u32::try_from(rows) {
            Ok(rows) if rows < most && rows.is_power_of_two() => Ok(rows.max(2) + 1),
            Ok(rows) if rows <= most => Ok(rows),
            _ => Err(Error::Limits(format!(
                "A texture for {what} would have {rows} rows, but this device allows {most}. Use a smaller batch."
            ))),
        }
    }
}

fn extent(height: u32) -> wgpu::Extent3d {
    wgpu::Extent3d { width: ROW as u32, height, depth_or_array_layers: 1 }
}

fn format_of(kind: BindingKind) -> wgpu::TextureFormat {
    if kind == BindingKind::TextureUint { wgpu::TextureFormat::Rgba32Uint } else { wgpu::TextureFormat::Rgba32Float }
}

impl Texture {
    /// `bytes` were taken from `budget`.
    fn new(raw: wgpu::Texture, bytes: u64, budget: Arc<Budget>) -> Self {
        let view = raw.create_view(&wgpu::TextureViewDescriptor::default());
        Self { raw, view, bytes, budget }
    }

    /// Bytes it has room for.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes whole texels from number `first` on: what is left of a row, whole rows, and the beginning of another.
    pub(super) fn write(&self, gpu: &Gpu, first: u64, content: &[u8]) {
        let (mut at, mut rest) = (first, content);
        while !rest.is_empty() {
            let (x, y) = (at % ROW, at / ROW);
            let texels = (rest.len() as u64).div_ceil(16);
            let (width, height) = if x == 0 && texels >= ROW { (ROW, texels / ROW) } else { (texels.min(ROW - x), 1) };
            let (part, tail) = rest.split_at(((width * height * 16) as usize).min(rest.len()));
            let mut to = self.raw.as_image_copy();
            to.origin = wgpu::Origin3d { x: x as u32, y: y as u32, z: 0 };
            let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some((width * 16) as u32), rows_per_image: None };
            let extent = wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 };
            gpu.queue().write_texture(to, part, layout, extent);
            at += width * height;
            rest = tail;
        }
    }
}

pub(super) fn row_layout(offset: u64) -> wgpu::TexelCopyBufferLayout {
    wgpu::TexelCopyBufferLayout { offset, bytes_per_row: Some(ROW_BYTES as u32), rows_per_image: None }
}
