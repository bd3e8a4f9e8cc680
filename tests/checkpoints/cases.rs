//! What holds for every format: tensors against those of the program that wrote the file, and damaged files against the limits.

use std::time::Instant;

use lookalike::import::Limits;
use lookalike::import::checkpoint::{Format, StateDict};
use peak_alloc::PeakAlloc;
use safetensors::tensor::SafeTensors;

use crate::manifest::{self, SLACK};
use crate::mutate::Random;

/// Changed files in all.
const ROUNDS: usize = 10_000;

/// Compares all tensors of all files of a folder with those in the safetensors file beside each, whose names begin with a number that gives
/// the order.
pub(crate) fn every_tensor_is_as_expected(folder: &str, format: Format) {
    for path in manifest::files(&manifest::folder(folder)) {
        let shown = path.display();
        let dict = StateDict::load(&path, &Limits::default()).unwrap_or_else(|e| panic!("{shown}: {e}"));
        assert_eq!(dict.format, format);
        let bytes = std::fs::read(path.with_extension("safetensors")).unwrap();
        let parsed = SafeTensors::deserialize(&bytes).unwrap();
        let mut expected: Vec<_> = parsed.iter().collect();
        expected.sort_by_key(|(name, _)| *name);
        let names: Vec<_> = expected.iter().map(|(name, _)| name.split_once(' ').unwrap().1).collect();
        assert_eq!(dict.iter().map(|(name, _)| name).collect::<Vec<_>>(), names, "{shown}");
        for ((name, tensor), (_, view)) in dict.iter().zip(&expected) {
            assert_eq!(tensor.shape().dims(), view.shape(), "{shown}: {name}");
            let numbers: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            assert_eq!(&*tensor.to_f32(), numbers, "{shown}: {name}");
        }
        println!("{shown}: {} tensors", names.len());
    }
}

/// Every file cut at every byte and changed at random: tensors or a sentence, and no memory beyond the limits.
pub(crate) fn cut_and_changed_files_stay_within_the_limits(folder: &str, allocator: &PeakAlloc) {
    let limits = Limits { max_model_bytes: 4 << 20, ..Limits::default() };
    let (mut highest, mut slowest, mut refused, mut all) = (0, 0.0, 0, 0);
    let mut read = |bytes: &[u8]| {
        let start = Instant::now();
        let (outcome, peak) = manifest::measured(bytes, "changed", &limits, allocator);
        slowest = f64::max(slowest, start.elapsed().as_secs_f64());
        highest = highest.max(peak);
        all += 1;
        refused += usize::from(outcome.is_err());
    };
    let seeds: Vec<_> = manifest::files(&manifest::folder(folder)).iter().map(|p| std::fs::read(p).unwrap()).collect();
    for file in &seeds {
        (0..file.len()).for_each(|cut| read(&file[..cut]));
    }
    let hostile: Vec<_> = manifest::files(&manifest::folder("hostile").join(folder)).iter().map(|p| std::fs::read(p).unwrap()).collect();
    let mut random = Random(7);
    for round in 0..ROUNDS {
        // What is sound first reaches further.
        let from = if round % 3 == 0 { &hostile } else { &seeds };
        read(&manifest::changed(&from[round / 3 % from.len()], &mut random));
    }
    println!("{folder}: {refused} of {all} refused, at most {highest} bytes and {slowest:.3} s");
    assert!(refused > ROUNDS / 4 && all - refused > 100, "{folder}: {refused} of {all} refused");
    assert!(highest <= limits.max_model_bytes + SLACK, "{highest} bytes");
    assert!(slowest < 10.0, "{slowest} s");
}
