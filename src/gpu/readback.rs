//! Memory that the host maps: results that are read, rows that are written.

use std::sync::mpsc;

use super::Gpu;
use super::memory::Buffer;
use crate::error::{Error, Result};

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
        let bytes = self.wait(submission, what).and_then(|()| self.mapped_bytes(staging, &receiver, what));
        // The next run needs the buffer, whatever became of this one: after a timeout it is still waiting to be mapped.
        let unmapped = self.scoped(what, 0, || staging.raw.unmap());
        let bytes = bytes?;
        unmapped?;
        Ok(bytes)
    }

    /// Writes parts of a buffer that the host can map, each from a byte on. Waits until the device does not use the buffer.
    pub(super) fn write_mapped(&self, buffer: &Buffer, parts: &[(usize, &[u8])], what: &str) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        self.scoped(what, 0, || {
            buffer.raw.map_async(wgpu::MapMode::Write, .., move |result| {
                // The receiver is gone only when the wait below has failed already.
                let _ = sender.send(result);
            });
        })?;
        let submission = self.scoped(what, 0, || self.queue().submit([]))?;
        let written = self.wait(submission, what).and_then(|()| {
            let mapped = receiver.recv_timeout(self.inner.timeout).map_err(|_| Error::DeviceLost(format!("no answer during {what}")));
            mapped?.map_err(|e| Error::DeviceLost(format!("{e} during {what}")))?;
            let mut view = buffer.raw.get_mapped_range_mut(..).map_err(|e| Error::Device(format!("The GPU did not map {what}: {e}")))?;
            for &(first, bytes) in parts {
                view.slice(first..first + bytes.len()).copy_from_slice(bytes);
            }
            Ok(())
        });
        let unmapped = self.scoped(what, 0, || buffer.raw.unmap());
        written.and(unmapped)
    }

    /// The bytes of a staging buffer once `receiver` says that it is mapped.
    fn mapped_bytes(
        &self,
        staging: &Buffer,
        receiver: &mpsc::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
        what: &str,
    ) -> Result<Vec<u8>> {
        // Another thread that polls the device may have taken the answer and be about to deliver it.
        let mapped =
            receiver.recv_timeout(self.inner.timeout).map_err(|_| Error::DeviceLost(format!("no answer while reading {what} back")));
        self.check_lost()?;
        mapped?.map_err(|e| Error::DeviceLost(format!("{e} while reading {what} back")))?;
        let view = staging.raw.get_mapped_range(..).map_err(|e| Error::Device(format!("Results of {what} cannot be read: {e}")))?;
        Ok(view.to_vec())
    }
}
