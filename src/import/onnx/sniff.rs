//! What a file that is not (or no longer) an ONNX model probably is.

use crate::error::Error;

/// What is wrong with the bytes of a file that should be an ONNX model.
pub(super) enum Damage {
    /// The file ends too early.
    Truncated {
        /// What it ends in the middle of.
        part: String,
        /// Where it ends.
        at: usize,
    },
    /// The structure contradicts itself.
    Malformed {
        /// Where in the structure.
        part: String,
        /// Where in the file.
        at: usize,
        /// The contradiction.
        reason: String,
    },
}

impl Damage {
    /// The error for the file `name` with the content `bytes`: another file format when it looks like one, damage otherwise.
    pub(super) fn error(&self, name: &str, bytes: &[u8]) -> Error {
        if let Some(e) = foreign(name, bytes).or_else(|| text(name, bytes)) {
            return e;
        }
        Error::Model(match self {
            Self::Truncated { part, at } => format!(
                "The file `{name}` ends in the middle of {part} (byte {at}). It is probably truncated; fetch it again and compare its size."
            ),
            Self::Malformed { part, at, reason } => format!(
                "The file `{name}` is not a readable ONNX model: {reason} (in {part}, byte {at}). It is damaged or another kind of file; fetch or export it again."
            ),
        })
    }
}

const EXPORT: &str = "Export the network to ONNX (opset 13 is a good choice) and give that file.";

/// For files that may be weights of a network that the zoo knows.
const WEIGHTS: &str = "Export the network to ONNX (opset 13 is a good choice) and give that file, or, if the zoo has the network, use `zoo build NAME --weights FILE`.";

/// Beginnings that an ONNX file cannot have, what they mean, and what to do.
const BEGINNINGS: [(&[u8], &str, &str); 17] = [
    (b"\x89PNG", "a PNG picture", "Give the model file here, and pictures to `embed`."),
    (b"\xff\xd8\xff", "a JPEG picture", "Give the model file here, and pictures to `embed`."),
    (b"GIF8", "a GIF picture", "Give the model file here, and pictures to `embed`."),
    (b"RIFF", "a WebP picture or another RIFF file", "Give the model file here, and pictures to `embed`."),
    (b"PK\x03\x04", "a ZIP archive, as PyTorch checkpoints (.pt, .pth) and .npz files do", WEIGHTS),
    (b"PK\x05\x06", "an empty ZIP archive", EXPORT),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"\x89HDF", "an HDF5 file, as Keras writes", EXPORT),
    (b"\x80\x02", "a Python pickle, as old PyTorch checkpoints do", WEIGHTS),
    (b"\x80\x04", "a Python pickle", WEIGHTS),
    (b"\x93NUMPY", "a NumPy array", EXPORT),
    (b"%PDF", "a PDF document", EXPORT),
    (b"version https://git-lfs", "a Git LFS pointer: a note that stands for the file", "Fetch the file itself with `git lfs pull`."),
];

/// The error for a file whose first bytes belong to another format.
pub(super) fn foreign(name: &str, bytes: &[u8]) -> Option<Error> {
    if bytes.is_empty() {
        return Some(Error::Model(format!("The file `{name}` is empty (0 bytes). Fetch it again; a download may have failed.")));
    }
    let found = BEGINNINGS.iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|&(_, what, remedy)| (what, remedy));
    let found = found.or_else(|| (bytes.get(4..8) == Some(b"TFL3")).then_some(("a TensorFlow Lite model", EXPORT)));
    let found = found.or_else(|| looks_like_safetensors(bytes).then_some(("a safetensors file", "Load it as a model file, not as ONNX.")));
    let (what, remedy) = found?;
    Some(Error::Model(format!("The file `{name}` is not an ONNX model: it begins like {what}. {remedy}")))
}

/// The error for a file that is text. Only asked when the structure is broken already: short binary files can look like text.
fn text(name: &str, bytes: &[u8]) -> Option<Error> {
    let head = bytes.get(..bytes.len().min(512))?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // The cut at 512 bytes may split a letter; that is no reason to call it binary.
    let utf8 = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    if !utf8 || head.is_empty() || head.iter().any(|&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) {
        return None;
    }
    let lower = String::from_utf8_lossy(head).trim_start().to_lowercase();
    let (what, remedy) = if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        ("an HTML page", "The download probably gave an error page; open the address in a browser and fetch the file again.")
    } else if lower.starts_with("<?xml") || lower.starts_with("<net") {
        ("an XML file, as OpenVINO models do", EXPORT)
    } else if lower.starts_with('{') || lower.starts_with('[') {
        ("a JSON file", EXPORT)
    } else {
        ("a text file", "Give the model file itself.")
    };
    Some(Error::Model(format!("The file `{name}` is not an ONNX model: it begins like {what}. {remedy}")))
}

/// Whether the first bytes are a safetensors header: its length, then a JSON object.
pub(crate) fn looks_like_safetensors(bytes: &[u8]) -> bool {
    // Headers are below 100 MB, so the upper half of the little-endian u64 is zero; no ONNX file has that.
    bytes.get(8) == Some(&b'{') && bytes.get(4..8) == Some(&[0; 4])
}
