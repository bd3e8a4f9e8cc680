//! Attributes that are lists of strings.

use super::datatype::{Datatype, REFERENCE};
use super::object::ATTRIBUTE;
use super::{Cursor, File, Group};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;

const WHAT: &str = "an attribute";

/// Strings by the names of the attributes that list them.
pub(in super::super) type Strings<'a> = Vec<(&'a str, Vec<&'a str>)>;

impl<'a, 'b> File<'a, 'b> {
    /// All attributes of a group that consist of strings.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], [`crate::error::Error::Unsupported`].
    pub(in super::super) fn strings(&mut self, group: &Group<'a>) -> Result<Strings<'a>> {
        let messages = self.object(group.address)?;
        let mut out = Vec::new();
        for message in messages.iter().filter(|m| m.kind == ATTRIBUTE) {
            if let Some((name, strings)) = self.attribute(message.data)? {
                self.budget.reserve(self.name, 2 * size_of::<(&str, Vec<&str>)>() as u64)?;
                out.push((name, strings));
            }
        }
        Ok(out)
    }

    /// An attribute, unless it is something else.
    fn attribute(&mut self, data: &'a [u8]) -> Result<Option<(&'a str, Vec<&'a str>)>> {
        let mut cursor = self.cursor(data, WHAT);
        let (version, flags) = (cursor.u8()?, cursor.u8()?);
        let sizes = [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
        match version {
            // Parts are filled up to multiples of 8 bytes.
            1 => {}
            2 | 3 if flags & 3 == 0 => cursor.skip(usize::from(version == 3))?,
            2 | 3 => return Err(self.unsupported("an attribute of a type that is stored elsewhere")),
            _ => return Err(self.newer("an attribute", version)),
        }
        let padded = |n: usize| if version == 1 { n.next_multiple_of(8) } else { n };
        let name = self.text(until_zero(cursor.take(padded(sizes[0]))?))?;
        let datatype = Datatype::of(self.cursor(cursor.take(padded(sizes[1]))?, WHAT))?;
        let dims = self.dimensions(self.cursor(cursor.take(padded(sizes[2]))?, WHAT))?;
        let (Datatype::Fixed(_) | Datatype::Variable) = datatype else { return Ok(None) };
        let count = dims.iter().try_fold(1u64, |a, &d| a.checked_mul(d));
        let length = count.and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_mul(datatype.bytes()));
        // Strings of no bytes could be any number.
        let length = length.filter(|_| datatype.bytes() > 0 || count == Some(0));
        let length = length.ok_or_else(|| damaged(self.name, &format!("has more strings in the attribute `{name}` than there can be")))?;
        let stored = cursor.take(length)?;
        let mut strings = Vec::new();
        for element in stored.chunks(datatype.bytes().max(1)) {
            self.budget.reserve(self.name, 2 * size_of::<&str>() as u64)?;
            strings.push(match datatype {
                Datatype::Variable => self.referred(self.cursor(element, WHAT))?,
                _ => self.text(until_zero(element))?,
            });
        }
        Ok(Some((name, strings)))
    }

    /// The string that a reference means.
    fn referred(&mut self, mut reference: Cursor<'a, 'b>) -> Result<&'a str> {
        debug_assert_eq!(reference.bytes.len(), REFERENCE, "as cut");
        let (length, address, number) = (reference.u32()?, reference.u64()?, reference.u32()?);
        if length == 0 {
            return Ok("");
        }
        const HEAP: &str = "a heap of strings";
        let mut head = self.structure(address, 16, HEAP)?;
        head.letters(b"GCOL")?;
        head.skip(4)?;
        let size = head.u64()?;
        let objects = size.checked_sub(16).ok_or_else(|| damaged(self.name, &format!("has {HEAP} of {size} bytes")))?;
        let mut heap = self.cursor(self.numbers(address.saturating_add(16), objects, HEAP)?, HEAP);
        loop {
            // A step; the bytes are not looked at.
            self.pay(1)?;
            let found = heap.u16()?;
            heap.skip(6)?;
            let size = heap.u64()?;
            if found == 0 {
                return Err(damaged(self.name, &format!("has no string {number} in {HEAP}")));
            }
            let size = usize::try_from(size).ok().filter(|&n| n < usize::MAX - 8).unwrap_or(usize::MAX - 8);
            let padded = heap.take(size.next_multiple_of(8).min(heap.bytes.len()))?;
            if u32::from(found) == number {
                let text = padded.get(..length as usize).filter(|_| length as usize <= size);
                let text = text.ok_or_else(|| damaged(self.name, &format!("has a string of {length} letters beyond {HEAP}")))?;
                self.pay(text.len())?;
                return self.text(until_zero(text));
            }
        }
    }

    fn text(&self, bytes: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(bytes).map_err(|_| damaged(self.name, "has a name that is no text"))
    }
}

/// Strings are filled up with zeros.
fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}
