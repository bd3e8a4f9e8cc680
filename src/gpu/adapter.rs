//! Listing, choosing and opening adapters.

use serde::Serialize;

use crate::error::{Error, Result};

/// What sort of device an adapter is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A graphics card.
    Discrete,
    /// Part of the processor, sharing its memory.
    Integrated,
    /// A virtual machine's.
    Virtual,
    /// Unknown.
    Other,
    /// The CPU pretending (lavapipe, SwiftShader, WARP).
    Software,
}

/// Limits that matter to this crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceLimits {
    /// Bytes of one buffer.
    pub max_buffer: u64,
    /// Bytes of one storage binding.
    pub max_storage_binding: u64,
    /// Storage buffers of one kernel.
    pub max_storage_buffers: u32,
    /// Bytes of workgroup memory.
    pub max_workgroup_memory: u32,
    /// Invocations of a workgroup.
    pub max_invocations: u32,
    /// Workgroups along one dimension.
    pub max_workgroups: u32,
}

/// An adapter as `lookalike devices` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdapterReport {
    /// Its number for `--device`.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Sort of device.
    pub kind: AdapterKind,
    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// Driver.
    pub driver: String,
    /// Driver version.
    pub driver_info: String,
    /// f16 arithmetic in shaders.
    pub f16: bool,
    /// Subgroup operations.
    pub subgroups: bool,
    /// Smallest subgroup, as reported.
    pub subgroup_min: u32,
    /// Largest subgroup, as reported.
    pub subgroup_max: u32,
    /// Timestamp queries.
    pub timestamps: bool,
    /// Cooperative matrices (experimental).
    pub cooperative_matrix: bool,
    /// Rows of the square ones that multiply halves into sums of f32, largest first: those that [`super::GpuOptions::experimental_coop`] can
    /// use.
    pub cooperative_sizes: Vec<u32>,
    /// A pipeline cache that can be stored.
    pub pipeline_cache: bool,
    /// Immediate data (push constants).
    pub immediates: bool,
    /// Limits.
    pub limits: DeviceLimits,
}

impl AdapterReport {
    /// Whether the CPU does the work.
    pub fn is_software(&self) -> bool {
        self.kind == AdapterKind::Software
    }

    fn new(index: usize, info: &wgpu::AdapterInfo, features: wgpu::Features, limits: &wgpu::Limits) -> Self {
        use wgpu::Features as F;
        Self {
            index,
            name: info.name.clone(),
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            },
            backend: info.backend.to_string(),
            driver: info.driver.clone(),
            driver_info: info.driver_info.clone(),
            f16: features.contains(F::SHADER_F16),
            subgroups: features.contains(F::SUBGROUP),
            subgroup_min: info.subgroup_min_size,
            subgroup_max: info.subgroup_max_size,
            timestamps: features.contains(F::TIMESTAMP_QUERY),
            cooperative_matrix: features.contains(F::EXPERIMENTAL_COOPERATIVE_MATRIX),
            cooperative_sizes: Vec::new(),
            pipeline_cache: features.contains(F::PIPELINE_CACHE),
            immediates: features.contains(F::IMMEDIATES),
            limits: DeviceLimits {
                max_buffer: limits.max_buffer_size,
                max_storage_binding: limits.max_storage_buffer_binding_size,
                max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
                max_workgroup_memory: limits.max_compute_workgroup_storage_size,
                max_invocations: limits.max_compute_invocations_per_workgroup,
                max_workgroups: limits.max_compute_workgroups_per_dimension,
            },
        }
    }

    /// For a device that somebody else opened.
    pub(super) fn of_device(info: &wgpu::AdapterInfo, device: &wgpu::Device) -> Self {
        Self::new(0, info, device.features(), &device.limits())
    }
}

/// Backends to look at: `LOOKALIKE_BACKENDS` (a comma-separated list of vulkan, metal, dx12, gl), or all.
fn backends() -> Result<wgpu::Backends> {
    let Ok(text) = std::env::var("LOOKALIKE_BACKENDS") else { return Ok(wgpu::Backends::all()) };
    text.split(',').map(|word| word.trim().to_ascii_lowercase()).filter(|w| !w.is_empty()).try_fold(wgpu::Backends::empty(), |all, word| {
        Ok(all
            | match word.as_str() {
                "vulkan" => wgpu::Backends::VULKAN,
                "metal" => wgpu::Backends::METAL,
                "dx12" => wgpu::Backends::DX12,
                "gl" => wgpu::Backends::GL,
                _ => {
                    return Err(Error::Caller(format!(
                        "LOOKALIKE_BACKENDS names an unknown backend ({word}). Use a comma-separated list of vulkan, metal, dx12 and gl."
                    )));
                }
            })
    })
}

/// Every adapter that can run compute shaders, best first: by kind, then by backend.
async fn list() -> Result<Vec<(wgpu::Adapter, AdapterReport)>> {
    let backends = backends()?;
    let descriptor = wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let instance = wgpu::Instance::new(descriptor);
    let mut found: Vec<_> = instance
        .enumerate_adapters(backends)
        .await
        .into_iter()
        .filter(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .map(|a| {
            let report = AdapterReport::new(0, &a.get_info(), a.features(), &a.limits());
            let cooperative_sizes = cooperative_sizes(&a);
            (a, AdapterReport { cooperative_sizes, ..report })
        })
        .collect();
    found.sort_by_key(|(_, r)| (r.kind, r.backend == "gl", r.name.clone()));
    for (i, (_, r)) in found.iter_mut().enumerate() {
        r.index = i;
    }
    Ok(found)
}

/// See [`AdapterReport::cooperative_sizes`].
fn cooperative_sizes(adapter: &wgpu::Adapter) -> Vec<u32> {
    use wgpu::{CooperativeScalarType::F16, CooperativeScalarType::F32, Features as F};
    // The kernel stores halves in workgroup memory and asks for the number of its subgroup.
    if !adapter.features().contains(F::EXPERIMENTAL_COOPERATIVE_MATRIX | F::SHADER_F16 | F::SUBGROUP) {
        return Vec::new();
    }
    let offered = adapter.cooperative_matrix_properties();
    let has = |size: &u32| offered.iter().any(|p| [p.m_size, p.n_size, p.k_size] == [*size; 3] && (p.ab_type, p.cr_type) == (F16, F32));
    [16, 8].into_iter().filter(has).collect()
}

/// Every usable adapter, best first.
///
/// # Errors
/// An unreadable `LOOKALIKE_BACKENDS`.
pub fn adapters() -> Result<Vec<AdapterReport>> {
    Ok(pollster::block_on(list())?.into_iter().map(|(_, r)| r).collect())
}

/// The adapter that `device` names, or the best.
pub(super) async fn choose(device: Option<&str>) -> Result<(wgpu::Adapter, AdapterReport)> {
    let found = list().await?;
    if found.is_empty() {
        return Err(Error::NoAdapter(
            "No graphics adapter with Vulkan, Metal, DX12 or GL compute shaders was found. Install a Vulkan driver; on Linux without a GPU \
             Mesa's software driver will do (package mesa-vulkan-drivers, vulkan-swrast or mesa-vulkan-swrast)."
                .to_owned(),
        ));
    }
    let Some(wanted) = device else {
        // `found` is not empty.
        return found.into_iter().next().ok_or_else(|| Error::NoAdapter("No graphics adapter was found.".to_owned()));
    };
    let names: Vec<_> = found.iter().map(|(_, r)| format!("{} = {} ({})", r.index, r.name, r.backend)).collect();
    let lower = wanted.to_lowercase();
    let matches = |r: &AdapterReport| match wanted.parse::<usize>() {
        Ok(index) => r.index == index,
        Err(_) => r.name.to_lowercase().contains(&lower),
    };
    found
        .into_iter()
        .find(|(_, r)| matches(r))
        .ok_or_else(|| Error::NoAdapter(format!("No adapter fits --device {wanted}. Adapters here: {}.", names.join(", "))))
}

/// Opens an adapter with all of its limits and every feature this crate has a use for; cooperative matrices only if `experimental_coop`.
pub(super) async fn open(adapter: &wgpu::Adapter, report: &AdapterReport, experimental_coop: bool) -> Result<(wgpu::Device, wgpu::Queue)> {
    use wgpu::Features as F;
    let mut wanted = F::SUBGROUP | F::SHADER_F16 | F::TIMESTAMP_QUERY | F::PIPELINE_CACHE | F::IMMEDIATES;
    let mut experimental_features = wgpu::ExperimentalFeatures::disabled();
    if experimental_coop && !report.cooperative_sizes.is_empty() {
        wanted |= F::EXPERIMENTAL_COOPERATIVE_MATRIX;
        #[expect(
            unsafe_code,
            reason = "the caller asked for it; one shader of our own uses the feature, within its workgroup memory, and is compared with another \
                      before it is used"
        )]
        let enabled = unsafe { wgpu::ExperimentalFeatures::enabled() };
        experimental_features = enabled;
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("lookalike"),
        required_features: wanted & adapter.features(),
        required_limits: adapter.limits(),
        experimental_features,
        memory_hints: wgpu::MemoryHints::Performance,
        ..wgpu::DeviceDescriptor::default()
    };
    adapter.request_device(&descriptor).await.map_err(|e| {
        Error::Device(format!(
            "The adapter {} ({}) does not open: {e}. Choose another with --device or update its driver.",
            report.name, report.backend
        ))
    })
}
