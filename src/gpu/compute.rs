//! Kernels outside of plans: memory that the caller keeps, launches in the order they are given, one submission, and readback.
//!
//! For work that is no graph: margin heads over blocks of classes. Nothing is shared between submissions but the memory.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::memory::Buffer;
use super::texture::{ROW_BYTES, Texture};
use super::{Gpu, pipelines::Pipeline};
use crate::error::{Error, Result};
use crate::recording::Launch;
use crate::shader::BindingKind;

/// Memory that kernels bind: a buffer, or vec4s in a texture where software adapters load through textures. A clone is the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    /// Read and written.
    Buffer(Buffer),
    /// Read only; filled by an upload or by [`Work::copy`].
    Texture(Texture),
}

impl Memory {
    fn of(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    /// Whether kernels bind it as a texture.
    pub(crate) fn is_texture(&self) -> bool {
        matches!(*self.0, Kind::Texture(_))
    }

    fn resource(&self) -> wgpu::BindingResource<'_> {
        match &*self.0 {
            Kind::Buffer(buffer) => buffer.raw.as_entire_binding(),
            Kind::Texture(texture) => wgpu::BindingResource::TextureView(&texture.view),
        }
    }
}

impl Gpu {
    /// Zeroed memory of `bytes` for `what`, which kernels write.
    pub(crate) fn blank(&self, what: &str, bytes: u64) -> Result<Memory> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        Ok(Memory::of(Kind::Buffer(self.buffer(what, self.whole_rows(bytes), usage, None)?)))
    }

    /// Whole texture rows where there are textures, so that memory can be copied to one.
    fn whole_rows(&self, bytes: u64) -> u64 {
        if self.caps().textures { bytes.next_multiple_of(ROW_BYTES) } else { bytes }
    }

    /// `content` in memory that kernels write and that can be copied to a texture.
    pub(crate) fn filled_rows(&self, what: &str, content: &[f32]) -> Result<Memory> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let size = self.whole_rows(size_of_val(content) as u64);
        Ok(Memory::of(Kind::Buffer(self.buffer(what, size, usage, Some(bytemuck::cast_slice(content)))?)))
    }

    /// `content` on the device.
    pub(crate) fn filled<T: bytemuck::NoUninit>(&self, what: &str, content: &[T]) -> Result<Memory> {
        let bytes = bytemuck::cast_slice(content);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        Ok(Memory::of(Kind::Buffer(self.buffer(what, bytes.len() as u64, usage, Some(bytes))?)))
    }

    /// Rows of vec4s on the device, as a texture if `textures`. What the driver keeps for the upload is released before this returns.
    pub(crate) fn matrix(&self, what: &str, content: &[f32], textures: bool) -> Result<Memory> {
        if !textures {
            return self.filled(what, content);
        }
        let bytes: &[u8] = bytemuck::cast_slice(content);
        let texture = self.filled_texture(what, bytes.len() as u64, BindingKind::Texture, &|out: &mut [u8]| out.copy_from_slice(bytes))?;
        let submission = self.scoped(what, 0, || self.queue().submit([]))?;
        self.wait(submission, what)?;
        Ok(Memory::of(Kind::Texture(texture)))
    }

    /// A texture for vec4s that [`Work::copy`] fills.
    pub(crate) fn blank_texture(&self, what: &str, bytes: u64) -> Result<Memory> {
        Ok(Memory::of(Kind::Texture(self.texture(what, bytes, BindingKind::Texture)?)))
    }
}

enum Step {
    Launch { pipeline: Arc<Pipeline>, bindings: wgpu::BindGroup, groups: [u32; 3] },
    Copy { from: wgpu::Buffer, to: wgpu::Texture, rows: u32 },
}

/// Launches that are submitted together.
pub(crate) struct Work<'g> {
    gpu: &'g Gpu,
    what: &'static str,
    steps: Vec<Step>,
    /// Parameters, alive until the submission.
    params: Vec<Buffer>,
    /// Kernels in the order of their launch.
    pub(crate) shaders: Vec<&'static str>,
    flops: u64,
}

/// What a submission gave.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What was read, one memory behind the other from multiples of 16.
    bytes: Vec<u8>,
    parts: Vec<Range<usize>>,
    /// From submission until it is done and read.
    pub(crate) seconds: f64,
    /// Floating point operations of all launches.
    pub(crate) flops: u64,
    /// Kernels that ran.
    pub(crate) shaders: Vec<&'static str>,
}

impl<'g> Work<'g> {
    /// Nothing yet. `what` names the work in errors.
    pub(crate) fn new(gpu: &'g Gpu, what: &'static str) -> Self {
        Self { gpu, what, steps: Vec::new(), params: Vec::new(), shaders: Vec::new(), flops: 0 }
    }

    /// Adds a launch that binds `bindings` in the shader's order.
    ///
    /// # Errors
    /// A binding or grid that the device does not take, or too little memory.
    pub(crate) fn launch(&mut self, launch: &Launch, bindings: &[&Memory]) -> Result<()> {
        let (gpu, shader) = (self.gpu, launch.shader);
        debug_assert_eq!(bindings.len() + 1, shader.bindings.len(), "{} binds another number of things", shader.name);
        let most = gpu.caps().max_binding;
        for memory in bindings {
            if let Kind::Buffer(buffer) = &*memory.0
                && buffer.size > most
            {
                return Err(Error::Limits(format!(
                    "{} needs {} bytes in one binding, but this device binds at most {most}. Use a smaller batch.",
                    self.what, buffer.size
                )));
            }
        }
        let width = gpu.caps().max_groups;
        if launch.groups.iter().any(|&g| g > width) {
            let [x, y, z] = launch.groups;
            return Err(Error::Limits(format!(
                "{} needs a grid of {x}x{y}x{z} workgroups, but this device takes at most {width} along a dimension. Use a smaller batch.",
                self.what
            )));
        }
        let pipeline = gpu.pipeline(shader)?;
        let params = gpu.buffer("parameters", launch.params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&launch.params))?;
        let group = gpu.scoped(shader.name, 0, || {
            let resources = std::iter::once(params.raw.as_entire_binding()).chain(bindings.iter().map(|m| m.resource()));
            pipeline.bind(gpu, shader.name, resources)
        })?;
        self.params.push(params);
        self.shaders.push(shader.name);
        self.flops += launch.flops;
        self.steps.push(Step::Launch { pipeline, bindings: group, groups: launch.groups });
        Ok(())
    }

    /// Adds a copy of the first `bytes` of a buffer to a texture.
    ///
    /// # Errors
    /// Memory of another kind: a defect of the caller.
    pub(crate) fn copy(&mut self, from: &Memory, to: &Memory, bytes: u64) -> Result<()> {
        let (Kind::Buffer(from), Kind::Texture(to)) = (&*from.0, &*to.0) else {
            return Err(Error::Device(format!("{} copies something other than a buffer to a texture. Report this.", self.what)));
        };
        self.steps.push(Step::Copy { from: from.raw.clone(), to: to.raw.clone(), rows: bytes.div_ceil(ROW_BYTES) as u32 });
        Ok(())
    }

    /// Submits everything, waits, and reads the first so many bytes of the buffers named.
    ///
    /// # Errors
    /// Loss of the device, a timeout, or an error of the device. Never data that was not computed.
    pub(crate) fn run(self, reads: &[(&Memory, u64)]) -> Result<Done> {
        let gpu = self.gpu;
        let start = Instant::now();
        let total: u64 = reads.iter().map(|(_, bytes)| bytes.next_multiple_of(16)).sum();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = if total > 0 { Some(gpu.buffer("results", total, usage, None)?) } else { None };
        let submission = gpu.scoped(self.what, 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(self.what) });
            self.encode(&mut encoder);
            let mut at = 0;
            for (memory, bytes) in reads {
                if let (Kind::Buffer(buffer), Some(staging)) = (&*memory.0, &staging) {
                    let bytes = bytes.next_multiple_of(16);
                    encoder.copy_buffer_to_buffer(&buffer.raw, 0, &staging.raw, at, bytes);
                    at += bytes;
                }
            }
            gpu.queue().submit([encoder.finish()])
        })?;
        let mut end = 0;
        let parts = reads.iter().map(|(_, bytes)| {
            let start = end;
            end += bytes.next_multiple_of(16) as usize;
            start..start + *bytes as usize
        });
        let parts = parts.collect();
        let bytes = match &staging {
            Some(staging) => gpu.read_back(staging, submission, self.what)?,
            None => gpu.wait(submission, self.what).map(|()| Vec::new())?,
        };
        if bytes.len() < end {
            return Err(Error::Device(format!("The results of {} are cut short.", self.what)));
        }
        Ok(Done { bytes, parts, seconds: start.elapsed().as_secs_f64(), flops: self.flops, shaders: self.shaders })
    }

    /// One pass between copies.
    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut i = 0;
        while i < self.steps.len() {
            match &self.steps[i] {
                Step::Copy { from, to, rows } => {
                    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(ROW_BYTES as u32), rows_per_image: None };
                    encoder.copy_buffer_to_texture(
                        wgpu::TexelCopyBufferInfo { buffer: from, layout },
                        to.as_image_copy(),
                        wgpu::Extent3d { width: (ROW_BYTES / 16) as u32, height: *rows, depth_or_array_layers: 1 },
                    );
                    i += 1;
                }
                Step::Launch { .. } => {
                    let mut pass =
                        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(self.what), timestamp_writes: None });
                    while let Some(Step::Launch { pipeline, bindings, groups }) = self.steps.get(i) {
                        pass.set_pipeline(&pipeline.raw);
                        pass.set_bind_group(0, bindings, &[]);
                        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
                        i += 1;
                    }
                }
            }
        }
    }
}

impl Done {
    /// The bytes of memory number `i` of those that were read.
    pub(crate) fn part(&self, i: usize) -> &[u8] {
        self.parts.get(i).and_then(|part| self.bytes.get(part.clone())).unwrap_or_default()
    }

    /// Bytes that were read.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Bytes of a result as numbers.
///
/// # Errors
/// Bytes that are not aligned, which the allocator does not give.
pub(crate) fn numbers<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Result<&[T]> {
    if bytes.is_empty() {
        // An empty slice may lie anywhere.
        return Ok(&[]);
    }
    bytemuck::try_cast_slice(bytes).map_err(|e| Error::Device(format!("Results are misaligned: {e}.")))
}
