//! What `torch.save` wrote before 1.6, and writes still when asked to: five pickles (a magic number, a version, the machine, the object, the
//! keys of its storages), then the storages.

use std::collections::HashMap;

use super::heap::{Object, Storage, Value};
use super::pickle::{Loaded, load};
use super::{RESAVE, big_endian, mapping, refused, short, view};
use crate::error::{Error, Result};
use crate::import::Limits;
use crate::import::checkpoint::elements::damaged;
use crate::import::checkpoint::{Format, StateDict};
use crate::import::limits::Budget;

/// The number that files begin with, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The only version there is.
const VERSION: i64 = 1001;

/// Whether the file begins like a pickle of a protocol that knows binary data.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [super::opcodes::PROTO, 2..=5, ..])
}

/// Reads the tensors.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    let mut budget = Budget::new(limits);
    let magic = load(file, bytes, 0, &mut budget)?;
    if !matches!(magic.root, Value::Long(number) if *number == MAGIC) {
        return Err(Error::Unsupported(format!("The file `{file}` is a Python pickle that `torch.save` did not write. {RESAVE}")));
    }
    let version = load(file, bytes, magic.end, &mut budget)?;
    if !matches!(version.root, Value::Int(VERSION)) {
        return Err(refused(file, "is of an unknown version of PyTorch's old format"));
    }
    let machine = load(file, bytes, version.end, &mut budget)?;
    let little = |(key, value): &(Value<'_>, Value<'_>)| matches!((key, value), (Value::Text("little_endian"), Value::Bool(true)));
    if !machine.heap.dict(machine.root).is_some_and(|items| items.iter().any(little)) {
        return Err(big_endian(file));
    }
    let object = load(file, bytes, machine.end, &mut budget)?;
    let keys = load(file, bytes, object.end, &mut budget)?;
    let storages = storages(bytes, file, &object, &keys, &mut budget)?;
    let mut dict = StateDict::new(Format::PyTorch);
    for (name, look) in mapping::tensors(file, &object.heap, object.root, &mut budget)? {
        let data = storages.get(look.storage.key).ok_or_else(|| {
            damaged(file, &format!("lacks the storage `{}`, which the tensor `{}` is in", short(look.storage.key), short(&name)))
        })?;
        dict.insert(file, &name, view::dense(file, &name, look, data, &mut budget)?)?;
    }
    Ok(dict)
}

/// The bytes of every storage: one after the other, each after the number of its elements.
fn storages<'a>(
    bytes: &'a [u8],
    file: &str,
    object: &Loaded<'a>,
    keys: &Loaded<'a>,
    budget: &mut Budget,
) -> Result<HashMap<&'a str, &'a [u8]>> {
    let used = used(file, object)?;
    let unexpected = || damaged(file, "lists its storages in another way than PyTorch does");
    let list = keys.heap.sequence(keys.root).ok_or_else(unexpected)?;
    budget.limits().check_initializers(file, list.len())?;
    let mut found = HashMap::new();
    let mut rest = bytes.get(keys.end..).unwrap_or_default();
    for key in list {
        let Value::Text(key) = *key else { return Err(unexpected()) };
        let storage = used.get(key).ok_or_else(|| damaged(file, &format!("lists the storage `{}`, which nothing uses", short(key))))?;
        let ends = || damaged(file, &format!("ends in the storage `{}`, of {} elements", short(key), storage.count));
        let count = u64::from_le_bytes(*rest.split_off(..8).and_then(<[u8]>::first_chunk).ok_or_else(ends)?);
        if count != storage.count as u64 {
            let what = format!("has {count} elements in the storage `{}`, but its pickle says {}", short(key), storage.count);
            return Err(damaged(file, &what));
        }
        let data = storage.count.checked_mul(storage.element_bytes()).and_then(|n| rest.split_off(..n)).ok_or_else(ends)?;
        if found.insert(key, data).is_some() {
            return Err(damaged(file, &format!("lists the storage `{}` twice", short(key))));
        }
    }
    Ok(found)
}

/// The storages that the object refers to, by key.
fn used<'a>(file: &str, object: &Loaded<'a>) -> Result<HashMap<&'a str, Storage<'a>>> {
    let mut used: HashMap<&str, Storage<'_>> = HashMap::new();
    for each in object.heap.iter() {
        let Object::Storage(storage) = each else { continue };
        let first = used.entry(storage.key).or_insert(*storage);
        if (first.count, first.element_bytes()) != (storage.count, storage.element_bytes()) {
            return Err(damaged(file, &format!("gives the storage `{}` two sizes", short(storage.key))));
        }
    }
    Ok(used)
}
