//! The only folder that names wgpu: opening a device, memory, pipelines, running plans, and what goes wrong on the way.

mod adapter;
mod cache;
mod compute;
mod coop;
mod crops;
mod errors;
mod exec;
mod fit;
mod launch;
mod memory;
mod mirrors;
mod photo;
mod pipelines;
mod probe;
mod profile;
mod readback;
mod recorded_search;
mod search;
mod shards;
mod shared_memory;
mod speed;
mod texture;
mod timing;
mod tuned;
mod warm_up;
mod warp;
mod weights;

pub use adapter::{AdapterKind, AdapterReport, DeviceLimits, adapters};
pub(crate) use compute::{Done, Memory, Work, numbers};
pub(crate) use exec::{InFlight, Instance};
pub(crate) use fit::Fits;
pub use photo::{Photo, PhotoView};
pub(crate) use pipelines::UNCHECKED;
pub use profile::KernelTime;
pub(crate) use recorded_search::Request;
pub(crate) use search::{Chosen, Probes, Scanner};
pub(crate) use shards::{Layout, Name, Seen, Shard};
pub use speed::known_speed;
pub(crate) use timing::{least, median, medians};
pub(crate) use tuned::TunedLayer;
pub(crate) use warp::Warp;
pub(crate) use weights::Uploaded;
pub use wgpu;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::recording::{Caps, GemmFamily, Speed};
use memory::Budget;
use pipelines::Pipelines;

/// How to open a device. [`GpuOptions::default`] reads the environment (docs/knobs.md).
#[derive(Clone, Debug)]
pub struct GpuOptions {
    /// The adapter: its index in [`adapters`], or a part of its name (any case). `None` = the best.
    pub device: Option<String>,
    /// Bytes this process may allocate on the device. `None` = three quarters of free memory on software adapters, else no limit.
    pub memory_budget: Option<u64>,
    /// How long a submission may take before [`Error::Timeout`].
    pub timeout: Duration,
    /// The matrix product to use. `None` = what suits the adapter.
    pub gemm: Option<GemmFamily>,
    /// Whether the kernels of the large products keep the checks of indices, loops and divisors that wgpu adds to shaders. `None` = on software adapters,
    /// where they cost nothing (docs/rejected.md), and in debug builds; all other kernels always have them.
    pub shader_checks: Option<bool>,
    /// Whether activations may lie in memory that is a buffer and a texture at once, on Mesa's lavapipe, where kernels fetch from textures; without
    /// it they are copied.
    pub shared_memory: bool,
    /// Products of halves ([`crate::model::Precision::F16`]) on cooperative matrices (tensor cores), where the adapter has some that multiply
    /// halves into sums of f32 and `conv/tiled_gemm` would compute. Activations are then rounded to halves, too. Experimental: when the
    /// device is opened, products are compared with those of `conv/tiled_gemm`, which stays where they differ. [`Gpu::cooperative`] tells.
    pub experimental_coop: bool,
    /// The folder for what is kept between runs: compiled pipelines, the measured speed, methods chosen by timing. `None` = nothing is.
    pub cache: Option<PathBuf>,
    /// Whether every network on the device is compiled as [`crate::network::CompileOptions::autotune`] says of one: detectors, landmark
    /// networks and classifiers, too.
    pub autotune: bool,
}

impl Default for GpuOptions {
    fn default() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.trim().parse::<u64>().ok();
        let gemm = match std::env::var("LOOKALIKE_GEMM").as_deref() {
            Ok("tiled") => Some(GemmFamily::Tiled),
            _ => None,
        };
        let shader_checks = match std::env::var("LOOKALIKE_SHADER_CHECKS").as_deref().map(str::trim) {
            Ok("on") => Some(true),
            Ok("off") => Some(false),
            _ => None,
        };
        Self {
            device: std::env::var("LOOKALIKE_DEVICE").ok().filter(|d| !d.is_empty()),
            memory_budget: number("LOOKALIKE_MEMORY_BUDGET"),
            timeout: Duration::from_secs(number("LOOKALIKE_TIMEOUT").unwrap_or(120)),
            gemm,
            shader_checks,
            shared_memory: std::env::var("LOOKALIKE_SHARED_MEMORY").map_or(true, |v| v.trim() != "off"),
            experimental_coop: std::env::var("LOOKALIKE_EXPERIMENTAL_COOP").is_ok_and(|v| v.trim() == "1"),
            cache: cache::folder(),
            autotune: false,
        }
    }
}

/// An open device. Cheap to clone; all clones share one device, its pipelines and its memory budget.
#[derive(Clone, Debug)]
pub struct Gpu {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What the device was opened on, if it was opened here.
    adapter: Option<wgpu::Adapter>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    report: AdapterReport,
    caps: Caps,
    timeout: Duration,
    budget: Arc<Budget>,
    pipelines: Pipelines,
    lost: Arc<Mutex<Option<String>>>,
    cooperative: Option<String>,
    /// [`GpuOptions::shared_memory`], and what became of it.
    shared_memory: bool,
    shares_memory: OnceLock<bool>,
    cache: Option<PathBuf>,
    autotune: bool,
    /// Measured or read when it is first asked for.
    speed: Mutex<Option<Speed>>,
    tuned: Mutex<Option<Vec<TunedLayer>>>,
}

impl Gpu {
    /// Opens the adapter that `options` asks for, or the best one: discrete, integrated, virtual, software; Vulkan, Metal and DX12 before GL.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] when none is usable or none fits, [`Error::Device`] when it does not open.
    pub fn new(options: &GpuOptions) -> Result<Self> {
        pollster::block_on(Self::new_async(options))
    }

    /// As [`Gpu::new`], for callers with an executor.
    ///
    /// # Errors
    /// As [`Gpu::new`].
    pub async fn new_async(options: &GpuOptions) -> Result<Self> {
        let (adapter, report) = adapter::choose(options.device.as_deref()).await?;
        let (device, queue) = adapter::open(&adapter, &report, options.experimental_coop).await?;
        let lost = Arc::new(Mutex::new(None));
        errors::watch(&device, &lost);
        Self::finish(options, report, Some(adapter), device, queue, lost)
    }

    /// Another device on the same adapter. `None` if this one was not opened here.
    fn beside(&self) -> Option<Result<Self>> {
        let adapter = self.inner.adapter.clone()?;
        let options = GpuOptions { cache: None, gemm: Some(self.caps().gemm), experimental_coop: false, ..GpuOptions::default() };
        let open = |(device, queue)| {
            let lost = Arc::default();
            errors::watch(&device, &lost);
            Self::finish(&options, self.adapter().clone(), None, device, queue, lost)
        };
        Some(pollster::block_on(adapter::open(&adapter, self.adapter(), false)).and_then(open))
    }

    /// Uses a device that the caller (a game engine, a wgpu app) already has. No callback of the device is replaced: the host keeps its
    /// own; errors here are found by error scopes and failed waits.
    ///
    /// # Errors
    /// [`Error::Device`] when the subgroup probe does not run.
    pub fn from_wgpu(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        let report = AdapterReport::of_device(&info, &device);
        Self::finish(&GpuOptions::default(), report, None, device, queue, Arc::default())
    }

    fn finish(
        options: &GpuOptions,
        report: AdapterReport,
        adapter: Option<wgpu::Adapter>,
        device: wgpu::Device,
        queue: wgpu::Queue,
        lost: Arc<Mutex<Option<String>>>,
    ) -> Result<Self> {
        let limits = device.limits();
        let budget = Arc::new(Budget::new(options.memory_budget.unwrap_or_else(|| memory::default_budget(report.is_software()))));
        let baseline = Caps {
            gemm: GemmFamily::Tiled,
            max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) / 16 * 16,
            max_groups: limits.max_compute_workgroups_per_dimension,
            subgroup: None,
            textures: report.is_software() && report.backend != "gl",
            cooperative: None,
        };
        let checked = options.shader_checks.unwrap_or(cfg!(debug_assertions) || report.is_software());
        let pipelines = Pipelines::new(&device, &report, options.cache.as_deref(), checked);
        let inner = Inner {
            adapter,
            device,
            queue,
            report,
            caps: baseline,
            timeout: options.timeout,
            budget,
            pipelines,
            lost,
            cooperative: None,
            shared_memory: options.shared_memory,
            shares_memory: OnceLock::new(),
            cache: options.cache.clone(),
            autotune: options.autotune,
            speed: Mutex::new(None),
            tuned: Mutex::new(None),
        };
        let mut gpu = Self { inner: Arc::new(inner) };
        let ran = if gpu.device().features().contains(wgpu::Features::SUBGROUP) { probe::subgroup_size(&gpu)? } else { None };
        let report = &gpu.inner.report;
        let subgroup = ran.filter(|&size| report.subgroup_min == size && size == report.subgroup_max);
        let caps = Caps { subgroup, ..gpu.inner.caps.clone() };
        let gemm = options.gemm.unwrap_or(match caps.subgroup_size() {
            // Registers and broadcasts win where a load costs tens of multiply-adds; real GPUs have fast workgroup memory.
            Some(size) if report.is_software() => GemmFamily::Subgroup(size),
            _ => GemmFamily::Tiled,
        });
        let (cooperative, told) = if options.experimental_coop { coop::decide(&gpu, ran, gemm)? } else { Default::default() };
        if let Some(inner) = Arc::get_mut(&mut gpu.inner) {
            inner.caps = Caps { gemm, cooperative, ..caps };
            inner.cooperative = told;
        }
        Ok(gpu)
    }

    /// What this adapter is and can do.
    pub fn adapter(&self) -> &AdapterReport {
        &self.inner.report
    }

    /// What planning knows of this device.
    pub fn caps(&self) -> &Caps {
        &self.inner.caps
    }

    /// What became of [`GpuOptions::experimental_coop`], in a sentence; `None` when it was not asked for.
    pub fn cooperative(&self) -> Option<&str> {
        self.inner.cooperative.as_deref()
    }

    /// [`GpuOptions::autotune`].
    pub(crate) fn autotunes(&self) -> bool {
        self.inner.autotune
    }

    /// The device, for callers that share it.
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// The queue, for callers that share it.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// Bytes allocated through this device now, and the budget.
    pub fn memory(&self) -> (u64, u64) {
        self.inner.budget.used_and_limit()
    }

    /// # Errors
    /// [`Error::DeviceLost`] once the device is gone.
    fn check_lost(&self) -> Result<()> {
        match &*self.inner.lost.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(Error::DeviceLost(reason.clone())),
            None => Ok(()),
        }
    }

    /// Waits until `submission` is done, at most as long as the timeout.
    fn wait(&self, submission: wgpu::SubmissionIndex, what: &str) -> Result<()> {
        let poll = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(self.inner.timeout) };
        let result = self.inner.device.poll(poll);
        self.check_lost()?;
        match result {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => Err(Error::Timeout { what: what.to_owned(), seconds: self.inner.timeout.as_secs() }),
            Err(e) => {
                // A submission that never happened, and no error of it in any scope: the device is gone. This poll says why.
                let _ = self.inner.device.poll(wgpu::PollType::Poll);
                self.check_lost()?;
                Err(Error::DeviceLost(format!("waiting for {what}: {e}")))
            }
        }
    }
}
