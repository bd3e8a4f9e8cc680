//! Safetensors files that hold no graph.
#![no_main]

#[path = "../../tests/fuzz/bodies.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| bodies::weights(data));
