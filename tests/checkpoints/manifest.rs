//! The hostile files of one format and what the script that wrote them says each has to give.

#![allow(dead_code, reason = "each test crate uses a part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::checkpoint::{StateDict, caffe};
use peak_alloc::PeakAlloc;

use crate::bodies::sentence;
use crate::hostile::variant;
use crate::mutate::Random;

/// An entry of the manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    what: String,
    /// The variant of the error; empty when the file has to work.
    #[serde(default)]
    error: String,
    #[serde(default)]
    phrase: String,
}

#[derive(serde::Deserialize)]
struct Manifest {
    file: Vec<Entry>,
}

/// The folder of the files of this name below `tests/checkpoints`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name)
}

/// Endings of files that stand beside checkpoints.
const OTHERS: [&str; 6] = ["toml", "json", "npy", "safetensors", "prototxt", "md"];

/// The checkpoints of a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| OTHERS.iter().all(|o| e != *o)));
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

/// What may be used beyond the limits: messages, the table of names.
pub(crate) const SLACK: u64 = 1 << 20;

/// The outcome of reading, and the peak of memory that it took beyond what was in use.
pub(crate) fn measured(bytes: &[u8], file: &str, limits: &Limits, allocator: &PeakAlloc) -> (Result<StateDict, Error>, u64) {
    allocator.reset_peak_usage();
    let before = allocator.current_usage();
    let outcome = StateDict::from_bytes(bytes, file, limits);
    let peak = allocator.peak_usage().saturating_sub(before) as u64;
    match &outcome {
        Err(e) => sentence(e),
        Ok(dict) => drop(caffe::upright(dict).map_err(|e| sentence(&e))),
    }
    (outcome, peak)
}

/// Reads every file of a folder of hostile ones; panics when one does not give what its manifest says, takes more than the limits, or is not
/// listed.
pub(crate) fn every_file_gives_its_error(name: &str, allocator: &PeakAlloc) {
    let folder = folder("hostile").join(name);
    let text = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
    let entries = toml::from_str::<Manifest>(&text).unwrap().file;
    let listed: BTreeSet<_> = entries.iter().map(|e| folder.join(&e.file)).collect();
    assert_eq!(listed, files(&folder).into_iter().collect());
    let limits = Limits { max_model_bytes: 64 << 20, ..Limits::default() };
    let objections: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            let bytes = std::fs::read(folder.join(&entry.file)).unwrap();
            let outcome = StateDict::from_bytes(&bytes, &entry.file, &Limits::default());
            let given = outcome.as_ref().map_or_else(|e| (variant(e), e.to_string()), |_| ("", String::new()));
            let (_, peak) = measured(&bytes, &entry.file, &limits, allocator);
            assert!(peak <= limits.max_model_bytes + SLACK, "{}: {peak} bytes", entry.file);
            let fits = given.0 == entry.error && given.1.contains(&entry.phrase);
            (!fits).then(|| format!("{} ({}): {:?} with {:?} instead of {given:?}", entry.file, entry.what, entry.error, entry.phrase))
        })
        .collect();
    assert!(objections.is_empty(), "{} of {}:\n{}", objections.len(), entries.len(), objections.join("\n"));
}

/// Bytes changed at random: most of them where something is written, as zeros mean little in most formats.
pub(crate) fn changed(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = file.to_vec();
    for _ in 0..=random.below(4) {
        let mut at = random.below(file.len());
        for _ in 0..20 {
            if file[at] != 0 || at > 0 && file[at - 1] != 0 {
                break;
            }
            at = random.below(file.len());
        }
        match random.below(6) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out[at] = random.below(256) as u8,
            2 => out[at] = out[at].wrapping_add(1),
            3 => {
                let value = [0, 0x7f, 0x80, 0xff][random.below(4)];
                out.iter_mut().skip(at).take(1 + random.below(8)).for_each(|b| *b = value);
            }
            // A number from elsewhere: a size, an address.
            _ => {
                let n = [4, 8][random.below(2)];
                let from = random.below(file.len());
                for k in 0..n {
                    if let (Some(&b), Some(place)) = (file.get(from / 4 * 4 + k), out.get_mut(at / 4 * 4 + k)) {
                        *place = b;
                    }
                }
            }
        }
    }
    out
}
