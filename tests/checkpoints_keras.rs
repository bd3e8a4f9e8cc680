//! Weights as Keras saves them in HDF5: the tensors that the layers themselves have, and damaged files.
//!
//! Memory is measured by an allocator that counts, so nothing else may run beside it: all of them are one test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "checkpoints/cases.rs"]
mod cases;
#[path = "checkpoints/manifest.rs"]
mod manifest;

use lookalike::import::checkpoint::Format;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

#[test]
fn keras() {
    assert!(!Format::Keras.is_layered());
    cases::every_tensor_is_as_expected("keras", "h5", Format::Keras);
    manifest::every_file_gives_its_error("keras", "h5");
    cases::cut_and_changed_files_stay_within_the_limits("keras", "h5", &ALLOCATOR);
}
