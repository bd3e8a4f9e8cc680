//! dlib's serialisation: where in the file the reader is, and the values that follow.

use crate::error::{Error, Result};
use crate::import::checkpoint::elements::damaged;

/// What is left of a file.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, bytes: &'a [u8]) -> Self {
        Self { file, rest: bytes }
    }

    /// Bytes left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        damaged(self.file, what)
    }

    fn take(&mut self, bytes: usize, what: &str) -> Result<&'a [u8]> {
        let (part, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.damaged(&format!("ends in the middle of {what}")))?;
        self.rest = rest;
        Ok(part)
    }

    /// A whole number: a byte with its sign (bit 7) and length (bits 0 to 3), then its absolute value, lowest byte first.
    pub(super) fn integer(&mut self, what: &str) -> Result<i64> {
        let [head] = *self.take(1, what)? else { return Ok(0) };
        let length = usize::from(head & 0x7f);
        if !(1..=8).contains(&length) {
            return Err(self.damaged(&format!("gives {length} bytes to a whole number ({what})")));
        }
        let stored = self.take(length, what)?;
        let value = stored.iter().rev().fold(0u64, |n, &byte| n << 8 | u64::from(byte));
        let value =
            i64::try_from(value).map_err(|_| self.damaged(&format!("holds the number {value} ({what}), which is beyond 63 bits")))?;
        Ok(if head & 0x80 == 0 { value } else { -value })
    }

    /// A whole number that has to be this one.
    pub(super) fn expect(&mut self, value: i64, what: &str) -> Result<()> {
        match self.integer(what)? {
            found if found == value => Ok(()),
            found => Err(Error::Unsupported(format!(
                "The checkpoint `{}` has the number {found} for {what}, but only {value} is supported. \
                 It was written by another version of dlib, or is another network.",
                self.file
            ))),
        }
    }

    /// A number with a fraction, as two whole ones: `mantissa * 2^exponent`.
    pub(super) fn float(&mut self, what: &str) -> Result<()> {
        self.integer(what)?;
        // From 32000 on, exponents stand for infinities and what is no number.
        match self.integer(what)? {
            -2000..=2000 => Ok(()),
            exponent => Err(self.damaged(&format!("holds a number ({what}) that is not finite: its exponent is {exponent}"))),
        }
    }

    /// A truth value: the digit 0 or 1.
    pub(super) fn truth(&mut self, what: &str) -> Result<()> {
        match self.take(1, what)? {
            b"0" | b"1" => Ok(()),
            other => Err(self.damaged(&format!("holds {other:?} for {what}, which is neither 0 nor 1"))),
        }
    }

    /// A name: its length, then its letters.
    pub(super) fn tag(&mut self, what: &str) -> Result<&'a str> {
        let length = self.integer(what)?;
        let length = usize::try_from(length).ok().filter(|&n| n <= 64);
        let length = length.ok_or_else(|| self.damaged(&format!("has a name of impossible length for {what}")))?;
        let text = std::str::from_utf8(self.take(length, what)?).ok().filter(|t| t.bytes().all(|b| b.is_ascii_graphic()));
        text.ok_or_else(|| self.damaged(&format!("has a name that is no text for {what}")))
    }

    /// A tensor: its version, four sizes, and little-endian f32. Returns the sizes and the bytes.
    pub(super) fn tensor(&mut self, what: &str) -> Result<([i64; 4], &'a [u8])> {
        self.expect(2, "the version of a tensor")?;
        let dims = self.sizes(what)?;
        let bytes = dims.iter().try_fold(4usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
        let bytes = bytes.filter(|&n| n <= self.rest.len()).ok_or_else(|| {
            let [a, b, c, d] = dims;
            self.damaged(&format!("claims {a}x{b}x{c}x{d} numbers for {what}, of which {} bytes are there", self.rest.len()))
        })?;
        Ok((dims, self.take(bytes, what)?))
    }

    /// The sizes of a part of a tensor (`alias_tensor`).
    pub(super) fn part(&mut self, what: &str) -> Result<[i64; 4]> {
        self.expect(1, "the version of a part of a tensor")?;
        self.sizes(what)
    }

    fn sizes(&mut self, what: &str) -> Result<[i64; 4]> {
        let mut dims = [0; 4];
        for d in &mut dims {
            *d = self.integer(what)?;
            if *d < 0 {
                return Err(self.damaged(&format!("has the negative size {d} for {what}")));
            }
        }
        Ok(dims)
    }
}
