//! What kind of numbers or strings something consists of, and how many there are.

use super::{Cursor, File};
use crate::error::Result;
use crate::import::checkpoint::elements::Elements;
use crate::tensor::DType;

/// A type of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datatype {
    Numbers(Elements),
    /// Strings of so many bytes, filled up with zeros or spaces.
    Fixed(usize),
    /// References to strings.
    Variable,
    /// Anything else, by its class.
    Other(u8),
}

/// Bytes of a reference to a string: its length, the address of its heap, its number there.
pub(super) const REFERENCE: usize = 16;

/// Where the parts of a float are: offset and width of all bits, of the exponent, of the fraction, and what is added to the exponent.
const FLOATS: [(Elements, u32, [u16; 2], [u8; 4], u32); 4] = [
    (Elements::F64, 8, [0, 64], [52, 11, 0, 52], 1023),
    (Elements::F32, 4, [0, 32], [23, 8, 0, 23], 127),
    (Elements::F16, 2, [0, 16], [10, 5, 0, 10], 15),
    (Elements::BF16, 2, [0, 16], [7, 8, 0, 7], 127),
];

impl Datatype {
    /// Decodes a message.
    pub(super) fn of(mut cursor: Cursor<'_, '_>) -> Result<Self> {
        let class = cursor.u8()? & 15;
        let bits = [cursor.u8()?, cursor.u8()?, cursor.u8()?];
        let size = cursor.u32()?;
        let little = bits[0] & 1 == 0;
        let numbers = match class {
            0 if little => integer(size, bits[0] & 8 != 0),
            1 if little && bits[0] & 64 == 0 => {
                let all = [cursor.u16()?, cursor.u16()?];
                let parts = cursor.fixed()?;
                let bias = cursor.u32()?;
                let found = FLOATS.iter().find(|&&(_, bytes, a, p, b)| (bytes, a, p, b) == (size, all, parts, bias));
                found.map(|f| f.0)
            }
            _ => None,
        };
        Ok(match (class, numbers) {
            (_, Some(elements)) => Self::Numbers(elements),
            (3, _) => Self::Fixed(size as usize),
            (9, _) if bits[0] & 15 == 1 && size as usize == REFERENCE => Self::Variable,
            _ => Self::Other(class),
        })
    }

    /// Bytes of one element.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Numbers(elements) => elements.bytes(),
            Self::Fixed(n) => n,
            Self::Variable => REFERENCE,
            Self::Other(_) => 0,
        }
    }
}

fn integer(size: u32, signed: bool) -> Option<Elements> {
    Some(Elements::Whole(match (size, signed) {
        (1, true) => DType::I8,
        (1, false) => DType::U8,
        (2, true) => DType::I16,
        (2, false) => DType::U16,
        (4, true) => DType::I32,
        (4, false) => DType::U32,
        (8, true) => DType::I64,
        (8, false) => DType::U64,
        _ => return None,
    }))
}

impl File<'_, '_> {
    /// The dimensions in a message; none for a single element.
    pub(super) fn dimensions(&self, mut cursor: Cursor<'_, '_>) -> Result<Vec<u64>> {
        let (version, rank, _flags) = (cursor.u8()?, usize::from(cursor.u8()?), cursor.u8()?);
        let kind = cursor.u8()?;
        match version {
            1 => cursor.skip(4)?,
            // 2: nothing at all.
            2 if kind == 2 => return Ok(vec![0]),
            2 => {}
            _ => return Err(self.newer("a dataspace", version)),
        }
        self.budget.limits().check_rank(self.name, rank)?;
        cursor.u64s(rank)
    }
}
