//! Networks as Torch7 saves them: the tensors that another reader finds, and damaged files.
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
fn torch7() {
    assert!(Format::Torch7.is_layered());
    cases::every_tensor_is_as_expected("torch7", "t7", Format::Torch7);
    manifest::every_file_gives_its_error("torch7", "t7");
    cases::cut_and_changed_files_stay_within_the_limits("torch7", "t7", &ALLOCATOR);
}
