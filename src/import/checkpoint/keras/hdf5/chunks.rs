//! Datasets in chunks, which filters may have packed.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::File;
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;

const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;
const FLETCHER32: u16 = 3;

/// Bytes of a checksum at the end of a chunk.
const CHECKSUM: usize = 4;

/// Where the chunks are, and how they are packed.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) tree: u64,
    /// Elements of a chunk along each axis.
    pub(super) sides: Vec<u32>,
    /// In the order in which they were applied.
    pub(super) filters: Vec<u16>,
    /// Bytes of an element.
    pub(super) size: u64,
}

/// What filling a dataset needs to know.
struct Filling<'c, 'n> {
    chunks: &'c Chunks,
    name: &'n str,
    dims: Vec<usize>,
    /// Bytes of an unpacked chunk.
    length: usize,
    /// Chunks that are still missing.
    missing: usize,
}

impl<'a> File<'a, '_> {
    /// The filters of a message.
    pub(super) fn filters(&self, data: &'a [u8], dataset: &str) -> Result<Vec<u16>> {
        let mut cursor = self.cursor(data, "the filters of a dataset");
        let (version, count) = (cursor.u8()?, cursor.u8()?);
        if !(1..=2).contains(&version) {
            return Err(self.newer("a list of filters", version));
        }
        cursor.skip(if version == 1 { 6 } else { 0 })?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let kind = cursor.u16()?;
            if !(DEFLATE..=FLETCHER32).contains(&kind) || filters.contains(&kind) {
                return Err(self.unsupported(&format!("a dataset `{dataset}` packed by the filter {kind}")));
            }
            let name = if version == 1 { usize::from(cursor.u16()?).next_multiple_of(8) } else { 0 };
            cursor.skip(2)?;
            let values = usize::from(cursor.u16()?);
            // An odd number of values is filled up in version 1.
            cursor.skip(name + 4 * if version == 1 { values.next_multiple_of(2) } else { values })?;
            filters.push(kind);
        }
        Ok(filters)
    }

    /// A dataset of `length` bytes, booked already, from its chunks.
    pub(super) fn assemble(&mut self, chunks: &Chunks, dims: &[i64], length: usize, name: &str) -> Result<Vec<u8>> {
        let dims: Vec<usize> = dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
        let mut out = vec![0; length];
        if length == 0 {
            return Ok(out);
        }
        // Chunks that are larger than the dataset would let a small file unpack much for little.
        if chunks.sides.iter().zip(&dims).any(|(&side, &dim)| side == 0 || side as usize > dim) {
            return Err(self.unsupported(&format!("a dataset `{name}` {dims:?} in chunks of {:?}", chunks.sides)));
        }
        let sides: Vec<usize> = chunks.sides.iter().map(|&s| s as usize).collect();
        // No side is larger than the dataset's, whose size was checked.
        let filling_length = sides.iter().product::<usize>() * chunks.size as usize;
        let missing = sides.iter().zip(&dims).map(|(side, dim)| dim.div_ceil(*side)).product();
        // A chunk while it is unpacked, and before its bytes are put in order.
        let booked = 2 * (filling_length + CHECKSUM) as u64;
        self.budget.reserve(name, booked)?;
        let mut filling = Filling { chunks, name, dims, length: filling_length, missing };
        self.chunk_node(chunks.tree, None, &mut filling, &mut out)?;
        self.budget.release(booked);
        if filling.missing > 0 {
            return Err(damaged(self.name, &format!("lacks {} chunks of the dataset `{name}`", filling.missing)));
        }
        Ok(out)
    }

    fn chunk_node(&mut self, address: u64, level: Option<u8>, filling: &mut Filling<'_, '_>, out: &mut [u8]) -> Result<()> {
        let rank = filling.dims.len();
        // Length, filters left out, the place along each axis and in the element.
        let key = 8 + 8 * (rank + 1);
        let (found, mut children) = self.tree_node(address, 1, key, "a tree of chunks")?;
        if level.is_some_and(|l| l != found) {
            return Err(damaged(self.name, "has a tree of chunks that does not end"));
        }
        while children.bytes.len() > key {
            let (length, left_out) = (children.u32()?, children.u32()?);
            let place = children.u64s(rank)?;
            children.skip(8)?;
            let child = children.u64()?;
            match found.checked_sub(1) {
                Some(below) => self.chunk_node(child, Some(below), filling, out)?,
                None if left_out != 0 => {
                    return Err(self.unsupported(&format!("a chunk of the dataset `{}` without its filters", filling.name)));
                }
                None => {
                    let packed = self.numbers(child, u64::from(length), "a chunk")?;
                    self.chunk(packed, &place, filling, out)?;
                }
            }
        }
        Ok(())
    }

    /// Unpacks a chunk and puts it into its place.
    fn chunk(&self, packed: &[u8], place: &[u64], filling: &mut Filling<'_, '_>, out: &mut [u8]) -> Result<()> {
        let Filling { chunks, name, dims, length, missing } = filling;
        let inside = |((&at, &side), &dim): ((&u64, &u32), &usize)| at % u64::from(side) == 0 && at < dim as u64;
        let fits = place.iter().zip(&chunks.sides).zip(dims.iter()).all(inside);
        *missing = missing.checked_sub(1).filter(|_| fits).ok_or_else(|| {
            damaged(self.name, &format!("has a chunk of the dataset `{name}` at {place:?} where none can be, or chunks too many"))
        })?;
        let bytes = unpacked(packed, &chunks.filters, *length, chunks.size as usize);
        let bytes = bytes
            .ok_or_else(|| damaged(self.name, &format!("has a chunk of the dataset `{name}` at {place:?} that cannot be unpacked")))?;
        let place: Vec<usize> = place.iter().map(|&p| usize::try_from(p).unwrap_or(usize::MAX)).collect();
        let sides: Vec<usize> = chunks.sides.iter().map(|&s| s as usize).collect();
        put(&bytes, &sides, &place, dims, chunks.size as usize, out);
        Ok(())
    }
}

/// Copies the part of a chunk that lies within the dataset, row by row of the last axis.
fn put(chunk: &[u8], sides: &[usize], place: &[usize], dims: &[usize], size: usize, out: &mut [u8]) {
    let Some(((&side, outer_sides), (&dim, outer_dims))) = sides.split_last().zip(dims.split_last()) else {
        out.iter_mut().zip(chunk).for_each(|(to, &from)| *to = from);
        return;
    };
    let (column, outer_place) = place.split_last().map_or((0, place), |(&c, p)| (c, p));
    let width = side.min(dim.saturating_sub(column)) * size;
    for (row, bytes) in chunk.chunks_exact(side * size).enumerate() {
        let (mut rest, mut start, mut stride, mut inside) = (row, 0, 1, true);
        for ((&s, &d), &p) in outer_sides.iter().zip(outer_dims).zip(outer_place).rev() {
            let index = p + rest % s;
            rest /= s;
            inside &= index < d;
            start += index * stride;
            stride *= d;
        }
        if !inside {
            continue;
        }
        let start = (start * dim + column) * size;
        if let (Some(to), Some(from)) = (out.get_mut(start..start + width), bytes.get(..width)) {
            to.copy_from_slice(from);
        }
    }
}

/// A chunk of `length` bytes; `None` when it has another length.
fn unpacked(packed: &[u8], filters: &[u16], length: usize, size: usize) -> Option<Vec<u8>> {
    let checksum = if filters.contains(&FLETCHER32) { CHECKSUM } else { 0 };
    // Where a checksum was added to what is compressed, it has to be unpacked with it.
    let inner = filters.iter().position(|&f| f == FLETCHER32) < filters.iter().position(|&f| f == DEFLATE);
    let mut bytes = if filters.contains(&DEFLATE) {
        let packed = if inner { packed } else { packed.get(..packed.len().checked_sub(checksum)?)? };
        let mut bytes = vec![0; length + if inner { checksum } else { 0 }];
        let mut decoder = ZlibDecoder::new(packed);
        decoder.read_exact(&mut bytes).ok()?;
        // Nothing may be left.
        (decoder.read(&mut [0]).ok()? == 0).then_some(bytes)?
    } else {
        (packed.len() == length + checksum).then(|| packed.to_vec())?
    };
    bytes.truncate(length);
    if !filters.contains(&SHUFFLE) || size <= 1 {
        return Some(bytes);
    }
    // First bytes of all elements, then second bytes.
    let count = length / size;
    let mut out = vec![0; length];
    for (i, plane) in bytes.chunks_exact(count).enumerate() {
        plane.iter().zip(out.iter_mut().skip(i).step_by(size)).for_each(|(&from, to)| *to = from);
    }
    Some(out)
}
