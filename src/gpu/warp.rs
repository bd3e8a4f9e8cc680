//! What networks see of photos: the dispatches that fill the first input of a plan, encoded before it.

use super::Gpu;
use super::memory::Buffer;
use super::photo::{Photo, PhotoView};
use super::pipelines::Pipeline;
use crate::error::{Error, Result};
use crate::kernels::image::{area, photo, warp};
use crate::model::InputDescription;
use crate::shader::{self, Shader};
use crate::tensor::Look;
use std::sync::Arc;

/// Parameters of dispatches are this far apart, which suits every adapter.
const PARAMS_STRIDE: usize = 256;

/// The dispatches of one batch: one for every photo and kind of look. Alive until their submission is done.
#[derive(Debug)]
pub(crate) struct Warp {
    dispatches: Vec<Dispatch>,
    _params: Buffer,
    _records: Option<Buffer>,
}

type Dispatch = (Arc<Pipeline>, wgpu::BindGroup, [u32; 3]);

/// Looks of one photo and kind, which one dispatch takes.
struct Group<'a> {
    photo: &'a Photo,
    shader: &'static Shader,
    /// Records, each as long as the others.
    records: Vec<u8>,
    count: u32,
}

impl Warp {
    /// Fills `target`, a packed input of `size` = width, height, with what `views` see, in order.
    ///
    /// # Errors
    /// A look that makes no sense, or too little memory.
    pub(crate) fn new(gpu: &Gpu, target: &wgpu::Buffer, size: [u32; 2], input: &InputDescription, views: &[PhotoView<'_>]) -> Result<Self> {
        let groups = group(views)?;
        let (mut params, mut records, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        for g in &groups {
            // The records of one kind are counted from the beginning of the table; both kinds are equally long.
            let first = records.len() / size_of::<warp::Look>();
            firsts.push(first);
            params.extend_from_slice(bytemuck::bytes_of(&photo::params(input, size, g.photo.layout(), first)));
            params.resize(params.len().next_multiple_of(PARAMS_STRIDE), 0);
            records.extend_from_slice(&g.records);
        }
        let params = gpu.buffer("looks", params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&params))?;
        let records = gpu.buffer("looks", records.len() as u64, wgpu::BufferUsages::STORAGE, Some(&records))?;
        let mut dispatches = Vec::with_capacity(groups.len());
        for (i, g) in groups.iter().enumerate() {
            dispatches.push(dispatch(gpu, g, (&params.raw, i), &records.raw, target, size)?);
        }
        Ok(Self { dispatches, _params: params, _records: Some(records) })
    }

    /// The same with looks at one photo that are on the device, `count` of them.
    ///
    /// # Errors
    /// As [`Warp::new`].
    pub(super) fn fitted(
        gpu: &Gpu,
        target: &wgpu::Buffer,
        size: [u32; 2],
        input: &InputDescription,
        photo: &Photo,
        (looks, count): (&wgpu::Buffer, u32),
    ) -> Result<Self> {
        let params = photo::params(input, size, photo.layout(), 0);
        let params = gpu.buffer("looks", PARAMS_STRIDE as u64, wgpu::BufferUsages::UNIFORM, Some(bytemuck::bytes_of(&params)))?;
        let group = Group { photo, shader: &shader::IMAGE_WARP, records: Vec::new(), count };
        let dispatches = vec![dispatch(gpu, &group, (&params.raw, 0), looks, target, size)?];
        Ok(Self { dispatches, _params: params, _records: None })
    }

    /// Records the dispatches.
    pub(crate) fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike photos"), timestamp_writes: None });
        for (pipeline, bind_group, [x, y, z]) in &self.dispatches {
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, bind_group, &[]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
    }
}

/// The dispatch of a group: its parameters are number `i` of `params`.
fn dispatch(
    gpu: &Gpu,
    group: &Group<'_>,
    (params, i): (&wgpu::Buffer, usize),
    records: &wgpu::Buffer,
    target: &wgpu::Buffer,
    size: [u32; 2],
) -> Result<Dispatch> {
    let grid = [size[0].div_ceil(8), size[1].div_ceil(8), group.count];
    if grid.iter().any(|&n| n > gpu.caps().max_groups) {
        return Err(Error::Limits(format!(
            "{} looks at {}x{} pixels are too many for one batch. Use a smaller one.",
            group.count, size[0], size[1]
        )));
    }
    let pipeline = gpu.pipeline(group.shader)?;
    let uniform = wgpu::BufferBinding {
        buffer: params,
        offset: (i * PARAMS_STRIDE) as u64,
        size: std::num::NonZeroU64::new(size_of::<photo::Params>() as u64),
    };
    let resources = [
        wgpu::BindingResource::Buffer(uniform),
        wgpu::BindingResource::TextureView(group.photo.view()),
        records.as_entire_binding(),
        target.as_entire_binding(),
    ];
    let bind_group = gpu.scoped("the bindings of a picture", 0, || pipeline.bind(gpu, group.shader.name, resources))?;
    Ok((pipeline, bind_group, grid))
}

/// The looks by photo and kind.
fn group<'a>(views: &[PhotoView<'a>]) -> Result<Vec<Group<'a>>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (slot, view) in views.iter().enumerate() {
        view.look.check(slot)?;
        let (shader, record) = match view.look {
            Look::Warp { transform, border, .. } => {
                let record = warp::record(slot, transform, border, view.look.samples());
                (&shader::IMAGE_WARP, bytemuck::bytes_of(&record).to_vec())
            }
            Look::Area { left, top, width, height } => {
                let record = area::record(slot, [left, top], [width, height]);
                (&shader::IMAGE_AREA, bytemuck::bytes_of(&record).to_vec())
            }
        };
        match groups.iter_mut().find(|g| g.photo.is(view.photo) && g.shader == shader) {
            Some(found) => {
                found.records.extend(record);
                found.count += 1;
            }
            None => groups.push(Group { photo: view.photo, shader, records: record, count: 1 }),
        }
    }
    Ok(groups)
}
