//! Transforms of faces, made on the device: an invocation a face, and the looks that a warp takes from them.

use super::Gpu;
use super::memory::Buffer;
use super::photo::Photo;
use super::warp::Warp;
use crate::error::{Error, Result};
use crate::kernels::image::fit::{Look, Params};
use crate::model::InputDescription;
use crate::shader;

/// Room for the looks of up to so many faces.
#[derive(Debug)]
pub(crate) struct Fits {
    looks: Buffer,
    most: usize,
}

impl Fits {
    /// # Errors
    /// Too little memory.
    pub(crate) fn new(gpu: &Gpu, most: usize) -> Result<Self> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        Ok(Self { looks: gpu.buffer("looks", (most.max(1) * size_of::<Look>()) as u64, usage, None)?, most })
    }

    /// The looks, one behind the other.
    pub(crate) fn looks(&self) -> &wgpu::Buffer {
        &self.looks.raw
    }

    /// Records the fits of `params.faces` faces: `4 + 2 * params.landmarks` numbers each.
    ///
    /// # Errors
    /// More faces than there is room for, a buffer that is too small, too little memory.
    pub(crate) fn encode(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, params: &Params, faces: &wgpu::Buffer) -> Result<()> {
        let count = params.faces as usize;
        let bytes = count as u64 * (4 + 2 * u64::from(params.landmarks)) * 4;
        if count > self.most {
            return Err(Error::Caller(format!("{count} faces are more than the {} that there is room for. Make more room.", self.most)));
        }
        if faces.size() < bytes || !faces.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(Error::Caller(format!(
                "The buffer of the faces has {} bytes and the usage {:?}, but {count} faces are {bytes} bytes of STORAGE.",
                faces.size(),
                faces.usage()
            )));
        }
        if count == 0 {
            return Ok(());
        }
        let pipeline = gpu.pipeline(&shader::IMAGE_FIT)?;
        let uniform = gpu.buffer("faces", size_of::<Params>() as u64, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(params)))?;
        let resources = [uniform.raw.as_entire_binding(), faces.as_entire_binding(), self.looks.raw.as_entire_binding()];
        let entries: Vec<_> =
            resources.into_iter().enumerate().map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource }).collect();
        let descriptor = wgpu::BindGroupDescriptor { label: Some("faces"), layout: &pipeline.layout, entries: &entries };
        gpu.scoped("the fits of faces", 0, || {
            let bind_group = gpu.device().create_bind_group(&descriptor);
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike faces"), timestamp_writes: None });
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, &bind_group, &[]);
            let [x, y, z] = gpu.caps().fold(count.div_ceil(64));
            pass.dispatch_workgroups(x, y, z);
        })
    }

    /// The warp that fills `target`, a packed input of `size`, with the first `count` of the looks at `photo`.
    ///
    /// # Errors
    /// As [`Warp::new`]; more looks than there is room for.
    pub(crate) fn warp(
        &self,
        gpu: &Gpu,
        target: &wgpu::Buffer,
        size: [u32; 2],
        input: &InputDescription,
        photo: &Photo,
        count: usize,
    ) -> Result<Warp> {
        if count > self.most {
            return Err(Error::Caller(format!("A batch of {count} is more than the {} faces that there is room for.", self.most)));
        }
        Warp::fitted(gpu, target, size, input, photo, (&self.looks.raw, count as u32))
    }

    /// Fits faces of the host, and reads their looks.
    ///
    /// # Errors
    /// As [`Fits::encode`], a lost device.
    pub(crate) fn run(&self, gpu: &Gpu, params: &Params, faces: &[f32]) -> Result<Vec<Look>> {
        let bytes = u64::from(params.faces) * size_of::<Look>() as u64;
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let faces = gpu.buffer("faces", size_of_val(faces) as u64, wgpu::BufferUsages::STORAGE, Some(bytemuck::cast_slice(faces)))?;
        let staging = gpu.buffer("looks", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike faces") });
        self.encode(gpu, &mut encoder, params, &faces.raw)?;
        let submission = gpu.scoped("the fits of faces", 0, || {
            encoder.copy_buffer_to_buffer(&self.looks.raw, 0, &staging.raw, 0, bytes);
            gpu.queue().submit([encoder.finish()])
        })?;
        let read = gpu.read_back(&staging, submission, "the fits of faces")?;
        let looks = read.get(..bytes as usize).and_then(|b| bytemuck::try_cast_slice(b).ok());
        looks.map(<[Look]>::to_vec).ok_or_else(|| Error::Device("The fits of faces are cut short.".to_owned()))
    }
}
