//! What SQLite reports, as sentences.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, Result};

/// Errors of SQLite become those of this crate.
pub(super) trait Context<T> {
    /// The result, with the gallery that it is about.
    fn within(self, path: &Path) -> Result<T>;
}

impl<T> Context<T> for rusqlite::Result<T> {
    fn within(self, path: &Path) -> Result<T> {
        self.map_err(|e| sentence(e, path))
    }
}

/// Something in the file contradicts itself.
pub(super) fn damaged(path: &Path, what: &str) -> Error {
    Error::Damaged(format!(
        "The gallery {} is damaged ({what}). `lookalike gallery check` lists what is wrong; restore a copy, or enrol again.",
        path.display()
    ))
}

/// Whether SQLite wanted to write beside the file to read it.
pub(super) fn needs_shared_memory(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

pub(super) fn sentence(e: rusqlite::Error, path: &Path) -> Error {
    let name = path.display();
    let Some(code) = e.sqlite_error_code() else {
        // A value of another type than the schema says: bits changed.
        return damaged(path, &reason(&e));
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Locked(format!(
            "The gallery {name} is being written by another process. Try again when that is done; reading is possible meanwhile."
        )),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation => {
            damaged(path, &reason(&e))
        }
        ErrorCode::DiskFull => Error::Gallery(format!(
            "There is no space left to write the gallery {name}. Free some and run the command again; everything acknowledged so far is kept."
        )),
        ErrorCode::SystemIoFailure => Error::Gallery(format!(
            "Reading or writing the gallery {name} failed ({}). Check the disk, its space and limits of file sizes; everything acknowledged so far is kept.",
            reason(&e)
        )),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            Error::Gallery(format!("The gallery {name} cannot be written. Check the permissions of the file and of its folder."))
        }
        ErrorCode::CannotOpen => {
            Error::Gallery(format!("The gallery {name} cannot be opened. Check that its folder exists and can be written."))
        }
        ErrorCode::OutOfMemory => {
            Error::Gallery(format!("There is not enough memory to work on the gallery {name}. Close other programs."))
        }
        _ => Error::Gallery(format!("SQLite could not work on the gallery {name} ({}). Run `lookalike gallery check` on it.", reason(&e))),
    }
}

fn reason(e: &rusqlite::Error) -> String {
    e.to_string().trim_end_matches('.').replace(['\n', '\r'], " ")
}
