//! The directory of a zip archive: where each entry lies.

use std::collections::HashMap;
use std::ops::Range;

use super::super::{refused, short};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";

/// Bytes of the fixed part of a record.
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
const END_64_BYTES: usize = 56;
const LOCATOR_64_BYTES: usize = 20;

/// The id of the extra field that has what 32 bits cannot hold.
const EXTRA_64: u64 = 1;

/// Bytes that an entry takes in memory: its place in two tables, and its range.
const COST: u64 = 256;

/// Entries besides storages, at most: the structure, versions, byte order and the like.
const OTHERS: usize = 16;

/// A number of `N` bytes at `at`.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let mut wide = [0; 8];
    let found: &[u8; N] = bytes.get(at..)?.first_chunk()?;
    wide.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
    Some(u64::from_le_bytes(wide))
}

/// `length` bytes at `at`.
fn slice(bytes: &[u8], at: u64, length: u64) -> Option<&[u8]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..at.checked_add(usize::try_from(length).ok()?)?)
}

/// The name of the first entry, when the file begins with one.
pub(super) fn first_name(bytes: &[u8]) -> Option<&[u8]> {
    bytes.starts_with(LOCAL).then(|| slice(bytes, LOCAL_BYTES as u64, number::<2>(bytes, 26)?))?
}

/// Where the directory lies and how many entries it has.
struct Directory {
    count: u64,
    range: Range<u64>,
}

/// Names and contents of all entries.
///
/// # Errors
/// Model for an archive that contradicts itself, Unsupported for compressed and encrypted entries, Limits.
pub(super) fn entries<'a>(bytes: &'a [u8], file: &str, budget: &mut Budget) -> Result<HashMap<&'a str, &'a [u8]>> {
    let directory = find(bytes, file)?;
    let text = slice(bytes, directory.range.start, directory.range.end.saturating_sub(directory.range.start)).unwrap_or_default();
    let most = (text.len() / CENTRAL_BYTES) as u64;
    if directory.count > most {
        return Err(damaged(file, &format!("claims {} entries in a directory with room for {most}", directory.count)));
    }
    let count = directory.count as usize;
    budget.limits().check_initializers(file, count.saturating_sub(OTHERS))?;
    budget.reserve(file, directory.count.saturating_mul(COST))?;
    let mut ranges = Vec::with_capacity(count);
    let mut entries = HashMap::with_capacity(count);
    let mut at = 0;
    for _ in 0..count {
        let rest = text.get(at..).unwrap_or_default();
        let entry = Entry::read(rest).ok_or_else(|| damaged(file, &format!("has a directory that is not readable at its byte {at}")))?;
        at += entry.length;
        let name = std::str::from_utf8(entry.name).map_err(|_| damaged(file, "has an entry whose name is no text"))?;
        if name.contains("/code/") {
            return Err(refused(file, "is a TorchScript program, not a state dict"));
        }
        if entry.flags & 1 != 0 {
            return Err(refused(file, &format!("has the encrypted entry `{}`", short(name))));
        }
        if entry.method != 0 {
            return Err(refused(file, &format!("has the compressed entry `{}`; PyTorch stores entries as they are", short(name))));
        }
        if entry.compressed != entry.size {
            let what = format!("has the stored entry `{}` of {} bytes in {}", short(name), entry.size, entry.compressed);
            return Err(damaged(file, &what));
        }
        let data = entry.data(bytes).filter(|(range, _)| range.end <= directory.range.start);
        let (range, data) = data.ok_or_else(|| damaged(file, &format!("has the entry `{}` where it does not lie", short(name))))?;
        ranges.push(range);
        if entries.insert(name, data).is_some() {
            return Err(damaged(file, &format!("has the entry `{}` twice", short(name))));
        }
    }
    ranges.sort_unstable_by_key(|r| (r.start, r.end));
    if ranges.windows(2).any(|w| matches!(w, [a, b] if b.start < a.end)) {
        return Err(damaged(file, "has entries that overlap"));
    }
    Ok(entries)
}

/// The directory of the archive, from the record at its end.
fn find(bytes: &[u8], file: &str) -> Result<Directory> {
    let truncated = || damaged(file, "has no end of its zip directory");
    let last = bytes.len().checked_sub(END_BYTES).ok_or_else(truncated)?;
    // A comment of up to 64 KiB may follow; it has to end where the file does.
    let ends_here =
        |&at: &usize| bytes.get(at..).is_some_and(|b| b.starts_with(END)) && number::<2>(bytes, at + 20) == Some((last - at) as u64);
    let end = (last.saturating_sub(usize::from(u16::MAX))..=last).rev().find(ends_here).ok_or_else(truncated)?;
    let contradiction = || damaged(file, "has an end of its zip directory that contradicts itself");
    directory(bytes, end).ok_or_else(contradiction)
}

/// What the record at `end` says, and the one of 64 bits before it where there is one.
fn directory(bytes: &[u8], end: usize) -> Option<Directory> {
    let disks = number::<4>(bytes, end + 4)?;
    let small = [number::<2>(bytes, end + 8)?, number::<2>(bytes, end + 10)?, number::<4>(bytes, end + 12)?, number::<4>(bytes, end + 16)?];
    let (fields, stop) = match end.checked_sub(LOCATOR_64_BYTES).filter(|&at| bytes.get(at..).is_some_and(|b| b.starts_with(LOCATOR_64))) {
        None => (small, end as u64),
        Some(locator) => {
            let start = number::<8>(bytes, locator + 8)?;
            let record = slice(bytes, start, END_64_BYTES as u64).filter(|r| r.starts_with(END_64))?;
            let wide = [number::<8>(record, 24)?, number::<8>(record, 32)?, number::<8>(record, 40)?, number::<8>(record, 48)?];
            let most = [0xffff, 0xffff, 0xffff_ffff, 0xffff_ffff];
            // What both records say has to be the same, or readers would differ in what they find.
            let agree = small.iter().zip(&wide).zip(most).all(|((s, w), most)| s == w || *s == most);
            (agree && number::<8>(record, 16)? == 0).then_some((wide, start))?
        }
    };
    let [on_this_disk, count, size, start] = fields;
    let range = start..start.checked_add(size)?;
    (disks == 0 && on_this_disk == count && range.end <= stop).then_some(Directory { count, range })
}

/// An entry as the directory has it.
struct Entry<'a> {
    flags: u64,
    method: u64,
    compressed: u64,
    size: u64,
    start: u64,
    name: &'a [u8],
    /// Bytes of its record.
    length: usize,
}

impl<'a> Entry<'a> {
    /// The record at the beginning of `text`.
    fn read(text: &'a [u8]) -> Option<Self> {
        text.starts_with(CENTRAL).then_some(())?;
        let (name, extra, comment) = (number::<2>(text, 28)?, number::<2>(text, 30)?, number::<2>(text, 32)?);
        let length = CENTRAL_BYTES + (name + extra + comment) as usize;
        text.get(..length)?;
        let mut wide = extra_64(slice(text, CENTRAL_BYTES as u64 + name, extra)?);
        let mut field = |at| {
            let value = number::<4>(text, at)?;
            if value == 0xffff_ffff { wide.split_off(..8).and_then(|v| number::<8>(v, 0)) } else { Some(value) }
        };
        // In this order in the extra field.
        let (size, compressed, start) = (field(24)?, field(20)?, field(42)?);
        let name = slice(text, CENTRAL_BYTES as u64, name)?;
        Some(Self { flags: number::<2>(text, 8)?, method: number::<2>(text, 10)?, compressed, size, start, name, length })
    }

    /// Where the entry lies with its own header, which has to be of the same name, and its content.
    fn data<'f>(&self, file: &'f [u8]) -> Option<(Range<u64>, &'f [u8])> {
        let header = slice(file, self.start, LOCAL_BYTES as u64).filter(|h| h.starts_with(LOCAL))?;
        let (name, extra) = (number::<2>(header, 26)?, number::<2>(header, 28)?);
        let same = slice(file, self.start + LOCAL_BYTES as u64, name)? == self.name && number::<2>(header, 8)? == self.method;
        let from = self.start + LOCAL_BYTES as u64 + name + extra;
        let data = slice(file, from, self.size).filter(|_| same)?;
        Some((self.start..from + self.size, data))
    }
}

/// The content of the extra field of 64-bit sizes; empty when there is none.
fn extra_64(mut fields: &[u8]) -> &[u8] {
    while let (Some(id), Some(length)) = (number::<2>(fields, 0), number::<2>(fields, 2)) {
        let Some(content) = slice(fields, 4, length) else { break };
        if id == EXTRA_64 {
            return content;
        }
        fields = fields.get(4 + content.len()..).unwrap_or_default();
    }
    &[]
}
