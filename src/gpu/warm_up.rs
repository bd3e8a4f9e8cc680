//! Mesa's lavapipe compiles a pipeline when it is first dispatched, one after the other, on the thread of its queue. Dispatches of no
//! workgroups make it do so while the host packs weights. Where its cache of compiled code is empty, which shows after a while, a second
//! device with a queue of its own takes part, and this one finds in the cache what the other has compiled.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Gpu;
use super::exec::PARAMS_ALIGNMENT;
use crate::error::Result;
use crate::recording::Plan;
use crate::shader::{BindingKind, Shader};

/// Bytes of what stands in for operands.
const BYTES: u64 = 1024;
/// How long the kernels of a network take to load from the driver's cache, with plenty to spare; one of them takes longer to compile.
const LOADED: Duration = Duration::from_millis(100);
const WHAT: &str = "compiling kernels";

/// Kernels that are being compiled: waits for them when it is dropped. What goes wrong with them shows when they run.
#[must_use]
pub(super) struct WarmUp(Option<JoinHandle<()>>);

impl Drop for WarmUp {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// A shader and parameters of a plan for it: the driver may compile for what it finds there.
struct Sample {
    shader: &'static Shader,
    params: Vec<u8>,
}

/// What is left to compile, the last one first.
type Left = Mutex<Vec<Sample>>;

impl Gpu {
    /// Begins to compile these shaders of a plan.
    pub(super) fn warm_up(&self, plan: &Plan, shaders: &[&'static Shader]) -> WarmUp {
        if !self.caps().textures || self.adapter().driver != "llvmpipe" || shaders.is_empty() {
            return WarmUp(None);
        }
        let launch = |s: &&'static Shader| plan.dispatches.iter().find(|d| d.shader == *s);
        let mut samples: Vec<_> =
            shaders.iter().filter_map(launch).map(|d| Sample { shader: d.shader, params: d.params.clone() }).collect();
        if self.inner.adapter.is_none() {
            // Nothing is waited for on a device of the caller's: callbacks of theirs would run.
            let _ = self.compile(&samples);
            return WarmUp(None);
        }
        // The longest take longest.
        samples.sort_by_key(|s| s.shader.source.len());
        let gpu = self.clone();
        WarmUp(std::thread::Builder::new().name("kernels".to_owned()).spawn(move || gpu.compile_all(samples)).ok())
    }

    fn compile_all(&self, samples: Vec<Sample>) {
        let left = &Left::new(samples);
        let (sender, done) = mpsc::channel();
        std::thread::scope(|scope| {
            // Nobody waits for it when the receiver is gone.
            scope.spawn(move || drop(sender.send(self.compile_left(left))));
            if let Err(RecvTimeoutError::Timeout) = done.recv_timeout(LOADED) {
                let compiled = self.compile_beside(left);
                if !compiled.is_empty() {
                    // From the cache.
                    let _ = self.compile(&compiled);
                }
            }
        });
    }

    /// Compiles what is left, one after the other.
    fn compile_left(&self, left: &Left) -> Result<Vec<Sample>> {
        let take = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let compiled = std::iter::from_fn(take).map(|sample| {
            let submission = self.compile(std::slice::from_ref(&sample))?;
            self.wait(submission, WHAT).map(|()| sample)
        });
        compiled.collect()
    }

    /// The same on a second device, so that the driver's cache holds the code. Without such a device or cache nothing.
    fn compile_beside(&self, left: &Left) -> Vec<Sample> {
        let one_core = std::thread::available_parallelism().is_ok_and(|n| n.get() == 1);
        let no_cache = std::env::var("MESA_SHADER_CACHE_DISABLE").is_ok_and(|v| ["1", "true"].contains(&v.as_str()));
        if one_core || no_cache {
            return Vec::new();
        }
        // Whatever goes wrong there is not wrong here.
        self.beside().and_then(|second| second.ok()?.compile_left(left).ok()).unwrap_or_default()
    }

    /// Submits a dispatch of nothing for each sample and does not wait.
    fn compile(&self, samples: &[Sample]) -> Result<wgpu::SubmissionIndex> {
        let stride = samples.iter().map(|s| s.params.len().next_multiple_of(PARAMS_ALIGNMENT)).max().unwrap_or(PARAMS_ALIGNMENT);
        let mut params = vec![0; samples.len() * stride];
        params.chunks_exact_mut(stride).zip(samples).for_each(|(to, s)| to[..s.params.len()].copy_from_slice(&s.params));
        let params = self.buffer(WHAT, params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(&params))?;
        let storage = || self.buffer(WHAT, BYTES, wgpu::BufferUsages::STORAGE, None);
        let (read, write) = (storage()?, storage()?);
        // Heights are those of the textures to come, which are never powers of two: compiled code depends on that.
        let [floats, integers] = [self.texture(WHAT, BYTES, BindingKind::Texture)?, self.texture(WHAT, BYTES, BindingKind::TextureUint)?];
        let pipelines = samples.iter().map(|s| self.pipeline(s.shader)).collect::<Result<Vec<_>>>()?;
        self.scoped(WHAT, 0, || {
            let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(WHAT) });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(WHAT), timestamp_writes: None });
            for (i, (sample, pipeline)) in samples.iter().zip(&pipelines).enumerate() {
                let resource = |kind: &BindingKind| match kind {
                    BindingKind::Uniform => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &params.raw,
                        offset: (i * stride) as u64,
                        size: std::num::NonZeroU64::new(sample.params.len() as u64),
                    }),
                    BindingKind::Read => read.raw.as_entire_binding(),
                    BindingKind::Write => write.raw.as_entire_binding(),
                    BindingKind::Texture => wgpu::BindingResource::TextureView(&floats.view),
                    BindingKind::TextureUint => wgpu::BindingResource::TextureView(&integers.view),
                };
                let group = pipeline.bind(self, sample.shader.name, sample.shader.bindings.iter().map(resource));
                pass.set_pipeline(&pipeline.raw);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(0, 0, 0);
            }
            drop(pass);
            self.queue().submit([encoder.finish()])
        })
    }
}
