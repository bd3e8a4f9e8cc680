//! Running a plan: buffers and bind groups made once, then one pass and one submit a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::Gpu;
use super::memory::Buffer;
use super::pipelines::Pipeline;
use crate::error::{Error, Result};
use crate::plan::{Constant, Plan, Source, Weight};
use crate::shader::Shader;

/// A packed constant on the device; keeps its sources, so that an address in a key is never reused.
#[derive(Debug)]
pub(crate) struct UploadedWeight {
    pub(super) buffer: Buffer,
    _constants: Vec<Constant>,
}

/// The packed constants of a network, shared by the plans for its input shapes.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    by_key: Mutex<HashMap<String, Arc<UploadedWeight>>>,
}

/// A plan on a device.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) plan: Plan,
    pub(super) slots: Vec<Buffer>,
    weights: Vec<Arc<UploadedWeight>>,
    pub(super) bind_groups: Vec<wgpu::BindGroup>,
    pub(super) pipelines: Vec<Arc<Pipeline>>,
    /// Outputs side by side, for reading back.
    pub(super) staging: Buffer,
    _params: Buffer,
}

/// Bytes between the parameter structs in their buffer: what any adapter accepts.
const PARAMS_ALIGNMENT: usize = 256;

impl Uploaded {
    fn get(&self, gpu: &Gpu, weight: &Weight) -> Result<Arc<UploadedWeight>> {
        let lock = || self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(&weight.key) {
            return Ok(Arc::clone(found));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffer = gpu.buffer("weights", weight.bytes, usage, Some(&(weight.pack)()))?;
        let uploaded = Arc::new(UploadedWeight { buffer, _constants: weight.constants.clone() });
        Ok(Arc::clone(lock().entry(weight.key.clone()).or_insert(uploaded)))
    }

    /// All weights of a plan, packed on as many threads as there are cores.
    fn get_all(&self, gpu: &Gpu, weights: &[Weight]) -> Result<Vec<Arc<UploadedWeight>>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(weights.len().max(1));
        let mut parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|t| scope.spawn(move || weights.iter().skip(t).step_by(threads).map(|w| self.get(gpu, w)).collect::<Result<Vec<_>>>()))
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

impl Instance {
    /// Builds pipelines, uploads weights that are not there yet, and allocates the slots.
    ///
    /// # Errors
    /// The budget or the device has too little memory, or the device is lost.
    pub(crate) fn new(gpu: &Gpu, plan: Plan, uploaded: &Uploaded) -> Result<Self> {
        let shaders: Vec<&'static Shader> = plan.dispatches.iter().map(|d| d.shader).collect();
        gpu.build_pipelines(&shaders)?;
        let pipelines = shaders.into_iter().map(|s| gpu.pipeline(s)).collect::<Result<Vec<_>>>()?;
        let weights = uploaded.get_all(gpu, &plan.weights)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let slots = plan.slots.iter().map(|&bytes| gpu.buffer("activations", bytes, usage, None)).collect::<Result<Vec<_>>>()?;
        let mut params = Vec::with_capacity(plan.dispatches.len() * PARAMS_ALIGNMENT);
        for d in &plan.dispatches {
            params.extend_from_slice(&d.params);
            params.resize(params.len().next_multiple_of(PARAMS_ALIGNMENT), 0);
        }
        let params = gpu.buffer("parameters", params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&params))?;
        let out_bytes: u64 = plan.outputs.iter().map(|(_, s, _)| plan.bytes(*s)).sum();
        let staging = gpu.buffer("results", out_bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
        let mut instance = Self { plan, slots, weights, bind_groups: Vec::new(), pipelines, staging, _params: params };
        instance.bind_groups = gpu.scoped("the bindings of the network", 0, || instance.bind(gpu))?;
        Ok(instance)
    }

    fn bind(&self, gpu: &Gpu) -> Vec<wgpu::BindGroup> {
        let mut offset = 0;
        let mut out = Vec::with_capacity(self.plan.dispatches.len());
        for (d, pipeline) in self.plan.dispatches.iter().zip(&self.pipelines) {
            let uniform = wgpu::BufferBinding {
                buffer: &self._params.raw,
                offset,
                size: std::num::NonZeroU64::new(d.params.len() as u64),
            };
            offset += d.params.len().next_multiple_of(PARAMS_ALIGNMENT) as u64;
            let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) }];
            entries.extend(d.bindings.iter().enumerate().map(|(i, &source)| wgpu::BindGroupEntry {
                binding: i as u32 + 1,
                resource: wgpu::BindingResource::Buffer(self.binding(source)),
            }));
            out.push(gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&d.label),
                layout: &pipeline.layout,
                entries: &entries,
            }));
        }
        out
    }

    fn binding(&self, source: Source) -> wgpu::BufferBinding<'_> {
        wgpu::BufferBinding {
            buffer: self.raw(source),
            offset: 0,
            size: std::num::NonZeroU64::new(self.plan.bytes(source)),
        }
    }

    /// The buffer that a source lives in, from its beginning.
    pub(super) fn raw(&self, source: Source) -> &wgpu::Buffer {
        match source {
            Source::Tensor(t) => &self.slots[self.plan.tensors[t as usize].slot].raw,
            Source::Weight(w) => &self.weights[w as usize].buffer.raw,
        }
    }

    /// Records all dispatches as one pass.
    pub(crate) fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("lookalike network"), timestamp_writes: None });
        self.launch(&mut pass);
    }

    /// Launches everything `n` times in one pass and waits; nothing is uploaded or read.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn run_repeatedly(&self, gpu: &Gpu, n: usize) -> Result<()> {
        let submission = gpu.scoped("measuring", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike bench") });
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for _ in 0..n {
                    self.launch(&mut pass);
                }
            }
            gpu.queue().submit([encoder.finish()])
        })?;
        gpu.wait(submission, "measuring")
    }

    fn launch(&self, pass: &mut wgpu::ComputePass<'_>) {
        for (i, d) in self.plan.dispatches.iter().enumerate() {
            pass.set_pipeline(&self.pipelines[i].raw);
            pass.set_bind_group(0, &self.bind_groups[i], &[]);
            pass.dispatch_workgroups(d.groups[0], d.groups[1], d.groups[2]);
        }
    }

    /// Records copies of all outputs to the staging buffer.
    fn encode_readback(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut at = 0;
        for (_, source, _) in &self.plan.outputs {
            let bytes = self.plan.bytes(*source);
            encoder.copy_buffer_to_buffer(self.raw(*source), 0, &self.staging.raw, at, bytes);
            at += bytes;
        }
    }

    /// Uploads row-major inputs, in the plan's order.
    pub(crate) fn upload(&self, gpu: &Gpu, inputs: &[&[f32]]) {
        for ((_, source, _), data) in self.plan.inputs.iter().zip(inputs) {
            gpu.queue().write_buffer(self.raw(*source), 0, bytemuck::cast_slice(data));
        }
    }

    /// Runs everything, `before` first, and reads the outputs back, row-major, in the plan's order.
    ///
    /// # Errors
    /// Loss of the device, a timeout, or an error of the device. Never data that was not computed.
    pub(crate) fn run(&self, gpu: &Gpu, before: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Vec<Vec<f32>>> {
        let submission = gpu.scoped("running the network", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike run") });
            before(&mut encoder);
            self.encode(&mut encoder);
            self.encode_readback(&mut encoder);
            gpu.queue().submit([encoder.finish()])
        })?;
        let bytes = gpu.read_back(&self.staging, submission, "the network")?;
        let mut rest: &[f32] = bytemuck::try_cast_slice(&bytes).map_err(|e| Error::Device(format!("Results are misaligned: {e}.")))?;
        let mut out = Vec::with_capacity(self.plan.outputs.len());
        for (name, source, shape) in &self.plan.outputs {
            let floats = self.plan.bytes(*source) as usize / 4;
            let (own, tail) = rest.split_at_checked(floats).ok_or_else(|| Error::Device(format!("The result `{name}` is cut short.")))?;
            out.push(own.iter().copied().take(shape.len()).collect());
            rest = tail;
        }
        Ok(out)
    }
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
        self.wait(submission, what)?;
        let mapped = receiver.try_recv().map_err(|_| Error::DeviceLost(format!("no answer while reading {what} back")));
        self.check_lost()?;
        mapped?.map_err(|e| Error::DeviceLost(format!("{e} while reading {what} back")))?;
        let view = staging.raw.get_mapped_range(..).map_err(|e| Error::Device(format!("Results of {what} cannot be read: {e}")))?;
        let bytes = view.to_vec();
        drop(view);
        staging.raw.unmap();
        Ok(bytes)
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
        let find = |given: &[(&str, &wgpu::Buffer)], name: &str, bytes: u64| {
            let (_, buffer) = given
                .iter()
                .find(|(n, _)| *n == name)
                .ok_or_else(|| Error::Caller(format!("No buffer is given for `{name}`.")))?;
            if buffer.size() < bytes {
                let has = buffer.size();
                return Err(Error::Caller(format!("The buffer for `{name}` has {has} bytes, but {bytes} are needed.")));
            }
            Ok((*buffer).clone())
        };
        for (name, source, shape) in &self.plan.inputs {
            let bytes = shape.len() as u64 * 4;
            encoder.copy_buffer_to_buffer(&find(inputs, name, bytes)?, 0, self.raw(*source), 0, bytes);
        }
        self.encode(encoder);
        for (name, source, shape) in &self.plan.outputs {
            let bytes = shape.len() as u64 * 4;
            encoder.copy_buffer_to_buffer(self.raw(*source), 0, &find(outputs, name, bytes)?, 0, bytes);
        }
        Ok(())
    }
}
