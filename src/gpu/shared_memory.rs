//! Memory that is a buffer and a texture at once: what one kernel stores, the next one fetches, and nothing is copied between.
//!
//! Vulkan lets a buffer and a linear image lie on the same memory. wgpu does not: it sees two resources, and puts no barrier between a
//! dispatch that writes one and a dispatch that reads the other. So this is only for Mesa's lavapipe, which runs one dispatch after the
//! other, keeps linear images row by row and has no caches to flush, and only where a probe has read through the texture what the dispatch
//! before it had written to the buffer. Elsewhere activations are copied ([`super::mirrors`]).

use super::Gpu;

/// A buffer and a texture of whole rows on the same memory, which lives as long as either.
#[derive(Debug)]
pub(super) struct SharedMemory {
    pub(super) buffer: wgpu::Buffer,
    pub(super) texture: wgpu::Texture,
}

/// What to allocate: rows of `width` texels of 16 bytes.
pub(super) struct Rows<'a> {
    pub(super) what: &'a str,
    pub(super) width: u32,
    pub(super) rows: u32,
    pub(super) format: wgpu::TextureFormat,
}

impl Gpu {
    /// Allocates memory that is both, filled by `fill`. `None` where the driver has none of that sort, or too little.
    pub(super) fn shared(&self, wanted: &Rows<'_>, fill: impl FnOnce(&mut [u8])) -> Option<SharedMemory> {
        #[cfg(target_os = "linux")]
        return linux::allocate(self.device(), wanted, fill);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (wanted.what, wanted.width, wanted.rows, wanted.format, fill);
            None
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    #![expect(unsafe_code, reason = "two resources on one memory are beyond wgpu; see the module for why lavapipe allows it")]

    use std::sync::Arc;

    use ash::vk;
    use wgpu::hal::api::Vulkan;

    use super::{Rows, SharedMemory};

    /// Memory that is freed when the buffer and the image on it are gone.
    struct Allocation {
        device: ash::Device,
        memory: vk::DeviceMemory,
    }

    impl Drop for Allocation {
        fn drop(&mut self) {
            // SAFETY: both resources on it hold a reference; wgpu drops them when no submission uses them any more.
            unsafe { self.device.free_memory(self.memory, None) };
        }
    }

    /// A buffer or an image that is destroyed unless it is handed on.
    struct Guard<F: FnMut()>(Option<F>);

    impl<F: FnMut()> Guard<F> {
        fn keep(mut self) {
            self.0 = None;
        }
    }

    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(destroy) = &mut self.0 {
                destroy();
            }
        }
    }

    pub(super) fn allocate(device: &wgpu::Device, wanted: &Rows<'_>, fill: impl FnOnce(&mut [u8])) -> Option<SharedMemory> {
        let row = u64::from(wanted.width) * 16;
        let bytes = u64::from(wanted.rows) * row;
        // SAFETY: the device is not destroyed through this handle.
        let hal = unsafe { device.as_hal::<Vulkan>() }?;
        let raw = hal.raw_device();

        let buffer_info = vk::BufferCreateInfo::default()
            .size(bytes)
            .usage(vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST);
        // SAFETY: the structures are valid; what is created is destroyed by its guard or by wgpu's callback.
        let buffer = unsafe { raw.create_buffer(&buffer_info, None) }.ok()?;
        let destroy_buffer = Guard(Some(|| unsafe { raw.destroy_buffer(buffer, None) }));
        let image = unsafe { raw.create_image(&image_info(wanted)?, None) }.ok()?;
        let destroy_image = Guard(Some(|| unsafe { raw.destroy_image(image, None) }));

        let plane = vk::ImageSubresource { aspect_mask: vk::ImageAspectFlags::COLOR, mip_level: 0, array_layer: 0 };
        // SAFETY: the image is linear and has this one level; both resources are of this device.
        let (layout, of_buffer, of_image) = unsafe {
            (
                raw.get_image_subresource_layout(image, plane),
                raw.get_buffer_memory_requirements(buffer),
                raw.get_image_memory_requirements(image),
            )
        };
        if (layout.offset, layout.row_pitch) != (0, row) {
            return None;
        }
        let host = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        // SAFETY: a question about the adapter that the device is of.
        let kinds = unsafe { hal.shared_instance().raw_instance().get_physical_device_memory_properties(hal.raw_physical_device()) };
        let both = of_buffer.memory_type_bits & of_image.memory_type_bits;
        let kind =
            kinds.memory_types_as_slice().iter().enumerate().position(|(i, t)| both >> i & 1 == 1 && t.property_flags.contains(host))?;
        let size = of_buffer.size.max(of_image.size);
        let info = vk::MemoryAllocateInfo::default().allocation_size(size).memory_type_index(kind as u32);
        // SAFETY: a type that both resources accept, and as many bytes as the larger needs; the memory is host visible, at least `bytes`
        // long, and mapped by nobody else.
        let memory = unsafe { raw.allocate_memory(&info, None) }.ok()?;
        let allocation = Arc::new(Allocation { device: raw.clone(), memory });
        unsafe {
            let mapped = raw.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()).ok()?;
            fill(std::slice::from_raw_parts_mut(mapped.cast::<u8>(), bytes as usize));
            raw.unmap_memory(memory);
            raw.bind_buffer_memory(buffer, memory, 0).ok()?;
            raw.bind_image_memory(image, memory, 0).ok()?;
        }
        destroy_buffer.keep();
        destroy_image.keep();

        let (with_buffer, with_image) = (Arc::clone(&allocation), allocation);
        let buffer_gone: wgpu::hal::DropCallback = Box::new(move || unsafe { with_buffer.device.destroy_buffer(buffer, None) });
        let image_gone: wgpu::hal::DropCallback = Box::new(move || unsafe { with_image.device.destroy_image(image, None) });
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some(wanted.what), size: bytes, usage, mapped_at_creation: false };
        let texture = wgpu::TextureDescriptor {
            label: Some(wanted.what),
            size: wgpu::Extent3d { width: wanted.width, height: wanted.rows, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wanted.format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        };
        let hal_texture = wgpu::hal::TextureDescriptor {
            label: Some(wanted.what),
            size: texture.size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: texture.dimension,
            format: texture.format,
            usage: wgpu::TextureUses::RESOURCE | wgpu::TextureUses::COPY_DST,
            memory_flags: wgpu::hal::MemoryFlags::empty(),
            view_formats: Vec::new(),
        };
        // SAFETY: made by this device as the descriptors say, written above, and destroyed when wgpu calls back.
        unsafe {
            let hal_buffer = wgpu::hal::vulkan::Buffer::from_raw_externally_owned(buffer, buffer_gone);
            let hal_texture = hal.texture_from_raw(image, &hal_texture, Some(image_gone), wgpu::hal::vulkan::TextureMemory::External);
            Some(SharedMemory {
                buffer: device.create_buffer_from_hal::<Vulkan>(hal_buffer, &descriptor),
                texture: device.create_texture_from_hal::<Vulkan>(hal_texture, &texture, wgpu::TextureUses::RESOURCE),
            })
        }
    }

    fn image_info(wanted: &Rows<'_>) -> Option<vk::ImageCreateInfo<'static>> {
        let format = match wanted.format {
            wgpu::TextureFormat::Rgba32Float => vk::Format::R32G32B32A32_SFLOAT,
            wgpu::TextureFormat::Rgba32Uint => vk::Format::R32G32B32A32_UINT,
            _ => return None,
        };
        Some(
            vk::ImageCreateInfo::default()
                .flags(vk::ImageCreateFlags::ALIAS)
                .image_type(vk::ImageType::TYPE_2D)
                .format(format)
                .extent(vk::Extent3D { width: wanted.width, height: wanted.rows, depth: 1 })
                .mip_levels(1)
                .array_layers(1)
                .samples(vk::SampleCountFlags::TYPE_1)
                .tiling(vk::ImageTiling::LINEAR)
                .usage(vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::TRANSFER_DST)
                .initial_layout(vk::ImageLayout::PREINITIALIZED),
        )
    }
}
