//! How fast an adapter is: measured once, kept on disk.

use std::sync::PoisonError;

use super::{AdapterReport, Gpu, Instance, Uploaded, cache};
use crate::error::Result;
use crate::kernels::probe::peak;
use crate::model::Precision;
use crate::recording::{Feed, Force, Recorder, Speed};

const KIND: &str = "speed";
/// What is launched: enough for a graphics card to be busy, little enough for a software adapter to be done in time.
struct Probe {
    /// Workgroups and rounds of the arithmetic probe.
    arithmetic: [u32; 2],
    /// Bytes of a copy: beyond most caches. On software adapters touching new memory takes longer than copying it.
    bytes: u64,
    /// Copies in a row.
    copies: usize,
}

const SOFTWARE: Probe = Probe { arithmetic: [256, 8], bytes: 16 << 20, copies: 3 };
const HARDWARE: Probe = Probe { arithmetic: [4096, 16], bytes: 64 << 20, copies: 8 };
/// Launches that do next to nothing, one after another.
const IDLE: usize = 16;

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
        let probe = if self.inner.report.is_software() { SOFTWARE } else { HARDWARE };
        let arithmetic = self.launches(1, probe.arithmetic)?;
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
        let copy = self.copy_seconds(probe.bytes, probe.copies)?;
        // Hundredths are written and read without loss.
        let hundredths = |x: f64| (x * 100.0).round() / 100.0;
        Ok(Speed {
            gflops: hundredths(flops as f64 / seconds / 1e9).max(0.01),
            gbps: hundredths(2.0 * probe.bytes as f64 / copy / 1e9).max(0.01),
            launch_us: hundredths(1e6 * (thrice - once) / (2 * IDLE) as f64).max(0.0),
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
