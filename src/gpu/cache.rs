//! The driver's pipeline cache on disk. Drivers that keep one themselves (Mesa) gain nothing, and software adapters are left out.

use std::path::PathBuf;

use super::AdapterReport;

/// See the module. Failing to read or write it costs time, never a run.
#[derive(Debug, Default)]
pub(super) struct DiskCache {
    raw: Option<wgpu::PipelineCache>,
    path: Option<PathBuf>,
}

impl DiskCache {
    /// Opens the cache of this adapter and driver. `LOOKALIKE_CACHE` names the folder; `off` disables it.
    pub(super) fn open(device: &wgpu::Device, report: &AdapterReport) -> Self {
        let folder = std::env::var("LOOKALIKE_CACHE").ok();
        let useful = report.pipeline_cache && device.features().contains(wgpu::Features::PIPELINE_CACHE);
        if !useful || folder.as_deref() == Some("off") || (report.is_software() && folder.is_none()) {
            return Self::default();
        }
        let Some(folder) = folder.map(PathBuf::from).or_else(default_folder) else { return Self::default() };
        let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let key: String = format!("{} {} {}", report.name, report.driver_info, env!("CARGO_PKG_VERSION")).chars().map(name).collect();
        let path = folder.join(format!("pipelines-{key}.bin"));
        let data = std::fs::read(&path).ok();
        let descriptor = wgpu::PipelineCacheDescriptor { label: Some("lookalike"), data: data.as_deref(), fallback: true };
        #[expect(
            unsafe_code,
            reason = "the data has to come from get_data of the same driver, which the file name says; wgpu checks its header"
        )]
        let raw = unsafe { device.create_pipeline_cache(&descriptor) };
        Self { raw: Some(raw), path: Some(path) }
    }

    pub(super) fn raw(&self) -> Option<&wgpu::PipelineCache> {
        self.raw.as_ref()
    }

    /// Writes the cache next to its place and renames it, so that a reader never sees half of it.
    pub(super) fn store(&self) {
        let (Some(raw), Some(path)) = (&self.raw, &self.path) else { return };
        let Some(data) = raw.get_data() else { return };
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&part, data)?;
            std::fs::rename(&part, path)
        };
        if write().is_err() {
            let _ = std::fs::remove_file(&part);
        }
    }
}

fn default_folder() -> Option<PathBuf> {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    if cfg!(target_os = "windows") {
        return home("LOCALAPPDATA").map(|p| p.join("lookalike"));
    }
    if cfg!(target_os = "macos") {
        return home("HOME").map(|p| p.join("Library/Caches/lookalike"));
    }
    home("XDG_CACHE_HOME").or_else(|| home("HOME").map(|p| p.join(".cache"))).map(|p| p.join("lookalike"))
}
