//! `lookalike selftest`: every kernel on this machine's adapter against the f64 reference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::gpu;
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::selftest;

#[test]
fn every_kernel_is_within_its_bound_and_every_permutation_is_exercised() {
    let gpu = gpu();
    let results = selftest::run(&gpu, None).unwrap();
    let missed: Vec<_> = results.iter().filter(|r| !r.passed).collect();
    for r in &missed {
        println!("{} ({}) {}: {:.3e}, bound {:.3e}", r.kernel, r.permutation, r.case, r.max_error, r.bound);
    }
    assert!(missed.is_empty(), "{} of {} cases miss their bound", missed.len(), results.len());
    let gaps = selftest::not_exercised(&gpu, &results);
    assert!(gaps.is_empty(), "no case runs {}", gaps.join(", "));
}

/// Where an index left an array, the check would move it, and the results would be others.
#[test]
fn kernels_that_run_without_checks_give_the_same_bits_without_them() {
    let with = |checks: bool| Gpu::new(&GpuOptions { shader_checks: Some(checks), ..GpuOptions::default() }).unwrap();
    let (checked, unchecked) = (with(true), with(false));
    for stem in selftest::unchecked_kernels() {
        let run = |gpu: &Gpu| {
            let results = selftest::run(gpu, Some(stem)).unwrap();
            assert!(results.len() > 4 && results.iter().all(|r| r.passed), "{stem}");
            results.into_iter().map(|r| (r.permutation, r.case, r.max_error.to_bits())).collect::<Vec<_>>()
        };
        assert_eq!(run(&checked), run(&unchecked), "{stem}");
    }
}

#[test]
fn a_filter_runs_only_what_it_names() {
    let results = selftest::run(&gpu(), Some("norm/lrn")).unwrap();
    assert!(!results.is_empty());
    assert!(results.iter().all(|r| r.kernel == "norm/lrn"));
    assert!(selftest::run(&gpu(), Some("no such kernel")).unwrap().is_empty());
}
