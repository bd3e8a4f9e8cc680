//! The part of HDF5 that h5py writes unless it is told otherwise: superblock 0 or 1, groups as symbol tables, object headers of version 1,
//! attributes and datasets of numbers and strings, stored in one piece or in chunks that may be compressed.
//!
//! A file is a graph of addresses, so a small one can describe something endless: many names that overlap, chunks that are one chunk.
//! Everything that is looked at is therefore paid for: the bytes of the structure, names included, may be read a few times over all, and
//! memory is booked before it is taken. Names and numbers stay where they are in the file until they are copied.
//!
//! Source: the HDF5 file format specification, version 3.0 (The HDF Group).

mod attributes;
mod chunks;
mod dataset;
mod datatype;
mod groups;
mod object;

pub(super) use attributes::Strings;
pub(super) use dataset::Dataset;
pub(super) use groups::Group;

use crate::error::{Error, Result};
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;

/// What every HDF5 file without a user block begins with.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// An address that stands for nothing.
const UNDEFINED: u64 = u64::MAX;

/// How often the structure may be read over all, in sizes of the file, and what small files may read besides.
const READINGS: u64 = 4;
const LEAST: u64 = 1 << 16;

/// A file while it is read.
#[derive(Debug)]
pub(super) struct File<'a, 'b> {
    bytes: &'a [u8],
    pub(super) name: &'b str,
    pub(super) budget: Budget,
    /// Bytes of the structure that may still be read.
    left: u64,
}

impl<'a, 'b> File<'a, 'b> {
    /// Opens a file. Returns it and its root group.
    ///
    /// # Errors
    /// [`Error::Model`], and [`Error::Unsupported`] for the newer form of files.
    pub(super) fn open(bytes: &'a [u8], name: &'b str, budget: Budget) -> Result<(Self, Group<'a>)> {
        let left = (bytes.len() as u64).saturating_mul(READINGS).saturating_add(LEAST);
        let mut file = Self { bytes, name, budget, left };
        let mut head = file.at(SIGNATURE.len() as u64, "its head")?;
        let version = head.u8()?;
        if version > 1 {
            return Err(file.newer("a superblock", version));
        }
        head.skip(4)?;
        let sizes = [head.u8()?, head.u8()?];
        if sizes != [8, 8] {
            return Err(file.unsupported(&format!("addresses and lengths of {sizes:?} bytes instead of 8")));
        }
        // Reserved, the K of leaves and nodes, flags; version 1 adds another K.
        head.skip(if version == 0 { 9 } else { 13 })?;
        if head.u64()? != 0 {
            return Err(file.unsupported("addresses that do not count from the beginning of the file"));
        }
        // Free space, end of the file, driver, and the name of the root.
        head.skip(32)?;
        let root = head.u64()?;
        let root = file.group(root)?;
        Ok((file, root))
    }

    /// A cursor at `address`.
    fn at(&self, address: u64, what: &'static str) -> Result<Cursor<'a, 'b>> {
        let bytes = usize::try_from(address)
            .ok()
            .and_then(|a| self.bytes.get(a..))
            .ok_or_else(|| damaged(self.name, &format!("has {what} at byte {address}, behind its end (byte {})", self.bytes.len())))?;
        Ok(Cursor { bytes, what, file: self.name })
    }

    /// `length` bytes of numbers at `address`.
    fn numbers(&self, address: u64, length: u64, what: &str) -> Result<&'a [u8]> {
        let start = usize::try_from(address).ok();
        let end = address.checked_add(length).and_then(|end| usize::try_from(end).ok());
        start.zip(end).and_then(|(start, end)| self.bytes.get(start..end)).ok_or_else(|| {
            damaged(self.name, &format!("has {length} bytes of {what} at byte {address}, beyond its end (byte {})", self.bytes.len()))
        })
    }

    /// Pays for `n` bytes of the structure.
    fn pay(&mut self, n: usize) -> Result<()> {
        self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| damaged(self.name, &format!("refers to the same bytes again and again, beyond {READINGS} times its size")))?;
        Ok(())
    }

    /// A cursor over `n` bytes of the structure at `address`, paid for.
    fn structure(&mut self, address: u64, n: u64, what: &'static str) -> Result<Cursor<'a, 'b>> {
        let bytes = self.numbers(address, n, what)?;
        self.pay(bytes.len())?;
        Ok(Cursor { bytes, what, file: self.name })
    }

    fn newer(&self, what: &str, version: u8) -> Error {
        self.unsupported(&format!("{what} of version {version}"))
    }

    /// What other programs write.
    fn unsupported(&self, what: &str) -> Error {
        Error::Unsupported(format!(
            "The HDF5 file `{}` has {what}, which is not supported. Rewrite it with scripts/checkpoints/plain_hdf5.py.",
            self.name
        ))
    }
}

/// Little-endian numbers, one after the other.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a, 'b> {
    bytes: &'a [u8],
    /// What they belong to, and the file, for messages.
    what: &'static str,
    file: &'b str,
}

impl<'a> Cursor<'a, '_> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or_else(|| damaged(self.file, &format!("ends in {}", self.what)))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn skip(&mut self, n: usize) -> Result<()> {
        self.take(n).map(|_| ())
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        // As many as were asked for.
        self.take(N).map(|b| b.first_chunk().copied().unwrap_or([0; N]))
    }

    fn u8(&mut self) -> Result<u8> {
        self.fixed().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16> {
        self.fixed().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    fn u64s(&mut self, n: usize) -> Result<Vec<u64>> {
        (0..n).map(|_| self.u64()).collect()
    }

    /// Checks four letters.
    fn letters(&mut self, letters: &[u8; 4]) -> Result<()> {
        if self.fixed()? == *letters {
            return Ok(());
        }
        Err(damaged(self.file, &format!("does not have {} where it says that it is", self.what)))
    }
}
