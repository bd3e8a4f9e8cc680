//! PyTorch's own files (`.pt`, `.pth`), both the zip archives that `torch.save` writes since 1.6 and what it wrote before.
//!
//! The structure of either is a pickle: a program for a small stack machine that can call any function of the machine it is loaded on.
//! Here it is interpreted by [`pickle`], which calls nothing: a handful of names that weights are made of have a meaning, every other is refused.

mod archive;
mod globals;
mod heap;
mod legacy;
mod mapping;
mod opcodes;
mod pickle;
mod view;

use super::StateDict;
use crate::error::{Error, Result};
use crate::import::Limits;

/// Where a tar archive says that it is one.
const TAR: std::ops::Range<usize> = 257..262;

/// Whether the file is one of PyTorch's: an archive with a folder in it, a pickle, or a tar archive.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    archive::looks_like(bytes) || legacy::looks_like(bytes) || is_tar(bytes)
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(TAR).is_some_and(|magic| magic == b"ustar")
}

/// Reads the tensors of the state dict, which may lie in the mapping that training loops put around it.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], and [`Error::Unsupported`] for everything that is more than tensors, numbers and text.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    if is_tar(bytes) {
        return Err(Error::Unsupported(format!("The checkpoint `{file}` is a tar archive, as PyTorch wrote before version 0.2. {RESAVE}")));
    }
    if archive::looks_like(bytes) { archive::read(bytes, file, limits) } else { legacy::read(bytes, file, limits) }
}

/// What to do about a file that PyTorch reads and this crate does not.
const RESAVE: &str = "If you trust its source, load it with PyTorch and save the weights alone with `torch.save(model.state_dict(), ...)`, or as safetensors.";

/// An error for what a pickle asks for and does not get.
fn refused(file: &str, what: &str) -> Error {
    Error::Unsupported(format!("The checkpoint `{file}` {what}. Nothing was executed. {RESAVE}"))
}

/// The error for a file that was written on a big-endian machine.
fn big_endian(file: &str) -> Error {
    Error::Unsupported(format!("The checkpoint `{file}` was written on a big-endian machine, which is not supported. {RESAVE}"))
}

/// A name out of a file, short enough for a message.
fn short(name: &str) -> std::borrow::Cow<'_, str> {
    const MOST: usize = 100;
    match name.char_indices().nth(MOST) {
        None => name.into(),
        Some((end, _)) => format!("{}...", &name[..end]).into(),
    }
}
