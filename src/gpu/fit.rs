//! Transforms of faces, made on the device: an invocation a face, and the looks that a warp takes from them.

use super::Gpu;
use super::memory::Buffer;
use super::photo::Photo;
use super::warp::Warp;
use crate::error::{Error, Result};
use crate::kernels::image::fit::{self, Look, Params};
use crate::model::InputDescription;

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
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike faces"), timestamp_writes: None });
        let resources = [faces.as_entire_binding(), self.looks.raw.as_entire_binding()];
        gpu.record(&mut pass, &fit::launch(gpu.caps(), params), resources)
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
}
