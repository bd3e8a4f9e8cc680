//! Scans: what a file says of the coefficients of one or more components, at once or bit by bit.

use super::Tables;
use super::bits::{Bits, Huffman};
use super::frame::Frame;

/// What a scan is about.
struct Scan<'a> {
    /// First and last coefficient, in zigzag order.
    first: usize,
    last: usize,
    /// Whether these bits refine what came before.
    refines: bool,
    /// The place of the lowest bit.
    low: u32,
    parts: Vec<Part<'a>>,
}

/// A component of a scan.
struct Part<'a> {
    component: usize,
    dc: Option<&'a Huffman>,
    ac: Option<&'a Huffman>,
    /// The last zeroth coefficient.
    before: i32,
}

/// Reads the scan with the header `body`, whose data begin at `at`, and says where they end.
pub(super) fn read(frame: &mut Frame, tables: &Tables, body: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    let (&count, rest) = body.split_first()?;
    let count = usize::from(count);
    let (named, tail) = (rest.get(..2 * count)?, rest.get(2 * count..)?);
    let &[first, last, bit] = tail else { return None };
    let mut parts = Vec::with_capacity(count);
    for pair in named.chunks_exact(2) {
        let component = frame.find(pair[0])?;
        let part = &mut frame.components[component];
        if part.steps.is_none() {
            part.steps = *tables.steps.get(part.table)?;
        }
        let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
        parts.push(Part { component, dc: tables.dc.get(dc)?.as_ref(), ac: tables.ac.get(ac)?.as_ref(), before: 0 });
    }
    let mut scan = Scan { first: first.into(), last: last.into(), refines: bit >> 4 != 0, low: u32::from(bit & 15), parts };
    if !frame.progressive {
        (scan.first, scan.last, scan.refines, scan.low) = (0, 63, false, 0);
    }
    let sane = scan.first <= scan.last && scan.last < 64 && scan.low < 14 && matches!(count, 1..=3);
    (sane && (!frame.progressive || (scan.first == 0) == (scan.last == 0)) && (scan.first == 0 || count == 1)).then_some(())?;
    let mut bits = Bits::new(bytes, at);
    scan.units(frame, tables.restart, &mut bits)?;
    bits.end()
}

impl Scan<'_> {
    /// All units: blocks of a component alone, or the blocks of all components that share a place.
    fn units(&mut self, frame: &mut Frame, restart: usize, bits: &mut Bits<'_>) -> Option<()> {
        let alone = self.parts.len() == 1;
        let grid = match self.parts.as_slice() {
            [only] => frame.components[only.component].size.map(|n| n.div_ceil(8)),
            _ => frame.units,
        };
        // Blocks that have nothing to come.
        let mut empty = 0;
        for unit in 0..grid[0] * grid[1] {
            if restart > 0 && unit > 0 && unit % restart == 0 {
                bits.restart()?;
                empty = 0;
                self.parts.iter_mut().for_each(|p| p.before = 0);
            }
            let place = [unit % grid[0], unit / grid[0]];
            for i in 0..self.parts.len() {
                let component = &mut frame.components[self.parts[i].component];
                let [across, down] = if alone { [1, 1] } else { component.sampling };
                for y in 0..down {
                    for x in 0..across {
                        let block = component.block(place[0] * across + x, place[1] * down + y)?;
                        self.block(i, block, &mut empty, frame.progressive, bits)?;
                    }
                }
            }
        }
        Some(())
    }

    fn block(&mut self, i: usize, block: &mut [i16; 64], empty: &mut u32, progressive: bool, bits: &mut Bits<'_>) -> Option<()> {
        if self.first == 0 {
            self.zeroth(i, block, bits)?;
        }
        match (progressive, self.refines) {
            (false, _) => sequential(self.parts[i].ac?, block, bits),
            (true, _) if self.first == 0 => Some(()),
            (true, false) => self.new_bits(self.parts[i].ac?, block, empty, bits),
            (true, true) => self.more_bits(self.parts[i].ac?, block, empty, bits),
        }
    }

    fn zeroth(&mut self, i: usize, block: &mut [i16; 64], bits: &mut Bits<'_>) -> Option<()> {
        if self.refines {
            block[0] |= (bits.take(1)? << self.low) as i16;
            return Some(());
        }
        let part = self.parts.get_mut(i)?;
        let length = bits.symbol(part.dc?)?;
        (length <= 15).then_some(())?;
        part.before = part.before.wrapping_add(bits.number(length.into())?);
        block[0] = part.before.wrapping_shl(self.low) as i16;
        Some(())
    }

    /// The first bits of coefficients.
    fn new_bits(&self, ac: &Huffman, block: &mut [i16; 64], empty: &mut u32, bits: &mut Bits<'_>) -> Option<()> {
        if *empty > 0 {
            *empty -= 1;
            return Some(());
        }
        let mut k = self.first;
        while k <= self.last {
            let symbol = bits.symbol(ac)?;
            let (run, length) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if length > 0 {
                k += run;
                *block.get_mut(k).filter(|_| k <= self.last)? = (bits.number(length)? << self.low) as i16;
                k += 1;
            } else if run == 15 {
                k += 16;
            } else {
                *empty = (1 << run) + bits.take(run as u32)? as u32 - 1;
                break;
            }
        }
        Some(())
    }

    /// One more bit of coefficients that are not zero, and some that were.
    fn more_bits(&self, ac: &Huffman, block: &mut [i16; 64], empty: &mut u32, bits: &mut Bits<'_>) -> Option<()> {
        let bit = 1i16 << self.low;
        let mut k = self.first;
        if *empty == 0 {
            while k <= self.last {
                let symbol = bits.symbol(ac)?;
                let (mut run, length) = (u32::from(symbol >> 4), symbol & 15);
                if length == 0 && run < 15 {
                    *empty = (1 << run) + bits.take(run)? as u32;
                    break;
                }
                let new = match length {
                    0 => 0,
                    _ if bits.take(1)? == 1 => bit,
                    _ => -bit,
                };
                while k <= self.last {
                    if block[k] != 0 {
                        refine(&mut block[k], bit, bits)?;
                    } else if run == 0 {
                        break;
                    } else {
                        run -= 1;
                    }
                    k += 1;
                }
                if new != 0 && k <= self.last {
                    block[k] = new;
                }
                k += 1;
            }
        }
        if *empty > 0 {
            for coefficient in block.get_mut(k..=self.last).into_iter().flatten().filter(|c| **c != 0) {
                refine(coefficient, bit, bits)?;
            }
            *empty -= 1;
        }
        Some(())
    }
}

fn refine(coefficient: &mut i16, bit: i16, bits: &mut Bits<'_>) -> Option<()> {
    if bits.take(1)? == 1 && *coefficient & bit == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient > 0 { bit } else { -bit });
    }
    Some(())
}

/// All coefficients but the zeroth.
fn sequential(ac: &Huffman, block: &mut [i16; 64], bits: &mut Bits<'_>) -> Option<()> {
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(ac)?;
        let (run, length) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if length > 0 {
            k += run;
            *block.get_mut(k)? = bits.number(length)? as i16;
            k += 1;
        } else if run == 15 {
            k += 16;
        } else {
            break;
        }
    }
    Some(())
}
