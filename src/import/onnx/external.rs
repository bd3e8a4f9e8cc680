//! Weights that an ONNX model keeps in another file.
//!
//! A model must not make the program read files that the user did not hand over: only a plain file name in the model's own folder is
//! accepted, no link is followed (unpacking an archive can make links to anywhere, hard ones too), and what is not an ordinary file is not read.
//! All of this, and offset and length, is checked on the opened file, because a name can mean another file a moment later.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::wire::TensorProto;
use crate::error::{Error, Result};

/// Reads the external data of `proto` from `folder`; exactly `wanted` bytes.
///
/// # Errors
/// A location that is not a plain file name, a link, a range outside the file, another length than the dimensions ask for, or an I/O error.
pub(super) fn read(proto: &TensorProto, name: &str, folder: Option<&Path>, wanted: u64) -> Result<Vec<u8>> {
    let entry = |key: &str| proto.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let location = entry("location").ok_or_else(|| refuse(name, "", "the location is missing"))?;
    // Readers differ in which of two entries they take.
    if let Some(key) = ["location", "offset", "length"].into_iter().find(|k| proto.external_data.iter().filter(|e| e.key == *k).count() > 1)
    {
        return Err(refuse(name, location, &format!("its {key} is given twice")));
    }
    let folder = folder.ok_or_else(|| {
        Error::Model(format!(
            "The tensor `{name}` lies in the external file `{location}`, but the model was given as bytes. Load the model from its file, or save it with the weights inside."
        ))
    })?;
    let number = |key: &str| {
        entry(key)
            .map(|text| decimal(text).ok_or_else(|| refuse(name, location, &format!("its {key} ({text}) is not a decimal number"))))
            .transpose()
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(wanted);
    if length != wanted {
        return Err(refuse(name, location, &format!("its length ({length}) is not what the dimensions ask for ({wanted})")));
    }
    let path = path_of(folder, location, name)?;
    let mut file = open(&path, name, location)?;
    let size = file.metadata().map_err(|e| Error::io("Reading", &path, e))?.len();
    if offset.checked_add(length).is_none_or(|end| end > size) {
        return Err(refuse(name, location, &format!("it asks for {length} bytes from byte {offset} on, but the file has {size} bytes")));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| refuse(name, location, "it is too large for this machine"))?];
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(|e| Error::io("Reading", &path, e))?;
    Ok(bytes)
}

/// A number in digits alone: `parse` would take a sign.
fn decimal(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn refuse(name: &str, location: &str, reason: &str) -> Error {
    Error::Model(format!(
        "The external data of the tensor `{name}` (location `{location}`) cannot be used: {reason}. External data has to be a plain file next to the model; save the model with the weights inside if it is not."
    ))
}

/// The path of `location`, which has to be one ordinary name.
fn path_of(folder: &Path, location: &str, name: &str) -> Result<PathBuf> {
    let mut components = Path::new(location).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(file)), None) if is_plain(location) => Ok(folder.join(file)),
        _ => Err(refuse(name, location, "the location is not a plain file name")),
    }
}

/// Whether `location` is a plain file name on every system, so that a model means the same everywhere: no separators, drive letters, streams or
/// devices of Windows, and no end that Windows leaves out.
fn is_plain(location: &str) -> bool {
    let stem = location.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|n| n.chars().count() == 1 && !n.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT");
    !device && !location.ends_with(['.', ' ']) && !location.contains(['/', '\\', ':']) && !location.contains(char::is_control)
}

/// Opens an ordinary file without following a link and without waiting for the other end of a pipe.
fn open(path: &Path, name: &str, location: &str) -> Result<File> {
    let failed = |e| Error::io("Reading", path, e);
    // A link and a device are told from a missing file before anything is opened ...
    check(&fs::symlink_metadata(path).map_err(failed)?, name, location)?;
    let file = without_following(OpenOptions::new().read(true)).open(path).map_err(failed)?;
    // ... and again on what was opened.
    check(&file.metadata().map_err(failed)?, name, location)?;
    Ok(file)
}

fn check(file: &Metadata, name: &str, location: &str) -> Result<()> {
    if file.file_type().is_symlink() {
        return Err(refuse(name, location, "it is a symbolic link; put a copy of the file there"));
    }
    if !file.is_file() {
        return Err(refuse(name, location, "it is not an ordinary file"));
    }
    if links(file) > 1 {
        return Err(refuse(name, location, "it has another name elsewhere (a hard link); put a copy of the file there"));
    }
    Ok(())
}

#[cfg(unix)]
fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

#[cfg(unix)]
fn links(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(windows)]
fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    /// Opens a link itself instead of what it points to.
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    std::os::windows::fs::OpenOptionsExt::custom_flags(options, FILE_FLAG_OPEN_REPARSE_POINT)
}

#[cfg(not(any(unix, windows)))]
fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The number of names of a file; one where the system does not say.
#[cfg(not(unix))]
fn links(_file: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_on_some_system_are_not_plain() {
        for plain in ["w.bin", "weights 1.data", "model.onnx.data", "console.bin", "com.bin", "com10.bin", "lpt", "é", "..w"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in
            ["a/b", "a\\b", "C:w", "w:s", "w.", "w ", "nul", "NUL.bin", "con .bin", "com1", "Lpt9.bin", "com¹.x", "conin$", "a\nb", "a\0"]
        {
            assert!(!is_plain(other), "{other:?}");
        }
    }
}
