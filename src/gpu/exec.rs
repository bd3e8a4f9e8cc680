//! Running a plan: buffers and bind groups made once, then one pass and one submit a run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Gpu;
use super::memory::Buffer;
use super::mirrors::Mirrors;
use super::pipelines::Pipeline;
use super::weights::{Uploaded, UploadedWeight, WeightMemory, weight_kinds};
use crate::error::{Error, Result};
use crate::recording::{Feed, Packed, Plan, Source, from_words, words};
use crate::shader::{BindingKind, Shader};
use crate::tensor::Tensor;

/// A plan on a device.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) plan: Plan,
    pub(super) slots: Vec<Buffer>,
    weights: Vec<Arc<UploadedWeight>>,
    mirrors: Mirrors,
    pub(super) bind_groups: Vec<wgpu::BindGroup>,
    pub(super) pipelines: Vec<Arc<Pipeline>>,
    /// Outputs side by side, for reading back: those that no run is using.
    spare: Mutex<Vec<Buffer>>,
    _params: Buffer,
}

/// A run that is submitted. Runs of a device come one after the other, so the next may be submitted while this one is under way.
#[derive(Debug)]
pub(crate) struct InFlight {
    staging: Buffer,
    submission: wgpu::SubmissionIndex,
}

/// Bytes between the parameter structs in their buffer: what any adapter accepts.
pub(super) const PARAMS_ALIGNMENT: usize = 256;

/// A run that is done, with what it wrote.
#[derive(Debug)]
pub(crate) struct Landed {
    bytes: Vec<u8>,
    staging: Buffer,
}

impl InFlight {
    /// Waits for the end of the run and reads its results.
    ///
    /// # Errors
    /// A timeout, a lost device.
    pub(crate) fn land(self, gpu: &Gpu) -> Result<Landed> {
        let bytes = gpu.read_back(&self.staging, self.submission, "the network")?;
        Ok(Landed { bytes, staging: self.staging })
    }
}

impl Instance {
    /// Builds pipelines, uploads weights that are not there yet, and allocates the slots.
    ///
    /// # Errors
    /// The budget or the device has too little memory, or the device is lost.
    pub(crate) fn new(gpu: &Gpu, plan: Plan, uploaded: &Uploaded) -> Result<Self> {
        let shaders: Vec<&'static Shader> = plan.dispatches.iter().map(|d| d.shader).collect();
        let built = gpu.build_pipelines(&shaders)?;
        let _compiling = gpu.warm_up(&plan, &built);
        let pipelines = shaders.into_iter().map(|s| gpu.pipeline(s)).collect::<Result<Vec<_>>>()?;
        let weights = uploaded.get_all(gpu, &weight_kinds(&plan))?;
        let (slots, mirrors) = Mirrors::allocate(gpu, &plan)?;
        let mut params = Vec::with_capacity(plan.dispatches.len() * PARAMS_ALIGNMENT);
        for d in &plan.dispatches {
            params.extend_from_slice(&d.params);
            params.resize(params.len().next_multiple_of(PARAMS_ALIGNMENT), 0);
        }
        let params = gpu.buffer("parameters", (params.len() as u64).max(16), wgpu::BufferUsages::UNIFORM, Some(&params))?;
        let spare = Mutex::new(vec![staging(gpu, &plan)?]);
        let mut instance = Self { plan, slots, weights, mirrors, bind_groups: Vec::new(), pipelines, spare, _params: params };
        instance.bind_groups = gpu.scoped("the bindings of the network", 0, || instance.bind(gpu))?;
        Ok(instance)
    }

    fn bind(&self, gpu: &Gpu) -> Vec<wgpu::BindGroup> {
        let mut offset = 0;
        let mut out = Vec::with_capacity(self.plan.dispatches.len());
        for (d, pipeline) in self.plan.dispatches.iter().zip(&self.pipelines) {
            let uniform = wgpu::BufferBinding { buffer: &self._params.raw, offset, size: std::num::NonZeroU64::new(d.params.len() as u64) };
            offset += d.params.len().next_multiple_of(PARAMS_ALIGNMENT) as u64;
            let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) }];
            entries.extend(d.bindings.iter().enumerate().map(|(i, &source)| wgpu::BindGroupEntry {
                binding: i as u32 + 1,
                resource: self.resource(source, d.shader.bindings[i + 1]),
            }));
            out.push(gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&d.label),
                layout: &pipeline.layout,
                entries: &entries,
            }));
        }
        out
    }

    fn resource(&self, source: Source, kind: BindingKind) -> wgpu::BindingResource<'_> {
        let texture = match source {
            Source::Tensor(t) if kind == BindingKind::Texture => self.mirrors.view(self.plan.tensors[t as usize].slot),
            Source::Weight(w) => match &self.weights[w as usize].memory {
                WeightMemory::Texture(texture) => Some(&texture.view),
                WeightMemory::Buffer(_) => None,
            },
            Source::Tensor(_) => None,
        };
        match (texture, self.raw(source)) {
            (Some(view), _) => wgpu::BindingResource::TextureView(view),
            (None, buffer) => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset: 0,
                size: std::num::NonZeroU64::new(self.plan.bytes(source)),
            }),
        }
    }

    /// The buffer that a source lives in, from its beginning. Constants that are textures have none; the parameters stand in.
    pub(crate) fn raw(&self, source: Source) -> &wgpu::Buffer {
        match source {
            Source::Tensor(t) => &self.slots[self.plan.tensors[t as usize].slot].raw,
            Source::Weight(w) => match &self.weights[w as usize].memory {
                WeightMemory::Buffer(buffer) => &buffer.raw,
                WeightMemory::Texture(_) => &self._params.raw,
            },
        }
    }

    /// Records all dispatches: one pass, or as many as copies to textures make it.
    pub(crate) fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut i = 0;
        while i < self.plan.dispatches.len() {
            self.mirrors.encode(encoder, &self.plan, &self.slots, i);
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike network"), timestamp_writes: None });
            loop {
                self.launch(&mut pass, i);
                i += 1;
                if i == self.plan.dispatches.len() || self.mirrors.needs_copies(i) {
                    break;
                }
            }
        }
    }

    /// Records dispatch `i` as a pass of its own.
    pub(super) fn encode_one(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        i: usize,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) {
        self.mirrors.encode(encoder, &self.plan, &self.slots, i);
        let label = Some(self.plan.dispatches[i].label.as_str());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label, timestamp_writes });
        self.launch(&mut pass, i);
    }

    fn launch(&self, pass: &mut wgpu::ComputePass<'_>, i: usize) {
        let d = &self.plan.dispatches[i];
        pass.set_pipeline(&self.pipelines[i].raw);
        pass.set_bind_group(0, &self.bind_groups[i], &[]);
        pass.dispatch_workgroups(d.groups[0], d.groups[1], d.groups[2]);
    }

    /// Launches everything `n` times in one submission and waits; nothing is uploaded or read.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn run_repeatedly(&self, gpu: &Gpu, n: usize) -> Result<()> {
        let submission = gpu.scoped("measuring", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike bench") });
            for _ in 0..n {
                self.encode(&mut encoder);
            }
            gpu.queue().submit([encoder.finish()])
        })?;
        gpu.wait(submission, "measuring")
    }

    /// Seconds that [`Instance::run_repeatedly`] takes.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn time(&self, gpu: &Gpu, n: usize) -> Result<f64> {
        let start = Instant::now();
        self.run_repeatedly(gpu, n)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Records copies of all outputs to a staging buffer.
    fn encode_readback(&self, encoder: &mut wgpu::CommandEncoder, staging: &Buffer) {
        let mut at = 0;
        for port in &self.plan.outputs {
            let bytes = self.plan.bytes(port.source);
            encoder.copy_buffer_to_buffer(self.raw(port.source), 0, &staging.raw, at, bytes);
            at += bytes;
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Buffer>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads row-major inputs, in the plan's order; they are packed here where the plan is fed packed.
    ///
    /// # Errors
    /// A whole number beyond 32 bits.
    pub(crate) fn upload(&self, gpu: &Gpu, inputs: &[&Tensor]) -> Result<()> {
        for (port, tensor) in self.plan.inputs.iter().zip(inputs) {
            let data = words(tensor).map_err(|v| {
                Error::Caller(format!(
                    "The input `{}` holds {v}, and whole numbers on the GPU have 32 bits (from {} to {}). Give smaller numbers.",
                    port.name,
                    i32::MIN,
                    i32::MAX
                ))
            })?;
            match Packed::of(&port.shape).filter(|p| self.plan.feed == Feed::Packed && !p.is_plain()) {
                Some(packed) => gpu.queue().write_buffer(self.raw(port.source), 0, bytemuck::cast_slice(&packed.pack(&data))),
                None => gpu.queue().write_buffer(self.raw(port.source), 0, bytemuck::cast_slice(&data)),
            }
        }
        Ok(())
    }

    /// Runs everything, `before` first, and reads the outputs back, row-major, in the plan's order.
    ///
    /// # Errors
    /// Loss of the device, a timeout, or an error of the device. Never data that was not computed.
    pub(crate) fn run(&self, gpu: &Gpu, before: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Vec<Tensor>> {
        let landed = self.start(gpu, before)?.land(gpu)?;
        self.take(landed)
    }

    /// Submits everything, `before` first, and does not wait.
    ///
    /// # Errors
    /// As [`Instance::run`]; too little memory for the results of another run.
    pub(crate) fn start(&self, gpu: &Gpu, before: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<InFlight> {
        let spare = self.spare().pop();
        let staging = spare.map_or_else(|| staging(gpu, &self.plan), Ok)?;
        let submission = gpu.scoped("running the network", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike run") });
            before(&mut encoder);
            self.encode(&mut encoder);
            self.encode_readback(&mut encoder, &staging);
            gpu.queue().submit([encoder.finish()])
        })?;
        Ok(InFlight { staging, submission })
    }

    /// The outputs of a run that is done.
    ///
    /// # Errors
    /// [`Error::Device`] for results of another plan.
    pub(crate) fn take(&self, Landed { bytes, staging }: Landed) -> Result<Vec<Tensor>> {
        self.spare().push(staging);
        let mut rest: &[u32] = bytemuck::try_cast_slice(&bytes).map_err(|e| Error::Device(format!("Results are misaligned: {e}.")))?;
        let mut out = Vec::with_capacity(self.plan.outputs.len());
        for port in &self.plan.outputs {
            let short = || Error::Device(format!("The result `{}` is cut short.", port.name));
            let (own, tail) = rest.split_at_checked(self.plan.bytes(port.source) as usize / 4).ok_or_else(short)?;
            rest = tail;
            out.push(match &port.constant {
                Some(known) => Tensor::clone(known),
                None => from_words(own, &port.shape, port.dtype).ok_or_else(short)?,
            });
        }
        Ok(out)
    }
}

/// Memory for the outputs of a plan, side by side.
fn staging(gpu: &Gpu, plan: &Plan) -> Result<Buffer> {
    let bytes: u64 = plan.outputs.iter().map(|port| plan.bytes(port.source)).sum();
    gpu.buffer("results", bytes.max(16), wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)
}

impl Instance {
    /// Records copies from the caller's buffers, the pass, and copies to the caller's buffers.
    ///
    /// # Errors
    /// A name that is missing or unknown, or a buffer that is too small.
    pub(crate) fn encode_shared(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        inputs: &[(&str, &wgpu::Buffer)],
        outputs: &[(&str, &wgpu::Buffer)],
    ) -> Result<()> {
        for port in &self.plan.inputs {
            let bytes = port.shape.len() as u64 * 4;
            encoder.copy_buffer_to_buffer(&given(inputs, &port.name, bytes)?, 0, self.raw(port.source), 0, bytes);
        }
        self.encode_to(encoder, outputs)
    }

    /// Records everything and copies of the outputs to the caller's buffers.
    ///
    /// # Errors
    /// A name that is missing, or a buffer that is too small.
    pub(crate) fn encode_to(&self, encoder: &mut wgpu::CommandEncoder, outputs: &[(&str, &wgpu::Buffer)]) -> Result<()> {
        self.encode(encoder);
        for port in &self.plan.outputs {
            let bytes = port.shape.len() as u64 * 4;
            encoder.copy_buffer_to_buffer(self.raw(port.source), 0, &given(outputs, &port.name, bytes)?, 0, bytes);
        }
        Ok(())
    }
}

/// The buffer that the caller has for `name`, of at least `bytes`.
fn given(buffers: &[(&str, &wgpu::Buffer)], name: &str, bytes: u64) -> Result<wgpu::Buffer> {
    let (_, buffer) = buffers.iter().find(|(n, _)| *n == name).ok_or_else(|| Error::Caller(format!("No buffer is given for `{name}`.")))?;
    if buffer.size() < bytes {
        let has = buffer.size();
        return Err(Error::Caller(format!("The buffer for `{name}` has {has} bytes, but {bytes} are needed.")));
    }
    Ok((*buffer).clone())
}
