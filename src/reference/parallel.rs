//! Planes of an output computed on all cores.

use std::sync::{Mutex, PoisonError};

/// Below this many multiplications a thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 20;

/// Calls `fill(i, plane)` for every `plane` consecutive elements of `out`. `work` estimates the multiplications of one plane.
pub(super) fn for_each_plane(out: &mut [f64], plane: usize, work: usize, fill: impl Fn(usize, &mut [f64]) + Sync) {
    if plane == 0 {
        return;
    }
    let planes = out.len() / plane;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(planes).min(planes.saturating_mul(work) / WORTH_A_THREAD + 1);
    let queue = Mutex::new(out.chunks_mut(plane).enumerate());
    let worker = || {
        loop {
            let Some((i, part)) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            fill(i, part);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // A system that refuses threads only makes this slower: the rest of the queue is done here.
            if std::thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
}
