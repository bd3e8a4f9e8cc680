//! Protobuf messages, walked in place: parts are slices of the file, so that reading a message takes no memory and goes no deeper than asked.

/// What a field holds. Packed numbers are a part; single ones of four or eight bytes are the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(u64),
    Four(&'a [u8]),
    Eight(&'a [u8]),
    Part(&'a [u8]),
}

/// Why the walk ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The bytes end inside of a field.
    Cut,
    /// They are no fields.
    Broken(&'static str),
}

/// The fields of a message: their numbers and values, in the order of the file. Ends after the first flaw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Flaw> {
        let key = varint(&mut self.rest)?;
        let number = key >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(Flaw::Broken("a field has a number that does not exist"));
        }
        let value = match key & 7 {
            0 => Value::Number(varint(&mut self.rest)?),
            1 => Value::Eight(self.take(8)?),
            2 => {
                let length = varint(&mut self.rest)?;
                Value::Part(self.take(length)?)
            }
            5 => Value::Four(self.take(4)?),
            _ => return Err(Flaw::Broken("a field is of a kind that does not exist")),
        };
        Ok((number, value))
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], Flaw> {
        let (part, rest) = usize::try_from(bytes).ok().and_then(|n| self.rest.split_at_checked(n)).ok_or(Flaw::Cut)?;
        self.rest = rest;
        Ok(part)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes a number of seven bits a byte from the front.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, Flaw> {
    let mut value = 0;
    for i in 0..10 {
        let (&byte, rest) = bytes.split_first().ok_or(Flaw::Cut)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Flaw::Broken("a number is longer than ten bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends_at_the_first_flaw() {
        let walk = |bytes: &[u8]| Fields::new(bytes).map(|f| f.map(|(number, _)| number)).collect::<Vec<_>>();
        assert_eq!(walk(b"\x08\x96\x01\x12\x02ab\x1d\x00\x00\x80\x3f\x21\x00\x00\x00\x00\x00\x00\x00\x00"), [Ok(1), Ok(2), Ok(3), Ok(4)]);
        assert_eq!(walk(b"\x08\x01\x12\x03ab"), [Ok(1), Err(Flaw::Cut)]);
        assert_eq!(walk(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), [Err(Flaw::Cut)]);
        assert!(matches!(walk(b"\x00\x00")[..], [Err(Flaw::Broken(_))]));
        assert!(matches!(walk(b"\x0b")[..], [Err(Flaw::Broken(_))]));
        assert!(matches!(walk(&[0xff; 20])[..], [Err(Flaw::Broken(_))]));
    }
}
