//! The pictures that a command is given: found in folders, decoded on all cores while the GPU works.

mod files;
mod names;
mod pipeline;

use std::path::PathBuf;

use lookalike::{Error, Result};

pub(crate) use files::list as list_if_any;
pub(crate) use names::Names;
pub(crate) use pipeline::{decoded, prepared};

/// Pixels of pictures that are looked at together, about: what is decoded and uploaded at once stays bounded.
pub(crate) const BATCH_PIXELS: u64 = 1 << 25;

/// The named pictures in the order given; a folder stands for all pictures in it and below, sorted by path.
///
/// # Errors
/// A folder that cannot be read, or no picture at all.
pub(crate) fn list(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let paths = files::list(named)?;
    if paths.is_empty() {
        let text = format!("There is no picture in {}. Name pictures or folders with pictures.", files::names(named));
        return Err(Error::Caller(text));
    }
    Ok(paths)
}
