//! Networks as Torch7 saved them (`torch.save`, binary, `.t7`): Lua tables and objects, of which the layers are read in the order in which
//! pictures pass them.
//!
//! The file is that of a machine whose `long` has 64 bits and which is little-endian, as almost all are. Functions that objects carry are
//! skipped without being looked at: nothing in the file is executed.
//!
//! Source: `File.lua`, `generic/Tensor.c` and `generic/Storage.c` of Torch7, and the classes of its package `nn`.

mod layers;
mod modules;
mod objects;
mod reader;
mod tensors;

use super::{Format, StateDict};
use crate::error::{Error, Result};
use crate::import::Limits;
use crate::import::limits::Budget;

/// How deep objects may lie in each other, in the file and in the network: networks have about ten.
const DEPTH: usize = 200;

/// The beginning of an object that was saved as text.
const TEXT: &[u8] = b"4\n1\n3\nV 1\n";

/// Whether the file begins with an object of a class, or with a table that has a number or a string as its first key.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let int = |i: usize| bytes.get(4 * i..4 * i + 4).and_then(|b| b.first_chunk()).map(|&b| i32::from_le_bytes(b));
    let text = |n: usize| bytes.get(12..12 + n);
    match (int(0), int(1), int(2)) {
        (Some(reader::TORCH), Some(1), Some(3)) => text(2) == Some(b"V "),
        // Before there were versions, the name of the class stood in their place.
        (Some(reader::TORCH), Some(1), Some(n @ 4..=100)) => {
            text(n as usize).is_some_and(|t| t.contains(&b'.') && t.iter().all(u8::is_ascii_graphic))
        }
        (Some(reader::TABLE), Some(1), Some(1..=1_000_000)) => matches!(int(3), Some(reader::NUMBER | reader::STRING)),
        _ => bytes.starts_with(TEXT),
    }
}

/// Reads the parameters of all layers: of a convolution or a linear layer `weight`, `bias`, of a normalisation `weight`, `bias`,
/// `running_mean`, `running_var`. Names are the places of layers in their containers, counted from 0: `0.weight`, `3.1.0.weight`.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`] for layers with parameters that are not known and for old functions.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    if bytes.starts_with(TEXT) {
        return Err(Error::Unsupported(format!(
            "The checkpoint `{file}` was saved by Torch7 as text. Save it again in Torch7 with torch.save(name, network), \
             which writes binary."
        )));
    }
    let mut budget = Budget::new(limits);
    let (objects, root) = reader::read(bytes, file, &mut budget)?;
    let mut walk = modules::Walk::new(&objects, file, budget, StateDict::new(Format::Torch7));
    walk.network(root)?;
    walk.finish()
}
