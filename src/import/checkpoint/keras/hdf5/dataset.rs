//! Datasets: where their numbers are, and the numbers.

use std::borrow::Cow;

use super::chunks::Chunks;
use super::datatype::Datatype;
use super::object::{DATASPACE, DATATYPE, FILTERS, LAYOUT, Message};
use super::{File, UNDEFINED};
use crate::error::Result;
use crate::import::checkpoint::elements::{Elements, damaged};

/// Numbers of a file, not yet copied.
#[derive(Debug)]
pub(in super::super) struct Dataset<'a> {
    /// Dimensions, outermost first.
    pub(in super::super) dims: Vec<i64>,
    /// The type of the numbers.
    pub(in super::super) elements: Elements,
    stored: Stored<'a>,
}

#[derive(Debug)]
enum Stored<'a> {
    Whole(&'a [u8]),
    Chunks(Chunks),
}

impl<'a> File<'a, '_> {
    /// The dataset whose header is at `address`; `name` is for messages.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], [`crate::error::Error::Unsupported`].
    pub(in super::super) fn dataset(&mut self, address: u64, name: &str) -> Result<Dataset<'a>> {
        let messages = self.object(address)?;
        let find = |kind: u16, what: &str| {
            let found: Option<&Message<'a>> = messages.iter().find(|m| m.kind == kind);
            found.map(|m| m.data).ok_or_else(|| damaged(self.name, &format!("lacks the {what} of the dataset `{name}`")))
        };
        let (space, datatype, layout) = (find(DATASPACE, "dimensions")?, find(DATATYPE, "type")?, find(LAYOUT, "place")?);
        let filters = messages.iter().find(|m| m.kind == FILTERS).map(|m| m.data);
        let dims = self.dimensions(self.cursor(space, "the dimensions of a dataset"))?;
        let dims: Vec<i64> = dims.iter().map(|&d| i64::try_from(d).unwrap_or(i64::MAX)).collect();
        let elements = match Datatype::of(self.cursor(datatype, "the type of a dataset"))? {
            Datatype::Numbers(elements) => elements,
            other => return Err(self.unsupported(&format!("a dataset `{name}` of a type that is no little-endian number ({other:?})"))),
        };
        let mut layout = self.cursor(layout, "the place of a dataset");
        let (version, class) = (layout.u8()?, layout.u8()?);
        if version != 3 {
            return Err(self.newer("a data layout", version));
        }
        let stored = match class {
            0 => {
                let length = usize::from(layout.u16()?);
                Stored::Whole(layout.take(length)?)
            }
            1 => match (layout.u64()?, layout.u64()?) {
                (_, 0) => Stored::Whole(&[]),
                (UNDEFINED, _) => return Err(damaged(self.name, &format!("has a dataset `{name}` that was never written"))),
                (address, length) => Stored::Whole(self.numbers(address, length, "numbers")?),
            },
            2 => {
                let rank = usize::from(layout.u8()?);
                if rank != dims.len() + 1 {
                    return Err(damaged(self.name, &format!("cuts the dataset `{name}` along {} axes of {}", rank.max(1) - 1, dims.len())));
                }
                let tree = layout.u64()?;
                let sides = (0..dims.len()).map(|_| layout.u32()).collect::<Result<_>>()?;
                let filters = filters.map_or(Ok(Vec::new()), |data| self.filters(data, name))?;
                Stored::Chunks(Chunks { tree, sides, filters, size: elements.bytes() as u64 })
            }
            _ => return Err(self.newer("a data layout of another class", class)),
        };
        Ok(Dataset { dims, elements, stored })
    }

    /// The numbers of a dataset, as many as its dimensions say. What is copied is booked; see [`Self::done`].
    ///
    /// # Errors
    /// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], [`crate::error::Error::Unsupported`].
    pub(in super::super) fn read(&mut self, dataset: &Dataset<'a>, name: &str) -> Result<Cow<'a, [u8]>> {
        let (_, len) = self.budget.reserve_tensor(name, &dataset.dims, dataset.elements.bytes())?;
        let length = len * dataset.elements.bytes();
        match &dataset.stored {
            Stored::Whole(bytes) => {
                self.budget.release(length as u64);
                let bytes = bytes.get(..length).ok_or_else(|| {
                    damaged(self.name, &format!("holds {} bytes for the dataset `{name}`, which needs {length}", bytes.len()))
                })?;
                Ok(Cow::Borrowed(bytes))
            }
            Stored::Chunks(chunks) => self.assemble(chunks, &dataset.dims, length, name).map(Cow::Owned),
        }
    }

    /// Gives back what [`Self::read`] booked.
    pub(in super::super) fn done(&mut self, bytes: Cow<'_, [u8]>) {
        if let Cow::Owned(bytes) = bytes {
            self.budget.release(bytes.len() as u64);
        }
    }
}
