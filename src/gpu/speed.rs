//! How fast an adapter is: measured once, kept on disk.

use std::sync::PoisonError;

use super::{AdapterReport, Gpu, Instance, Uploaded, cache};
use crate::error::Result;
use crate::kernels::probe::peak;
use crate::model::Precision;
use crate::recording::{Feed, Force, Recorder, Speed};

const KIND: &str = "speed";
/// Workgroups and rounds of the arithmetic probe: 134 million operations.
const ARITHMETIC: [u32; 2] = [256, 16];
/// Launches that do next to nothing, one after another.
const IDLE: usize = 32;

/// What was measured of an adapter in an earlier run, in the folder that `LOOKALIKE_CACHE` names or the user's. Opens no device.
pub fn known_speed(report: &AdapterReport) -> Option<Speed> {
    cache::load(&cache::folder()?, KIND, report).filter(Speed::is_sound)
}

impl Gpu {
    /// What this adapter reaches, as measured when it was first asked for: within tens of milliseconds, once per adapter, driver and version of
    /// this crate ([`super::GpuOptions::cache`]). Plans do not depend on it.
    ///
    /// # Errors
    /// Too little memory, or what makes the device unusable.
    pub fn speed(&self) -> Result<Speed> {
        let mut speed = self.inner.speed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = *speed {
            return Ok(known);
        }
        let folder = self.inner.cache.as_deref();
        let stored = folder.and_then(|f| cache::load(f, KIND, &self.inner.report)).filter(Speed::is_sound);
        let found = match stored {
            Some(stored) => stored,
            None => {
                let measured = self.measure_speed()?;
                folder.into_iter().for_each(|f| cache::save(f, KIND, &self.inner.report, &measured));
                measured
            }
        };
        *speed = Some(found);
        Ok(found)
    }

    fn measure_speed(&self) -> Result<Speed> {
        let arithmetic = self.launches(1, ARITHMETIC)?;
        let flops: u64 = arithmetic.plan.dispatches.iter().map(|d| d.flops).sum();
        // The first launch compiles. On a fast device one launch is over too soon to be timed.
        arithmetic.time(self, 1)?;
        let times = ((2e-3 / arithmetic.time(self, 1)?) as usize).clamp(1, 100);
        let seconds = self.shortest(3, || Ok(arithmetic.time(self, times)? / times as f64))?;
        let idle = self.launches(IDLE, [1, 1])?;
        idle.time(self, 1)?;
        // What a submission takes is in both.
        let once = self.shortest(3, || idle.time(self, 1))?;
        let thrice = self.shortest(3, || idle.time(self, 3))?;
        // Beyond the caches of most adapters; software ones spend their time on memory that nobody has touched.
        let bytes = if self.inner.report.is_software() { 32 << 20 } else { 64 << 20 };
        let copy = self.copy_seconds(bytes, 1)?;
        Ok(Speed {
            gflops: flops as f64 / seconds / 1e9,
            gbps: 2.0 * bytes as f64 / copy / 1e9,
            launch_us: 1e6 * ((thrice - once) / (2 * IDLE) as f64).max(0.0),
        })
    }

    fn shortest(&self, rounds: usize, time: impl Fn() -> Result<f64>) -> Result<f64> {
        (0..rounds).try_fold(f64::INFINITY, |best, _| Ok(best.min(time()?)))
    }

    /// `count` launches of the arithmetic probe that wait for each other.
    fn launches(&self, count: usize, [groups, rounds]: [u32; 2]) -> Result<Instance> {
        let mut rec = Recorder::new(&self.inner.caps, Precision::F32, Force::default());
        for _ in 0..count {
            // None is read, so all share one piece of memory.
            peak::record(&mut rec, groups, rounds)?;
        }
        Instance::new(self, rec.finish(Feed::Plain, Vec::new(), Vec::new())?, &Uploaded::default())
    }
}
