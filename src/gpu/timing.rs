//! Plans against the clock.

use super::{Gpu, Instance};
use crate::error::Result;

/// Seconds that the launches of one plan in one round should fill, and how many there may be.
const FILL: f64 = 5e-3;
const LAUNCHES: usize = 200;

/// Median seconds of a run of each plan, measured in turn, in `rounds` rounds of as many runs as fill some milliseconds.
///
/// # Errors
/// What makes the device unusable.
pub(crate) fn medians(gpu: &Gpu, all: &[&Instance], rounds: usize) -> Result<Vec<f64>> {
    Ok(times(gpu, all, rounds)?.iter_mut().map(|t| median(t)).collect())
}

/// The same, but the least: what other programs take of the machine does not count.
///
/// # Errors
/// As [`medians`].
pub(crate) fn least(gpu: &Gpu, all: &[&Instance], rounds: usize) -> Result<Vec<f64>> {
    Ok(times(gpu, all, rounds)?.into_iter().map(|t| t.into_iter().fold(f64::INFINITY, f64::min)).collect())
}

fn times(gpu: &Gpu, all: &[&Instance], rounds: usize) -> Result<Vec<Vec<f64>>> {
    let mut repeats = Vec::with_capacity(all.len());
    for instance in all {
        // The first launch compiles on some drivers.
        instance.time(gpu, 1)?;
        repeats.push(((FILL / instance.time(gpu, 1)?) as usize).clamp(1, LAUNCHES));
    }
    let mut times = vec![Vec::with_capacity(rounds); all.len()];
    for _ in 0..rounds.max(1) {
        for ((instance, &n), times) in all.iter().zip(&repeats).zip(&mut times) {
            times.push(instance.time(gpu, n)? / n as f64);
        }
    }
    Ok(times)
}

/// The middle one; of two, the larger.
pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
