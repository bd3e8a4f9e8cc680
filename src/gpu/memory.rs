//! Buffers that count against a budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Gpu;
use crate::error::{Error, Result};

/// Bytes in use and allowed.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicU64,
    limit: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { used: AtomicU64::new(0), limit }
    }

    pub(super) fn used_and_limit(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.limit)
    }

    /// Takes `bytes`, or says how many were still free.
    pub(super) fn take(&self, bytes: u64) -> Result<(), u64> {
        let take = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map(|_| ()).map_err(|used| self.limit.saturating_sub(used))
    }
}

impl Budget {
    /// Returns `bytes`.
    pub(super) fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Software adapters promise more memory than the machine has and are killed when it is touched: three quarters of what is free.
pub(super) fn default_budget(software: bool) -> u64 {
    let free = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    match free() {
        Some(kib) if software => kib * 1024 / 4 * 3,
        _ => u64::MAX,
    }
}

/// A device buffer; its bytes return to the budget when it is dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(super) raw: wgpu::Buffer,
    pub(super) size: u64,
    budget: Arc<Budget>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.budget.give(self.size);
    }
}

impl Buffer {
    /// A buffer whose `size` bytes were taken from `budget`.
    pub(super) fn new(raw: wgpu::Buffer, size: u64, budget: Arc<Budget>) -> Self {
        Self { raw, size, budget }
    }
}

impl Gpu {
    /// Allocates `size` bytes for `what`; with `content`, filled (padded with zeros) before first use.
    pub(super) fn buffer(&self, what: &str, size: u64, usage: wgpu::BufferUsages, content: Option<&[u8]>) -> Result<Buffer> {
        let size = size.next_multiple_of(16).max(16);
        let budget = &self.inner.budget;
        let max = self.device().limits().max_buffer_size;
        if size > max {
            return Err(Error::OutOfMemory { what: format!("{what} (one buffer)"), wanted: size, limit: max });
        }
        budget.take(size).map_err(|limit| Error::OutOfMemory { what: what.to_owned(), wanted: size, limit })?;
        // From here the guard returns the bytes if anything fails.
        let descriptor = wgpu::BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: content.is_some() };
        let raw = self.scoped(what, size, || self.device().create_buffer(&descriptor)).inspect_err(|_| budget.give(size))?;
        let buffer = Buffer { raw, size, budget: Arc::clone(budget) };
        if let Some(content) = content {
            let mut view = buffer
                .raw
                .get_mapped_range_mut(..)
                .map_err(|e| Error::Device(format!("The GPU did not map the new buffer for {what}: {e}")))?;
            view.slice(..content.len()).copy_from_slice(content);
            drop(view);
            buffer.raw.unmap();
        }
        Ok(buffer)
    }
}
