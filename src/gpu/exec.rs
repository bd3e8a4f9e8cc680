//! Running a plan: buffers and bind groups made once, then one pass and one submit a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use super::Gpu;
use super::memory::Buffer;
use super::pipelines::Pipeline;
use super::texture::{Mirrors, ROW_BYTES, Texture};
use crate::error::{Error, Result};
use crate::recording::{Constant, Feed, Packed, Plan, Source, Weight, from_words, words};
use crate::shader::{BindingKind, Shader};
use crate::tensor::Tensor;

/// A packed constant on the device; keeps its sources, so that an address in a key is never reused.
#[derive(Debug)]
pub(crate) struct UploadedWeight {
    memory: WeightMemory,
    _constants: Vec<Constant>,
}

#[derive(Debug)]
enum WeightMemory {
    Buffer(Buffer),
    Texture(Texture),
}

/// The packed constants of a network, shared by the plans for its input shapes.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    by_key: Mutex<HashMap<(String, bool), Arc<UploadedWeight>>>,
}

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
const PARAMS_ALIGNMENT: usize = 256;

impl Uploaded {
    /// `kind`: how kernels bind it.
    fn get(&self, gpu: &Gpu, weight: &Weight, kind: BindingKind) -> Result<Arc<UploadedWeight>> {
        let lock = || self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (weight.key.clone(), kind != BindingKind::Read);
        if let Some(found) = lock().get(&key) {
            return Ok(Arc::clone(found));
        }
        let bytes = (weight.pack)();
        let memory = if kind == BindingKind::Read {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
            WeightMemory::Buffer(gpu.buffer("weights", weight.bytes, usage, Some(&bytes))?)
        } else {
            let texture = gpu.texture("weights", weight.bytes, kind, Some(bytes.into()))?;
            // The device copies it from where the host wrote it while the next one is packed.
            gpu.scoped("weights", 0, || gpu.queue().submit([]))?;
            WeightMemory::Texture(texture)
        };
        let uploaded = Arc::new(UploadedWeight { memory, _constants: weight.constants.clone() });
        Ok(Arc::clone(lock().entry(key).or_insert(uploaded)))
    }

    /// All weights of a plan, packed on as many threads as there are cores.
    fn get_all(&self, gpu: &Gpu, weights: &[(&Weight, BindingKind)]) -> Result<Vec<Arc<UploadedWeight>>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(weights.len().max(1));
        let mut parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|t| {
                    scope.spawn(move || {
                        weights.iter().skip(t).step_by(threads).map(|(w, kind)| self.get(gpu, w, *kind)).collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|w| w.join().unwrap_or_else(|_| Err(Error::Device("A thread that uploads weights ended.".to_owned()))))
                .map(|part| part.map(Vec::into_iter))
                .collect::<Result<Vec<_>>>()
        })?;
        Ok((0..weights.len()).filter_map(|i| parts[i % threads].next()).collect())
    }
}

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

/// How each weight of a plan is bound.
fn weight_kinds(plan: &Plan) -> Vec<(&Weight, BindingKind)> {
    let mut kinds = vec![BindingKind::Read; plan.weights.len()];
    for d in &plan.dispatches {
        for (source, kind) in d.bindings.iter().zip(&d.shader.bindings[1..]) {
            if let Source::Weight(w) = source {
                kinds[*w as usize] = *kind;
            }
        }
    }
    plan.weights.iter().zip(kinds).collect()
}

impl Instance {
    /// Builds pipelines, uploads weights that are not there yet, and allocates the slots.
    ///
    /// # Errors
    /// The budget or the device has too little memory, or the device is lost.
    pub(crate) fn new(gpu: &Gpu, plan: Plan, uploaded: &Uploaded) -> Result<Self> {
        let shaders: Vec<&'static Shader> = plan.dispatches.iter().map(|d| d.shader).collect();
        gpu.build_pipelines(&shaders)?;
        let pipelines = shaders.into_iter().map(|s| gpu.pipeline(s)).collect::<Result<Vec<_>>>()?;
        let weights = uploaded.get_all(gpu, &weight_kinds(&plan))?;
        let mirrors = Mirrors::new(gpu, &plan)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        // Whole texture rows, where slots are copied to textures.
        let row = if mirrors.is_used() { ROW_BYTES } else { 16 };
        let slots = plan
            .slots
            .iter()
            .map(|&bytes| gpu.buffer("activations", bytes.next_multiple_of(row), usage, None))
            .collect::<Result<Vec<_>>>()?;
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

impl Gpu {
    /// Maps a staging buffer after `submission` and copies its bytes out. A failed mapping is an error, never zeros.
    pub(super) fn read_back(&self, staging: &Buffer, submission: wgpu::SubmissionIndex, what: &str) -> Result<Vec<u8>> {
        let (sender, receiver) = mpsc::channel();
        self.scoped(what, 0, || {
            staging.raw.map_async(wgpu::MapMode::Read, .., move |result| {
                // The receiver is gone only when the wait below has failed already.
                let _ = sender.send(result);
            });
        })?;
        let bytes = self.wait(submission, what).and_then(|()| self.mapped_bytes(staging, &receiver, what));
        // The next run needs the buffer, whatever became of this one: after a timeout it is still waiting to be mapped.
        let unmapped = self.scoped(what, 0, || staging.raw.unmap());
        let bytes = bytes?;
        unmapped?;
        Ok(bytes)
    }

    /// Writes parts of a buffer that the host can map, each from a byte on. Waits until the device does not use the buffer.
    pub(super) fn write_mapped(&self, buffer: &Buffer, parts: &[(usize, &[u8])], what: &str) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        self.scoped(what, 0, || {
            buffer.raw.map_async(wgpu::MapMode::Write, .., move |result| {
                // The receiver is gone only when the wait below has failed already.
                let _ = sender.send(result);
            });
        })?;
        let submission = self.scoped(what, 0, || self.queue().submit([]))?;
        let written = self.wait(submission, what).and_then(|()| {
            let mapped = receiver.recv_timeout(self.inner.timeout).map_err(|_| Error::DeviceLost(format!("no answer during {what}")));
            mapped?.map_err(|e| Error::DeviceLost(format!("{e} during {what}")))?;
            let mut view = buffer.raw.get_mapped_range_mut(..).map_err(|e| Error::Device(format!("The GPU did not map {what}: {e}")))?;
            for &(first, bytes) in parts {
                view.slice(first..first + bytes.len()).copy_from_slice(bytes);
            }
            Ok(())
        });
        let unmapped = self.scoped(what, 0, || buffer.raw.unmap());
        written.and(unmapped)
    }

    /// The bytes of a staging buffer once `receiver` says that it is mapped.
    fn mapped_bytes(
        &self,
        staging: &Buffer,
        receiver: &mpsc::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
        what: &str,
    ) -> Result<Vec<u8>> {
        // Another thread that polls the device may have taken the answer and be about to deliver it.
        let mapped =
            receiver.recv_timeout(self.inner.timeout).map_err(|_| Error::DeviceLost(format!("no answer while reading {what} back")));
        self.check_lost()?;
        mapped?.map_err(|e| Error::DeviceLost(format!("{e} while reading {what} back")))?;
        let view = staging.raw.get_mapped_range(..).map_err(|e| Error::Device(format!("Results of {what} cannot be read: {e}")))?;
        Ok(view.to_vec())
    }
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
