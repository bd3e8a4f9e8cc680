//! Checkpoints of any format.
#![no_main]

#[path = "../../tests/fuzz/bodies.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| bodies::checkpoint(data));
