//! Colour JPEGs to the very pixels that libjpeg makes of them.
//!
//! Decoders may round differently (ITU T.83 allows it), and most do, by a grey level here and there. Detectors that decide in stages, and
//! embeddings that are to be compared with other programs', notice. So what photographs are made of is decoded here with libjpeg's integer
//! arithmetic: 8 bits, Huffman coded, sequential or progressive, YCbCr with chroma of full or half size. Anything else, and anything
//! damaged, is left to other decoders.

mod bits;
mod frame;
mod idct;
mod pixels;
mod scan;

use bits::Huffman;
use frame::Frame;

/// What tables the markers of a file have defined so far.
#[derive(Default)]
struct Tables {
    /// Steps of quantisation in zigzag order.
    steps: [Option<[u16; 64]>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    /// Units between restart markers; 0 = none.
    restart: usize,
}

/// Width, height and RGB bytes, or `None` for a file that this decoder leaves to others. `most` bounds the memory it takes.
pub(super) fn decode(bytes: &[u8], most: usize) -> Option<(u32, u32, Vec<u8>)> {
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    let mut at = 2;
    bytes.starts_with(&[0xFF, 0xD8]).then_some(())?;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        at += 1;
        if marker == 0xFF {
            continue;
        }
        at += 1;
        if marker == 0xD9 {
            return pixels::of(&frame?);
        }
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let body = bytes.get(at + 2..at.checked_add(length)?)?;
        at += length;
        match marker {
            0xC0..=0xC2 if frame.is_none() => frame = Some(Frame::read(body, marker == 0xC2, most)?),
            0xC4 => tables.huffman(body)?,
            0xDB => tables.quantisation(body)?,
            0xDD => tables.restart = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?])),
            0xDA => at = scan::read(frame.as_mut()?, &tables, body, bytes, at)?,
            // Adobe's marker with transform 0: RGB, not YCbCr.
            0xEE if body.starts_with(b"Adobe") && body.get(11) == Some(&0) => return None,
            0xE0..=0xEF | 0xFE => {}
            _ => return None,
        }
    }
}

impl Tables {
    fn quantisation(&mut self, mut body: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = body {
            let wide = head >> 4;
            let bytes = if wide == 0 { 64 } else { 128 };
            let table = rest.get(..bytes)?;
            let step = |i: usize| if wide == 0 { u16::from(table[i]) } else { u16::from_be_bytes([table[2 * i], table[2 * i + 1]]) };
            *self.steps.get_mut(usize::from(head & 15))? = Some(std::array::from_fn(step));
            body = &rest[bytes..];
        }
        Some(())
    }

    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = body {
            let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            let symbols = counts.iter().map(|&c| usize::from(c)).sum::<usize>();
            let table = Huffman::new(&counts, rest.get(16..16 + symbols)?)?;
            let kind = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *kind.get_mut(usize::from(head & 15))? = Some(table);
            body = &rest[16 + symbols..];
        }
        Some(())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
