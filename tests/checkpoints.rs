//! Checkpoints of every format: the tensors that the programs which wrote them have, and files that are damaged or meant to hurt.
//!
//! Memory is measured by an allocator that counts for the whole process, so one test runs at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "checkpoints/amplifiers.rs"]
mod amplifiers;
#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "checkpoints/cases.rs"]
mod cases;
#[path = "hostile/manifest.rs"]
mod hostile;
#[path = "checkpoints/manifest.rs"]
mod manifest;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::sync::{Mutex, PoisonError};

use lookalike::import::checkpoint::Format;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn alone<T>(test: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    test()
}

/// Hostile files give the errors of their manifest; cut and changed files stay within the limits.
fn survives(folder: &str) {
    alone(|| {
        manifest::every_file_gives_its_error(folder, &ALLOCATOR);
        cases::cut_and_changed_files_stay_within_the_limits(folder, &ALLOCATOR);
    });
}

#[test]
fn caffe() {
    survives("caffe");
    alone(|| amplifiers::caffe(&ALLOCATOR));
}

#[test]
fn dlib() {
    survives("dlib");
}

#[test]
fn keras() {
    alone(|| cases::every_tensor_is_as_expected("keras", Format::Keras));
    survives("keras");
}

#[test]
fn pytorch() {
    survives("pytorch");
    alone(|| amplifiers::pickles(&ALLOCATOR));
}

#[test]
fn torch7() {
    alone(|| cases::every_tensor_is_as_expected("torch7", Format::Torch7));
    survives("torch7");
}
