//! What is kept on disk for an adapter and driver: the driver's compiled pipelines, the measured speed, choices made by timing.
//! Failing to read or write it costs time, never a run.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AdapterReport;

/// Bytes of a file of facts that are read.
const MAX_BYTES: u64 = 4 << 20;

/// The folder that `LOOKALIKE_CACHE` names, or the user's; `None` when it is `off`.
pub(super) fn folder() -> Option<PathBuf> {
    match std::env::var_os("LOOKALIKE_CACHE").filter(|v| !v.is_empty()) {
        Some(off) if off == "off" => None,
        Some(folder) => Some(folder.into()),
        None => default_folder(),
    }
}

/// A JSON file with facts of one kind about an adapter, and whom they are about.
#[derive(Debug, Deserialize, Serialize)]
struct Facts<T> {
    adapter: String,
    backend: String,
    driver: String,
    version: String,
    content: T,
}

impl<T> Facts<T> {
    fn new(report: &AdapterReport, content: T) -> Self {
        let driver = format!("{} {}", report.driver, report.driver_info).trim().to_owned();
        Self {
            adapter: report.name.clone(),
            backend: report.backend.clone(),
            driver,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            content,
        }
    }

    fn is_about(&self, report: &AdapterReport) -> bool {
        let other = Facts::new(report, ());
        self.adapter == other.adapter && self.backend == other.backend && self.driver == other.driver && self.version == other.version
    }
}

/// Where facts of a `kind` lie.
fn facts_path(folder: &Path, kind: &str, report: &AdapterReport) -> PathBuf {
    folder.join(format!("{kind}-{}-{}.json", report.backend, key(report)))
}

/// Facts of a `kind` about an adapter; `None` for a file that is missing, damaged, too large or about another adapter, driver or version.
pub(super) fn load<T: DeserializeOwned>(folder: &Path, kind: &str, report: &AdapterReport) -> Option<T> {
    let path = facts_path(folder, kind, report);
    if std::fs::metadata(&path).ok()?.len() > MAX_BYTES {
        return None;
    }
    let facts: Facts<T> = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    facts.is_about(report).then_some(facts.content)
}

/// Keeps facts of a `kind` about an adapter.
pub(super) fn save<T: Serialize>(folder: &Path, kind: &str, report: &AdapterReport, content: &T) {
    if let Ok(bytes) = serde_json::to_vec_pretty(&Facts::new(report, content)) {
        write(&facts_path(folder, kind, report), &bytes);
    }
}

/// Adapter, driver and version as a part of a file name.
fn key(report: &AdapterReport) -> String {
    let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{} {} {}", report.name, report.driver_info, env!("CARGO_PKG_VERSION")).chars().map(name).collect()
}

/// Writes a file next to its place and renames it, so that a reader never sees half of it.
fn write(path: &Path, data: &[u8]) {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&part, data)?;
        std::fs::rename(&part, path)
    };
    if written().is_err() {
        let _ = std::fs::remove_file(&part);
    }
}

/// The driver's pipeline cache. Drivers that keep one themselves (Mesa) gain nothing, and software adapters are left out.
#[derive(Debug, Default)]
pub(super) struct DiskCache {
    raw: Option<wgpu::PipelineCache>,
    path: Option<PathBuf>,
}

impl DiskCache {
    /// Opens the cache of this adapter and driver. Software adapters have one where `LOOKALIKE_CACHE` asks for it.
    pub(super) fn open(device: &wgpu::Device, report: &AdapterReport, folder: Option<&Path>) -> Self {
        let useful = report.pipeline_cache && device.features().contains(wgpu::Features::PIPELINE_CACHE);
        let wanted = !report.is_software() || std::env::var_os("LOOKALIKE_CACHE").is_some();
        let Some(folder) = folder.filter(|_| useful && wanted) else { return Self::default() };
        let path = folder.join(format!("pipelines-{}.bin", key(report)));
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

    /// Writes what the driver has compiled.
    pub(super) fn store(&self) {
        if let (Some(path), Some(data)) = (&self.path, self.raw.as_ref().and_then(wgpu::PipelineCache::get_data)) {
            write(path, &data);
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
