//! Errors of the device become errors of this crate: scopes around what may fail, and a watch for loss.

use std::sync::{Arc, Mutex, PoisonError};

use super::Gpu;
use crate::error::{Error, Result};

/// Notes the loss of a device this crate opened, and keeps stray errors from ending the process.
pub(super) fn watch(device: &wgpu::Device, lost: &Arc<Mutex<Option<String>>>) {
    let note = Arc::clone(lost);
    device.set_device_lost_callback(move |reason, message| {
        let mut slot = note.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| if message.is_empty() { format!("{reason:?}") } else { message });
    });
    // wgpu's default handler panics. Every call of ours that may fail runs in a scope, so what arrives here belongs to a lost device.
    let note = Arc::clone(lost);
    device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
        note.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| e.to_string());
    }));
}

impl Gpu {
    /// Runs `work` in error scopes of this thread. `wanted` bytes for `what` are named when memory runs out.
    pub(super) fn scoped<T>(&self, what: &str, wanted: u64, work: impl FnOnce() -> T) -> Result<T> {
        self.check_lost()?;
        let device = self.device();
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let result = work();
        let out_of_memory = pollster::block_on(memory.pop());
        let invalid = pollster::block_on(validation.pop());
        let broken = pollster::block_on(internal.pop());
        self.check_lost()?;
        if out_of_memory.is_some() {
            let (used, limit) = self.memory();
            return Err(Error::OutOfMemory { what: what.to_owned(), wanted, limit: limit.saturating_sub(used) });
        }
        match invalid.or(broken) {
            Some(e) => Err(Error::Device(format!("The GPU refused {what}: {e}"))),
            None => Ok(result),
        }
    }
}
