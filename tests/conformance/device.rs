//! The device that all tests share, opened again when a test lost it.

use std::sync::Mutex;
use std::time::Duration;

use lookalike::gpu::{Gpu, GpuOptions};

/// One open device.
pub(crate) struct Device(Mutex<Gpu>);

fn gpu() -> Gpu {
    let options = GpuOptions::default();
    Gpu::new(&GpuOptions { timeout: options.timeout.min(Duration::from_secs(60)), ..options }).unwrap()
}

impl Device {
    pub(crate) fn open() -> Self {
        Self(Mutex::new(gpu()))
    }

    pub(crate) fn get(&self) -> Gpu {
        self.0.lock().unwrap().clone()
    }

    /// One test lost the device; the others get a new one.
    pub(crate) fn reopen(&self) {
        *self.0.lock().unwrap() = gpu();
    }
}
