//! How long each dispatch takes.

use std::time::Instant;

use super::{Gpu, Instance};
use crate::error::{Error, Result};

/// One dispatch of a profile.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KernelTime {
    /// Layer and shape.
    pub label: String,
    /// Permutation.
    pub shader: String,
    /// Workgroups.
    pub groups: [u32; 3],
    /// Microseconds, by timestamp queries; without them, by submitting it alone.
    pub micros: f64,
    /// Floating point operations.
    pub flops: u64,
    /// Bytes bound.
    pub bytes: u64,
}

/// Dispatches one query set covers.
const PER_SET: usize = 1024;

impl Instance {
    /// Runs once, timing every dispatch. Its inputs have to be uploaded.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn profile(&self, gpu: &Gpu) -> Result<Vec<KernelTime>> {
        let timed = gpu.device().features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let mut micros = Vec::with_capacity(self.plan.dispatches.len());
        for start in (0..self.plan.dispatches.len()).step_by(PER_SET) {
            let end = (start + PER_SET).min(self.plan.dispatches.len());
            if timed {
                micros.extend(self.timestamps(gpu, start..end)?);
            } else {
                micros.extend((start..end).map(|i| self.alone(gpu, i)).collect::<Result<Vec<_>>>()?);
            }
        }
        Ok(self
            .plan
            .dispatches
            .iter()
            .zip(micros)
            .map(|(d, micros)| KernelTime {
                label: d.label.clone(),
                shader: d.shader.name.to_owned(),
                groups: d.groups,
                micros,
                flops: d.flops,
                bytes: d.bytes,
            })
            .collect())
    }

    fn timestamps(&self, gpu: &Gpu, range: std::ops::Range<usize>) -> Result<Vec<f64>> {
        let queries = 2 * range.len() as u32;
        let bytes = u64::from(queries) * 8;
        let resolved = gpu.buffer("timestamps", bytes, wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC, None)?;
        let staging = gpu.buffer("timestamps", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, None)?;
        let submission = gpu.scoped("profiling", 0, || {
            let set = gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("profile"),
                ty: wgpu::QueryType::Timestamp,
                count: queries,
            });
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (k, i) in range.clone().enumerate() {
                let writes = wgpu::ComputePassTimestampWrites {
                    query_set: &set,
                    beginning_of_pass_write_index: Some(2 * k as u32),
                    end_of_pass_write_index: Some(2 * k as u32 + 1),
                };
                self.encode_one(&mut encoder, i, Some(writes));
            }
            encoder.resolve_query_set(&set, 0..queries, &resolved.raw, 0);
            encoder.copy_buffer_to_buffer(&resolved.raw, 0, &staging.raw, 0, bytes);
            gpu.queue().submit([encoder.finish()])
        })?;
        let read = gpu.read_back(&staging, submission, "the timestamps")?;
        let ticks: &[u64] = bytemuck::try_cast_slice(&read).map_err(|e| Error::Device(format!("Timestamps are misaligned: {e}.")))?;
        let period = f64::from(gpu.queue().get_timestamp_period());
        Ok(ticks.chunks_exact(2).take(range.len()).map(|t| t[1].saturating_sub(t[0]) as f64 * period / 1000.0).collect())
    }

    fn alone(&self, gpu: &Gpu, i: usize) -> Result<f64> {
        let start = Instant::now();
        let submission = gpu.scoped("profiling", 0, || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            self.encode_one(&mut encoder, i, None);
            gpu.queue().submit([encoder.finish()])
        })?;
        gpu.wait(submission, "profiling")?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }
}
