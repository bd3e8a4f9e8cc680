//! Compute pipelines, built once per device, in parallel, and cached on disk where the driver profits.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::DiskCache;
use super::{AdapterReport, Gpu};
use crate::error::Result;
use crate::shader::{BindingKind, Shader};

/// Kernels that run without the checks that wgpu adds to shaders (indices into workgroup memory and private arrays, counters of loops, divisors), where those
/// are off: the products that most of a network's or a search's time goes into. `tests/selftest.rs` runs every case of theirs in both ways and wants the
/// same errors to the last bit, so no index was ever moved by a check.
pub(crate) const UNCHECKED: [&str; 6] =
    ["conv/tiled_gemm", "conv/subgroup_gemm", "conv/narrow", "linear/gemv", "linear/matmul", "search/tiled_scan"];

/// A pipeline and the layout of its bind group.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

/// The pipelines of a device by shader name.
#[derive(Debug)]
pub(super) struct Pipelines {
    built: Mutex<HashMap<&'static str, Arc<Pipeline>>>,
    cache: DiskCache,
    /// Whether [`UNCHECKED`] keep their checks.
    checked: bool,
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device, report: &AdapterReport, folder: Option<&Path>, checked: bool) -> Self {
        Self { built: Mutex::new(HashMap::new()), cache: DiskCache::open(device, report, folder), checked }
    }
}

impl Gpu {
    fn built(&self, shader: &Shader) -> Option<Arc<Pipeline>> {
        self.inner.pipelines.built.lock().unwrap_or_else(PoisonError::into_inner).get(shader.name).cloned()
    }

    /// The pipeline of `shader`, built now if need be.
    pub(super) fn pipeline(&self, shader: &'static Shader) -> Result<Arc<Pipeline>> {
        if let Some(pipeline) = self.built(shader) {
            return Ok(pipeline);
        }
        let pipeline = Arc::new(self.build_pipeline(shader)?);
        let mut built = self.inner.pipelines.built.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(built.entry(shader.name).or_insert(pipeline)))
    }

    /// Builds all pipelines that are still missing, on as many threads as there are cores, and says which they were.
    pub(super) fn build_pipelines(&self, shaders: &[&'static Shader]) -> Result<Vec<&'static Shader>> {
        let mut missing: Vec<&'static Shader> = shaders.iter().copied().filter(|s| self.built(s).is_none()).collect();
        missing.sort_by_key(|s| s.name);
        missing.dedup_by_key(|s| s.name);
        if missing.is_empty() {
            return Ok(missing);
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(missing.len());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|t| {
                    let part: Vec<_> = missing.iter().copied().skip(t).step_by(threads).collect();
                    scope.spawn(move || part.into_iter().try_for_each(|s| self.pipeline(s).map(drop)))
                })
                .collect();
            workers.into_iter().try_for_each(|w| {
                w.join().unwrap_or_else(|_| Err(crate::error::Error::Device("A thread that builds pipelines ended.".to_owned())))
            })
        })?;
        self.inner.pipelines.cache.store();
        Ok(missing)
    }

    fn build_pipeline(&self, shader: &'static Shader) -> Result<Pipeline> {
        self.scoped(&format!("the shader {}", shader.name), 0, || {
            let device = self.device();
            let entries: Vec<_> = shader.bindings.iter().enumerate().map(|(i, kind)| layout_entry(i as u32, *kind)).collect();
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(shader.name), entries: &entries });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(shader.name),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let descriptor =
                wgpu::ShaderModuleDescriptor { label: Some(shader.name), source: wgpu::ShaderSource::Wgsl(shader.source.into()) };
            let stem = shader.name.split('.').next().unwrap_or_default();
            let module = if self.inner.pipelines.checked || !UNCHECKED.contains(&stem) {
                device.create_shader_module(descriptor)
            } else {
                #[expect(
                    unsafe_code,
                    reason = "shaders of our own, whose loops end and whose indices stay inside for every plan: UNCHECKED says how that is tested"
                )]
                unsafe {
                    device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
                }
            };
            let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(shader.name),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every shader writes its workgroup memory before it reads it.
                    zero_initialize_workgroup_memory: false,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                cache: self.inner.pipelines.cache.raw(),
            });
            Pipeline { raw, layout }
        })
    }
}

fn layout_entry(binding: u32, kind: BindingKind) -> wgpu::BindGroupLayoutEntry {
    let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    let texture =
        |sample_type| wgpu::BindingType::Texture { sample_type, view_dimension: wgpu::TextureViewDimension::D2, multisampled: false };
    let ty = match kind {
        BindingKind::Uniform => buffer(wgpu::BufferBindingType::Uniform),
        BindingKind::Read => buffer(wgpu::BufferBindingType::Storage { read_only: true }),
        BindingKind::Write => buffer(wgpu::BufferBindingType::Storage { read_only: false }),
        BindingKind::Texture => texture(wgpu::TextureSampleType::Float { filterable: false }),
        BindingKind::TextureUint => texture(wgpu::TextureSampleType::Uint),
    };
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
}
