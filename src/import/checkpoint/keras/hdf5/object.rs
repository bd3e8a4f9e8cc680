//! Object headers of version 1: lists of messages.

use super::{Cursor, File};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;

/// A message of an object: what it says, undecoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
}

pub(super) const DATASPACE: u16 = 1;
pub(super) const DATATYPE: u16 = 3;
pub(super) const LINK_INFO: u16 = 2;
pub(super) const LINK: u16 = 6;
pub(super) const LAYOUT: u16 = 8;
pub(super) const FILTERS: u16 = 11;
pub(super) const ATTRIBUTE: u16 = 12;
const CONTINUATION: u16 = 16;
pub(super) const SYMBOL_TABLE: u16 = 17;

/// Bytes in front of a message.
const HEAD: usize = 8;

/// Messages that mean something here.
const KNOWN: [u16; 9] = [DATASPACE, DATATYPE, LINK_INFO, LINK, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE];

impl<'a, 'b> File<'a, 'b> {
    /// The messages of the object at `address`.
    pub(super) fn object(&mut self, address: u64) -> Result<Vec<Message<'a>>> {
        const WHAT: &str = "the header of an object";
        let mut head = self.structure(address, 16, WHAT)?;
        let version = head.u8()?;
        if version != 1 {
            // Newer headers begin with letters.
            return Err(if version == b'O' { self.newer("an object header", 2) } else { self.odd_header(address) });
        }
        head.skip(1)?;
        let count = usize::from(head.u16()?);
        head.skip(4)?;
        let size = head.u32()?;
        let mut blocks = vec![(address.saturating_add(16), u64::from(size))];
        let (mut messages, mut seen) = (Vec::new(), 0);
        while let Some((start, length)) = blocks.pop() {
            let mut block = self.structure(start, length, WHAT)?;
            while seen < count && block.bytes.len() >= HEAD {
                seen += 1;
                let (kind, size, flags) = (block.u16()?, block.u16()?, block.u8()?);
                block.skip(3)?;
                let data = block.take(usize::from(size))?;
                if !KNOWN.contains(&kind) {
                    continue;
                }
                if flags & 2 != 0 {
                    return Err(self.unsupported("a part of an object that is stored elsewhere"));
                }
                if kind == CONTINUATION {
                    let mut place = self.cursor(data, WHAT);
                    blocks.push((place.u64()?, place.u64()?));
                } else {
                    self.budget.reserve(self.name, 2 * size_of::<Message<'_>>() as u64)?;
                    messages.push(Message { kind, data });
                }
            }
        }
        // What was booked is held for the time of one object.
        self.budget.release(2 * (messages.len() * size_of::<Message<'_>>()) as u64);
        Ok(messages)
    }

    /// A cursor over bytes that were read before.
    pub(super) fn cursor(&self, bytes: &'a [u8], what: &'static str) -> Cursor<'a, 'b> {
        Cursor { bytes, what, file: self.name }
    }

    fn odd_header(&self, address: u64) -> crate::error::Error {
        damaged(self.name, &format!("has no object at byte {address}, where it says that one is"))
    }
}
