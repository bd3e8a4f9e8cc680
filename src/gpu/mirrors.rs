//! The textures of activations that kernels fetch: on the memory of the buffer that they were stored to, or copied from it.

use std::collections::HashMap;

use super::Gpu;
use super::memory::Buffer;
use super::texture::{ROW, ROW_BYTES, Texture, row_layout};
use crate::error::Result;
use crate::recording::{Plan, Source};
use crate::shader::BindingKind;

/// The texture of each slot that is fetched from, and what has to be copied before which dispatch: nothing, where they share memory.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    by_slot: HashMap<usize, Texture>,
    /// Per dispatch: tensors to copy first.
    copies: Vec<Vec<u32>>,
}

impl Mirrors {
    /// Allocates the slots of a plan, and their textures.
    pub(super) fn allocate(gpu: &Gpu, plan: &Plan) -> Result<(Vec<Buffer>, Self)> {
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
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        // Whole texture rows, where slots are copied to textures.
        let row = if largest.is_empty() { 16 } else { ROW_BYTES };
        let (mut slots, mut by_slot) = (Vec::with_capacity(plan.slots.len()), HashMap::new());
        let mut copied = Vec::new();
        for (slot, &bytes) in plan.slots.iter().enumerate() {
            let fetched = largest.get(&slot);
            let shared = if fetched.is_some() { gpu.buffer_and_texture("activations", bytes)? } else { None };
            match (fetched, shared) {
                (Some(_), Some((buffer, texture))) => {
                    slots.push(buffer);
                    by_slot.insert(slot, texture);
                }
                (fetched, _) => {
                    slots.push(gpu.buffer("activations", bytes.next_multiple_of(row), usage, None)?);
                    if let Some(&bytes) = fetched {
                        by_slot.insert(slot, gpu.texture("activations", bytes, BindingKind::Texture)?);
                        copied.push(slot);
                    }
                }
            }
        }
        for tensors in &mut copies {
            tensors.retain(|&t| copied.contains(&plan.tensors[t as usize].slot));
        }
        Ok((slots, Self { by_slot, copies }))
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
