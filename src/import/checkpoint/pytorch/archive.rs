//! The zip archives that `torch.save` writes since 1.6: `NAME/data.pkl`, `NAME/data/0` and so on, stored and never compressed.
//!
//! Only what those need is read: a directory whose entries lie in the file one after the other. All counts and sizes are compared with
//! the bytes that are there before anything is made of them. Checksums are not: `torch.save` can be told not to compute them.

mod directory;

use std::collections::HashMap;

use super::{RESAVE, big_endian, mapping, pickle, refused, view};
use crate::error::{Error, Result};
use crate::import::Limits;
use crate::import::checkpoint::elements::damaged;
use crate::import::checkpoint::{Format, StateDict};
use crate::import::limits::Budget;

/// Whether the file is a zip archive whose first entry lies in a folder, which is what PyTorch writes; NumPy's are of `.npy` files.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    directory::first_name(bytes).is_some_and(|name| name.contains(&b'/') && !name.ends_with(b".npy"))
}

/// Reads the tensors.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    let mut budget = Budget::new(limits);
    let entries = directory::entries(bytes, file, &mut budget)?;
    let mut structures = entries.iter().filter_map(|(name, data)| name.strip_suffix("/data.pkl").map(|folder| (folder, *data)));
    let (folder, structure) = structures.next().ok_or_else(|| {
        Error::Model(format!("The checkpoint `{file}` is a zip archive without `data.pkl`, so PyTorch did not write it. {RESAVE}"))
    })?;
    if structures.next().is_some() {
        return Err(damaged(file, "holds `data.pkl` in two folders"));
    }
    if entries.keys().any(|name| inside(folder, name) == Some("constants.pkl")) {
        return Err(refused(file, "is a TorchScript program, not a state dict"));
    }
    match entries.iter().find(|(name, _)| inside(folder, name) == Some("byteorder")).map(|(_, order)| *order) {
        None | Some(b"little") => {}
        Some(b"big") => return Err(big_endian(file)),
        Some(_) => return Err(damaged(file, "has a byte order that is neither little nor big")),
    }
    let storages: HashMap<&str, &[u8]> =
        entries.iter().filter_map(|(name, &data)| Some((inside(folder, name)?.strip_prefix("data/")?, data))).collect();
    limits.check_header(file, structure.len() as u64)?;
    let loaded = pickle::load(file, structure, 0, &mut budget)?;
    let mut dict = StateDict::new(Format::PyTorch);
    for (name, look) in mapping::tensors(file, &loaded.heap, loaded.root, &mut budget)? {
        let key = look.storage.key;
        let data = storages.get(key).ok_or_else(|| {
            damaged(file, &format!("lacks the storage `{}`, which the tensor `{}` is in", super::short(key), super::short(&name)))
        })?;
        dict.insert(file, &name, view::dense(file, &name, look, data, &mut budget)?)?;
    }
    Ok(dict)
}

/// The name of an entry within a folder.
fn inside<'n>(folder: &str, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(folder)?.strip_prefix('/')
}
