//! Tensors as textures, for kernels that load through texel fetches (`shaders/shared/texel.wgsl`).
//!
//! Constants are uploaded as textures. An activation is written by its kernel to a buffer and copied to a texture before the first kernel
//! that fetches it; on the software adapters this is for, that is a `memcpy`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::Gpu;
use super::memory::{Budget, Buffer};
use crate::error::{Error, Result};
use crate::recording::{Plan, Source};
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
    /// Allocates a texture of at least `size` bytes for `what`, filled with `content`.
    pub(super) fn texture(&self, what: &str, size: u64, kind: BindingKind, content: Option<Cow<'_, [u8]>>) -> Result<Texture> {
        let rows = size.div_ceil(ROW_BYTES).max(1);
        let most = self.device().limits().max_texture_dimension_2d;
        let Some(height) = u32::try_from(rows).ok().filter(|&r| r <= most) else {
            return Err(Error::Limits(format!(
                "A texture for {what} would have {rows} rows, but this device allows {most}. Use a smaller batch."
            )));
        };
        let bytes = rows * ROW_BYTES;
        let budget = &self.inner.budget;
        budget.take(bytes).map_err(|limit| Error::OutOfMemory { what: what.to_owned(), wanted: bytes, limit })?;
        let format = if kind == BindingKind::TextureUint { wgpu::TextureFormat::Rgba32Uint } else { wgpu::TextureFormat::Rgba32Float };
        let extent = wgpu::Extent3d { width: ROW as u32, height, depth_or_array_layers: 1 };
        let made = self.scoped(what, bytes, || {
            let raw = self.device().create_texture(&wgpu::TextureDescriptor {
                label: Some(what),
                size: extent,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            if let Some(content) = content {
                let mut rows = content.into_owned();
                rows.resize(bytes as usize, 0);
                self.queue().write_texture(raw.as_image_copy(), &rows, row_layout(0), extent);
            }
            let view = raw.create_view(&wgpu::TextureViewDescriptor::default());
            (raw, view)
        });
        let (raw, view) = made.inspect_err(|_| budget.give(bytes))?;
        Ok(Texture { raw, view, bytes, budget: Arc::clone(budget) })
    }
}

impl Texture {
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

fn row_layout(offset: u64) -> wgpu::TexelCopyBufferLayout {
    wgpu::TexelCopyBufferLayout { offset, bytes_per_row: Some(ROW_BYTES as u32), rows_per_image: None }
}

/// The texture of each slot that is fetched from, and what has to be copied before which dispatch.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    by_slot: HashMap<usize, Texture>,
    /// Per dispatch: tensors to copy first.
    copies: Vec<Vec<u32>>,
}

impl Mirrors {
    pub(super) fn new(gpu: &Gpu, plan: &Plan) -> Result<Self> {
        let mut largest: HashMap<usize, u64> = HashMap::new();
        // Which tensor the texture of a slot holds.
        let mut current: HashMap<usize, u32> = HashMap::new();
        let mut copies = Vec::with_capacity(plan.dispatches.len());
        for d in &plan.dispatches {
            let mut needed = Vec::new();
            let tensors = || {
                d.bindings.iter().zip(&d.shader.bindings[1..]).filter_map(|(s, k)| match s {
                    Source::Tensor(t) => Some((*t, *k)),
                    Source::Weight(_) => None,
                })
            };
            for (t, _) in tensors().filter(|(_, k)| *k == BindingKind::Texture) {
                let activation = plan.tensors[t as usize];
                let size = largest.entry(activation.slot).or_default();
                *size = (*size).max(activation.bytes);
                if current.insert(activation.slot, t) != Some(t) {
                    needed.push(t);
                }
            }
            for (t, _) in tensors().filter(|(_, k)| *k == BindingKind::Write) {
                current.remove(&plan.tensors[t as usize].slot);
            }
            copies.push(needed);
        }
        let make = |(slot, bytes)| Ok((slot, gpu.texture("activations", bytes, BindingKind::Texture, None)?));
        Ok(Self { by_slot: largest.into_iter().map(make).collect::<Result<_>>()?, copies })
    }

    /// Whether any slot is copied.
    pub(super) fn is_used(&self) -> bool {
        !self.by_slot.is_empty()
    }

    /// The texture that mirrors a slot.
    pub(super) fn view(&self, slot: usize) -> Option<&wgpu::TextureView> {
        self.by_slot.get(&slot).map(|t| &t.view)
    }

    /// Whether dispatch `i` needs copies before it, so that a pass has to end there.
    pub(super) fn needs_copies(&self, i: usize) -> bool {
        !self.copies[i].is_empty()
    }

    /// Records the copies before dispatch `i`.
    pub(super) fn encode(&self, encoder: &mut wgpu::CommandEncoder, plan: &Plan, slots: &[Buffer], i: usize) {
        for &t in &self.copies[i] {
            let activation = plan.tensors[t as usize];
            let Some(texture) = self.by_slot.get(&activation.slot) else { continue };
            let height = activation.bytes.div_ceil(ROW_BYTES) as u32;
            encoder.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo { buffer: &slots[activation.slot].raw, layout: row_layout(0) },
                texture.raw.as_image_copy(),
                wgpu::Extent3d { width: ROW as u32, height, depth_or_array_layers: 1 },
            );
        }
    }
}
