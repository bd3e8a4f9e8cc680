//! From bytes to objects. Strings and numbers of storages stay where they are in the file.

use std::collections::HashMap;

use super::DEPTH;
use super::objects::{Object, Objects, Strided, Value};
use crate::error::{Error, Result};
use crate::import::checkpoint::elements::{Elements, damaged};
use crate::import::limits::Budget;
use crate::tensor::DType;

pub(super) const NIL: i32 = 0;
pub(super) const NUMBER: i32 = 1;
pub(super) const STRING: i32 = 2;
pub(super) const TABLE: i32 = 3;
pub(super) const TORCH: i32 = 4;
const BOOLEAN: i32 = 5;
const FUNCTION: i32 = 6;
const OLD_NUMBERED_FUNCTION: i32 = 7;
const NUMBERED_FUNCTION: i32 = 8;

/// Memory that an entry of a table and an object take, lists that double included.
const ENTRY: u64 = 2 * size_of::<(Value<'_>, Value<'_>)>() as u64;
const OBJECT: u64 = 2 * size_of::<Object<'_>>() as u64 + 64;

/// The objects of a file, and the value that it was saved for.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`].
pub(super) fn read<'a>(bytes: &'a [u8], file: &str, budget: &mut Budget) -> Result<(Objects<'a>, Value<'a>)> {
    let mut reader = Reader { bytes, at: 0, file, budget, objects: Objects::default(), numbers: HashMap::new() };
    let root = reader.value(0)?;
    Ok((reader.objects, root))
}

struct Reader<'a, 'b> {
    bytes: &'a [u8],
    at: usize,
    file: &'b str,
    budget: &'b mut Budget,
    objects: Objects<'a>,
    /// Where the objects are that the file has numbered.
    numbers: HashMap<i32, usize>,
}

impl<'a> Reader<'a, '_> {
    fn damaged(&self, what: &str) -> Error {
        damaged(self.file, what)
    }

    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8]> {
        let taken = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.damaged(&format!("ends in {what} (byte {})", self.bytes.len())))?;
        self.at += n;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        // As many as were asked for.
        self.take(N, what).map(|b| b.first_chunk().copied().unwrap_or([0; N]))
    }

    fn int(&mut self, what: &str) -> Result<i32> {
        self.fixed(what).map(i32::from_le_bytes)
    }

    fn long(&mut self, what: &str) -> Result<i64> {
        self.fixed(what).map(i64::from_le_bytes)
    }

    fn longs(&mut self, n: usize, what: &str) -> Result<Vec<i64>> {
        (0..n).map(|_| self.long(what)).collect()
    }

    fn text(&mut self, what: &str) -> Result<&'a [u8]> {
        let length = self.int(what)?;
        let length = usize::try_from(length).map_err(|_| self.damaged(&format!("gives {what} a length of {length}")))?;
        self.take(length, what)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>> {
        if depth > DEPTH {
            return Err(Error::Limits(format!(
                "The checkpoint `{}` holds more than {DEPTH} objects in each other, where networks have about ten. Save its network alone.",
                self.file
            )));
        }
        let at = self.at;
        match self.int("a type")? {
            NIL => Ok(Value::Nil),
            NUMBER => self.fixed("a number").map(|b| Value::Number(f64::from_le_bytes(b))),
            STRING => self.text("a string").map(Value::String),
            BOOLEAN => self.int("a truth value").map(|b| Value::Boolean(b != 0)),
            kind @ (TABLE | TORCH | OLD_NUMBERED_FUNCTION | NUMBERED_FUNCTION) => self.object(kind, depth),
            FUNCTION => Err(Error::Unsupported(format!(
                "The checkpoint `{}` holds a function (byte {at}), which is not supported. \
                 Load it in Torch7, remove the function and save the network again.",
                self.file
            ))),
            kind => Err(self.damaged(&format!("holds a value of the type {kind} (byte {at}), which Torch7 does not have"))),
        }
    }

    /// A numbered object: written where it is met first, only its number afterwards.
    fn object(&mut self, kind: i32, depth: usize) -> Result<Value<'a>> {
        let number = self.int("the number of an object")?;
        if let Some(&index) = self.numbers.get(&number) {
            return Ok(Value::Object(index));
        }
        self.budget.reserve(self.file, OBJECT)?;
        let index = self.objects.reserve();
        self.numbers.insert(number, index);
        let object = match kind {
            TABLE => self.table(depth)?,
            TORCH => self.instance(depth)?,
            _ => self.function(depth)?,
        };
        self.objects.set(index, object);
        Ok(Value::Object(index))
    }

    fn table(&mut self, depth: usize) -> Result<Object<'a>> {
        let size = self.int("the size of a table")?;
        if size < 0 {
            return Err(self.damaged(&format!("holds a table of {size} entries")));
        }
        let mut entries = Vec::new();
        for _ in 0..size {
            self.budget.reserve(self.file, ENTRY)?;
            let key = self.value(depth + 1)?;
            entries.push((key, self.value(depth + 1)?));
        }
        Ok(Object::Table(entries))
    }

    /// Code and the variables that it closes over: bytes that mean nothing here.
    fn function(&mut self, depth: usize) -> Result<Object<'a>> {
        self.text("a function")?;
        self.value(depth + 1)?;
        Ok(Object::Function)
    }

    fn instance(&mut self, depth: usize) -> Result<Object<'a>> {
        let version = self.text("the version of a class")?;
        // Old files have no version, and the name in its place.
        let class = if version.starts_with(b"V ") { self.text("the name of a class")? } else { version };
        let class =
            std::str::from_utf8(class).ok().filter(|c| c.len() <= 200).ok_or_else(|| self.damaged("names a class in no letters"))?;
        if let Some(kind) = class.strip_prefix("torch.") {
            return self.numbers(class, kind, depth);
        }
        if class.starts_with("tds.") {
            return Err(Error::Unsupported(format!(
                "The checkpoint `{}` holds an object of the class `{class}`, which is not supported. \
                 Save its network alone, as a table or a module.",
                self.file
            )));
        }
        Ok(Object::Instance { class, fields: self.value(depth + 1)? })
    }

    /// A tensor or a storage.
    fn numbers(&mut self, class: &str, kind: &str, depth: usize) -> Result<Object<'a>> {
        let unknown = || {
            Error::Unsupported(format!(
                "The checkpoint `{}` holds an object of the class `{class}`, which is not supported. \
                 Convert the network with :float() and save it alone.",
                self.file
            ))
        };
        let (kind, stored) = match (kind.strip_suffix("Tensor"), kind.strip_suffix("Storage")) {
            (Some(kind), _) => (kind, false),
            (_, Some(kind)) => (kind, true),
            _ => return Err(unknown()),
        };
        let elements = elements(kind).ok_or_else(unknown)?;
        if stored {
            let size = self.long("the size of a storage")?;
            let bytes = usize::try_from(size).ok().and_then(|n| n.checked_mul(elements.bytes()));
            let bytes = bytes.ok_or_else(|| self.damaged(&format!("holds a storage of {size} numbers")))?;
            return Ok(Object::Storage { elements, bytes: self.take(bytes, "the numbers of a storage")? });
        }
        let rank = self.int("the number of dimensions")?;
        let axes = usize::try_from(rank).map_err(|_| self.damaged(&format!("holds a tensor of {rank} dimensions")))?;
        self.budget.limits().check_rank(class, axes)?;
        self.budget.reserve(self.file, 16 * axes as u64)?;
        let sizes = self.longs(axes, "the sizes of a tensor")?;
        let strides = self.longs(axes, "the strides of a tensor")?;
        let offset = self.long("the place of a tensor in its storage")?;
        Ok(Object::Tensor(Strided { sizes, strides, offset, storage: self.value(depth + 1)? }))
    }
}

/// The numbers of a tensor or storage, by what stands between `torch.` and `Tensor` or `Storage`.
fn elements(kind: &str) -> Option<Elements> {
    Some(match kind.strip_prefix("Cuda").unwrap_or(kind) {
        // CudaTensor, without a type, was that of floats.
        "" | "Float" => Elements::F32,
        "Double" => Elements::F64,
        "Half" => Elements::F16,
        "Byte" => Elements::Whole(DType::U8),
        "Char" => Elements::Whole(DType::I8),
        "Short" => Elements::Whole(DType::I16),
        "Int" => Elements::Whole(DType::I32),
        "Long" => Elements::Whole(DType::I64),
        _ => return None,
    })
}
