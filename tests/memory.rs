//! Memory stays flat, however long a network runs and whatever batch sizes it sees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::{Mutex, PoisonError};

use common::{Random, small_model};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::network::{CompileOptions, Network};

/// The tests measure the process, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Resident bytes of this process, where the system says so.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn own_gpu() -> Gpu {
    Gpu::new(&GpuOptions::default()).unwrap()
}

#[test]
fn a_thousand_runs_leave_memory_flat() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = own_gpu();
    let network = Network::compile(&gpu, &small_model(), &CompileOptions::default()).unwrap();
    let x = Random(2).tensor(&[1, 3, 16, 16]);
    let used = gpu.memory().0;
    let mut at_200 = None;
    for i in 1..=1000 {
        network.run(&[("input", &x)]).unwrap();
        assert_eq!(gpu.memory().0, used, "after {i} runs");
        if i == 200 {
            at_200 = resident();
        }
    }
    if let (Some(before), Some(after)) = (at_200, resident()) {
        let grown = after.saturating_sub(before);
        println!("resident: {before} bytes after 200 runs, {grown} more after 1000");
        assert!(grown < 32 << 20, "{grown} bytes more after 800 runs");
    }
}

#[test]
fn many_batch_sizes_keep_only_the_latest_plans() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = own_gpu();
    let network = Network::compile(&gpu, &small_model(), &CompileOptions::default()).unwrap();
    let mut r = Random(2);
    let largest = 200;
    let mut bound = 0;
    for batch in (1..=largest).rev().chain(1..=largest) {
        network.run(&[("input", &r.tensor(&[batch, 3, 16, 16]))]).unwrap();
        let used = gpu.memory().0;
        if batch == largest - 8 && bound == 0 {
            // Eight plans and the weights; other batches may want the weights in another form as well.
            bound = used + used / 4;
        }
        assert!(bound == 0 || used <= bound, "{used} bytes at batch {batch}, {bound} for the largest eight");
    }
    assert!(bound > 0);
}

#[test]
fn dropped_networks_return_their_memory() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = own_gpu();
    let before = gpu.memory().0;
    let mut at_20 = None;
    for i in 1..=60 {
        let network = Network::compile(&gpu, &small_model(), &CompileOptions::default()).unwrap();
        network.warm_up().unwrap();
        assert!(gpu.memory().0 > before);
        drop(network);
        assert_eq!(gpu.memory().0, before, "after network {i}");
        if i == 20 {
            at_20 = resident();
        }
    }
    if let (Some(before), Some(after)) = (at_20, resident()) {
        let grown = after.saturating_sub(before);
        println!("resident: {before} bytes after 20 networks, {grown} more after 60");
        assert!(grown < 32 << 20, "{grown} bytes more after 40 networks");
    }
}
