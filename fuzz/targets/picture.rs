//! Pictures of any format: whatever comes out has the pixels it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lookalike::embed::Picture;

fuzz_target!(|data: &[u8]| {
    match Picture::decode(data, "fuzz.jpg") {
        Ok(picture) => assert!(picture.check().is_ok()),
        Err(e) => assert!(e.to_string().ends_with('.')),
    }
});
