//! The official ONNX backend tests: every model that imports is run on the GPU, and every output is compared.
//!
//! `cargo xtask conformance` writes the tests as files, runs this, and judges the results; LOOKALIKE_CONFORMANCE names the folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/compare.rs"]
mod compare;
#[path = "conformance/device.rs"]
mod device;
#[path = "conformance/report.rs"]
mod report;
#[path = "conformance/run.rs"]
mod run;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;
use device::Device;
use run::Outcome;

/// More would not help: the drivers that need the time use all cores themselves.
const THREADS: usize = 2;

#[test]
fn official_backend_tests() {
    let Some(folder) = std::env::var_os("LOOKALIKE_CONFORMANCE").map(PathBuf::from) else {
        println!("skipped: LOOKALIKE_CONFORMANCE is not set");
        return;
    };
    let suite = case::read(&folder.join("cases"));
    let sample = std::env::var("LOOKALIKE_CONFORMANCE_SAMPLE").ok().map(|seed| seed.parse().expect("the seed is a whole number"));
    let cases: Vec<&Case> = suite.cases.iter().filter(|c| sample.is_none_or(|seed| c.in_sample(seed))).collect();
    assert!(!cases.is_empty(), "there are no tests in {}", folder.display());
    run::keep_panics_quiet();
    let outcomes = run_all(&cases);
    std::fs::write(folder.join("results.tsv"), report::lines(&suite, &cases, &outcomes)).unwrap();
    let failed = outcomes.iter().filter(|o| matches!(o, Outcome::Failed(_))).count();
    assert_eq!(failed, 0, "of {} tests; results.tsv says which and why", cases.len());
}

/// Runs all tests on one device, in any order.
fn run_all(cases: &[&Case]) -> Vec<Outcome> {
    let device = Device::open();
    let next = AtomicUsize::new(0);
    let outcomes: Vec<OnceLock<Outcome>> = cases.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((case, slot)) = at(cases, &outcomes, next.fetch_add(1, Ordering::Relaxed)) {
                    slot.get_or_init(|| run::run(&device, case));
                }
            });
        }
    });
    outcomes.into_iter().map(|slot| slot.into_inner().expect("every test was run")).collect()
}

fn at<'a>(cases: &'a [&Case], outcomes: &'a [OnceLock<Outcome>], i: usize) -> Option<(&'a Case, &'a OnceLock<Outcome>)> {
    Some((cases.get(i)?, outcomes.get(i)?))
}
