//! Weights that an ONNX model keeps in another file.
//!
//! A model must not make the program read files that the user did not hand over: only a plain file name in the model's own folder is
//! accepted, no link is followed, and offset and length are checked against the opened file.

use std::fs::{self, File};
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
    let folder = folder.ok_or_else(|| {
        Error::Model(format!(
            "The tensor `{name}` lies in the external file `{location}`, but the model was given as bytes. Load the model from its file, or save it with the weights inside."
        ))
    })?;
    let number = |key: &str| {
        entry(key)
            .map(|text| text.parse::<u64>().map_err(|_| refuse(name, location, &format!("its {key} ({text}) is not a decimal number"))))
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

fn refuse(name: &str, location: &str, reason: &str) -> Error {
    Error::Model(format!(
        "The external data of the tensor `{name}` (location `{location}`) cannot be used: {reason}. External data has to be a plain file next to the model; save the model with the weights inside if it is not."
    ))
}

/// The path of `location`, which has to be one ordinary name.
fn path_of(folder: &Path, location: &str, name: &str) -> Result<PathBuf> {
    // Checked as text too, so that a file means the same on every system: drive letters, streams and backslashes are refused everywhere.
    let plain = !location.contains(['/', '\\', ':', '\0']);
    let mut components = Path::new(location).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(file)), None) if plain => Ok(folder.join(file)),
        _ => Err(refuse(name, location, "the location is not a plain file name")),
    }
}

fn open(path: &Path, name: &str, location: &str) -> Result<File> {
    let seen = fs::symlink_metadata(path).map_err(|e| Error::io("Reading", path, e))?;
    if seen.file_type().is_symlink() {
        return Err(refuse(name, location, "it is a symbolic link; put a copy of the file there"));
    }
    if !seen.is_file() {
        return Err(refuse(name, location, "it is not an ordinary file"));
    }
    let file = File::open(path).map_err(|e| Error::io("Reading", path, e))?;
    let opened = file.metadata().map_err(|e| Error::io("Reading", path, e))?;
    if !same_file(&seen, &opened) {
        return Err(refuse(name, location, "it was replaced while it was opened"));
    }
    Ok(file)
}

/// Whether the file that was opened is the one that was looked at: a link swapped in between would be followed.
#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.dev() == b.dev() && a.ino() == b.ino()
}

#[cfg(not(unix))]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    a.len() == b.len() && b.is_file()
}
