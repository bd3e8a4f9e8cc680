//! The machine that pickles are programs for, without the instruction to call what is not in [`super::globals`].
//!
//! Text stays in the file, containers lie in a heap and are never copied, and nothing here is recursive: what a program can make is bounded
//! by its own length, and booked instruction by instruction.

use std::collections::HashMap;

use super::globals::{Global, call, persistent};
use super::heap::{Heap, Object, Value};
use super::{opcodes as op, refused, short};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;

/// Bytes that an instruction takes, at most: a place on the stack, one in the memo, one in a container and an object, in vectors that double
/// when they are full and are copied then.
const COST: u64 = 384;

/// What a pickle made.
pub(super) struct Loaded<'a> {
    pub(super) root: Value<'a>,
    pub(super) heap: Heap<'a>,
    /// Where the pickle ends in the file.
    pub(super) end: usize,
}

/// Interprets the pickle that begins at `start`.
///
/// # Errors
/// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], and [`crate::error::Error::Unsupported`] for what has no meaning here.
pub(super) fn load<'a>(file: &str, bytes: &'a [u8], start: usize, budget: &mut Budget) -> Result<Loaded<'a>> {
    let mut machine =
        Machine { file, bytes, at: start, budget, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), heap: Heap::default() };
    loop {
        machine.budget.reserve(file, COST)?;
        let opcode = machine.byte()?;
        if opcode == op::STOP {
            let root = machine.pop()?;
            return Ok(Loaded { root, heap: machine.heap, end: machine.at });
        }
        machine.step(opcode)?;
    }
}

struct Machine<'a, 'b> {
    file: &'b str,
    bytes: &'a [u8],
    at: usize,
    budget: &'b mut Budget,
    stack: Vec<Value<'a>>,
    /// Heights of the stack where something begins whose end is not there yet.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    heap: Heap<'a>,
}

impl<'a> Machine<'a, '_> {
    fn step(&mut self, opcode: u8) -> Result<()> {
        if let Some(value) = self.atom(opcode)? {
            self.stack.push(value);
            return Ok(());
        }
        match opcode {
            op::PROTO => {
                let version = self.byte()?;
                if !(2..=5).contains(&version) {
                    return Err(refused(self.file, &format!("is a pickle of protocol {version}; 2 to 5 are supported")));
                }
            }
            // Frames only help to read ahead.
            op::FRAME => drop(self.length(8)?),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            op::POP => drop(self.pop()?),
            op::POP_MARK => drop(self.since_mark()?),
            op::DUP => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }
            op::APPEND | op::APPENDS | op::ADDITEMS | op::SETITEM | op::SETITEMS => self.fill(opcode)?,
            op::BINPUT => {
                let place = self.byte()?;
                self.memoize(place.into())?;
            }
            op::LONG_BINPUT => {
                let place = u32::from_le_bytes(self.array()?);
                self.memoize(place)?;
            }
            op::MEMOIZE => self.memoize(u32::try_from(self.memo.len()).unwrap_or(u32::MAX))?,
            op::BUILD => {
                let state = self.pop()?;
                self.build(state)?;
            }
            _ => {
                let value = self.object(opcode)?;
                self.stack.push(value);
            }
        }
        Ok(())
    }

    /// The value of an instruction that only says what it is.
    fn atom(&mut self, opcode: u8) -> Result<Option<Value<'a>>> {
        Ok(Some(match opcode {
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BININT => Value::Int(i32::from_le_bytes(self.array()?).into()),
            op::BININT1 => Value::Int(self.byte()?.into()),
            op::BININT2 => Value::Int(u16::from_le_bytes(self.array()?).into()),
            op::LONG1 => self.sized(1).map(long)?,
            op::LONG4 => self.sized(4).map(long)?,
            op::BINFLOAT => {
                self.take(8)?;
                Value::Opaque
            }
            // Python 2 wrote names as bytes, in any encoding.
            op::SHORT_BINSTRING => self.sized(1).map(text_or_bytes)?,
            op::BINSTRING => self.sized(4).map(text_or_bytes)?,
            op::SHORT_BINUNICODE => self.text(1)?,
            op::BINUNICODE => self.text(4)?,
            op::BINUNICODE8 => self.text(8)?,
            op::SHORT_BINBYTES => self.sized(1).map(|_| Value::Opaque)?,
            op::BINBYTES => self.sized(4).map(|_| Value::Opaque)?,
            op::BINBYTES8 | op::BYTEARRAY8 => self.sized(8).map(|_| Value::Opaque)?,
            op::EMPTY_SET => Value::Opaque,
            op::BINGET => {
                let place = self.byte()?;
                self.recall(place.into())?
            }
            op::LONG_BINGET => {
                let place = u32::from_le_bytes(self.array()?);
                self.recall(place)?
            }
            _ => return Ok(None),
        }))
    }

    /// The value of an instruction that makes something of what lies on the stack.
    fn object(&mut self, opcode: u8) -> Result<Value<'a>> {
        Ok(match opcode {
            op::EMPTY_LIST => self.heap.add(Object::List(Vec::new())),
            op::LIST => {
                let parts = self.since_mark()?;
                self.heap.add(Object::List(parts))
            }
            op::EMPTY_TUPLE => self.heap.add(Object::Tuple(Vec::new())),
            op::TUPLE => {
                let parts = self.since_mark()?;
                self.heap.add(Object::Tuple(parts))
            }
            op::TUPLE1 => self.tuple(1)?,
            op::TUPLE2 => self.tuple(2)?,
            op::TUPLE3 => self.tuple(3)?,
            op::EMPTY_DICT => self.heap.add(Object::Dict(Vec::new())),
            op::DICT => {
                let parts = self.since_mark()?;
                let items = self.pairs(&parts)?;
                self.heap.add(Object::Dict(items))
            }
            op::FROZENSET => {
                self.since_mark()?;
                Value::Opaque
            }
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Global(Global::find(self.file, module, name)?)
            }
            op::STACK_GLOBAL => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Global(Global::find(self.file, module, name)?),
                _ => return Err(damaged(self.file, "asks for a class whose name is no text")),
            },
            op::REDUCE | op::NEWOBJ => {
                let (args, callee) = (self.pop()?, self.pop()?);
                call(self.file, &mut self.heap, self.budget, callee, args)?
            }
            op::BINPERSID => {
                let id = self.pop()?;
                persistent(self.file, &mut self.heap, id)?
            }
            op::INST => {
                let (module, name) = (self.line()?, self.line()?);
                return Err(refused(self.file, &format!("makes an object of the class `{}.{}`", short(module), short(name))));
            }
            op::OBJ | op::NEWOBJ_EX => return Err(refused(self.file, "makes an object of a class of its own")),
            _ => {
                let place = self.at.saturating_sub(1);
                return Err(refused(
                    self.file,
                    &format!("has the byte 0x{opcode:02x} where an instruction of a pickle is expected (byte {place})"),
                ));
            }
        })
    }

    /// Puts what lies on top of the stack into the container below it.
    fn fill(&mut self, opcode: u8) -> Result<()> {
        let parts = match opcode {
            op::APPEND => vec![self.pop()?],
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.since_mark()?,
        };
        let keyed = matches!(opcode, op::SETITEM | op::SETITEMS);
        let items = if keyed { self.pairs(&parts)? } else { Vec::new() };
        let target = self.top()?;
        match self.heap.get_mut(target) {
            Some(Object::Dict(dict)) if keyed => dict.extend(items),
            Some(Object::List(list)) if !keyed => list.extend(parts),
            None if matches!(target, Value::Opaque) => {}
            _ => return Err(damaged(self.file, "fills something that is no container")),
        }
        Ok(())
    }

    /// Attributes of an object: those of a state dict say which version of a layer wrote it, those of a parameter what training needs.
    fn build(&mut self, state: Value<'a>) -> Result<()> {
        let target = self.top()?;
        match (self.heap.get(target), target) {
            (Some(Object::Dict(_) | Object::Tensor(_)), _) | (None, Value::Opaque) if !matches!(state, Value::Global(_)) => Ok(()),
            _ => Err(refused(self.file, "sets the state of an object that has none")),
        }
    }

    fn pairs(&self, parts: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>> {
        let (pairs, rest) = parts.as_chunks::<2>();
        if rest.is_empty() {
            Ok(pairs.iter().map(|&[k, v]| (k, v)).collect())
        } else {
            Err(damaged(self.file, "has a key without a value"))
        }
    }

    fn tuple(&mut self, parts: usize) -> Result<Value<'a>> {
        let from = self.stack.len().checked_sub(parts).filter(|&from| from >= self.floor()).ok_or_else(|| self.underflow())?;
        let parts = self.stack.split_off(from);
        Ok(self.heap.add(Object::Tuple(parts)))
    }

    /// The height of the stack that the innermost mark protects.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn underflow(&self) -> crate::error::Error {
        damaged(self.file, &format!("takes more from the stack of its pickle than there is (byte {})", self.at))
    }

    fn top(&self) -> Result<Value<'a>> {
        self.stack.last().copied().filter(|_| self.stack.len() > self.floor()).ok_or_else(|| self.underflow())
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn since_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(|| self.underflow())?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn memoize(&mut self, place: u32) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&self, place: u32) -> Result<Value<'a>> {
        self.memo
            .get(&place)
            .copied()
            .ok_or_else(|| damaged(self.file, &format!("refers to the object {place}, which its pickle has not made")))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(bytes);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| damaged(self.file, &format!("ends in the middle of its pickle (byte {})", self.bytes.len())))?;
        self.at += bytes;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A length of 1, 4 or 8 bytes. One that memory does not have is one that the file does not have.
    fn length(&mut self, bytes: usize) -> Result<usize> {
        let mut wide = [0; 8];
        for (to, from) in wide.iter_mut().zip(self.take(bytes)?) {
            *to = *from;
        }
        Ok(usize::try_from(u64::from_le_bytes(wide)).unwrap_or(usize::MAX))
    }

    /// Bytes after their length.
    fn sized(&mut self, length: usize) -> Result<&'a [u8]> {
        let length = self.length(length)?;
        self.take(length)
    }

    fn text(&mut self, length: usize) -> Result<Value<'a>> {
        let bytes = self.sized(length)?;
        std::str::from_utf8(bytes).map(Value::Text).map_err(|_| damaged(self.file, &format!("has text that is none (byte {})", self.at)))
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Names of classes are short; without this bound a long file without an end of line would be searched again and again.
        const MOST: usize = 1000;
        let Some(length) = rest.iter().take(MOST).position(|&b| b == b'\n') else {
            return Err(damaged(self.file, &format!("asks for a class whose name does not end (byte {})", self.at)));
        };
        let line = self.take(length)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|_| damaged(self.file, &format!("asks for a class whose name is no text (byte {})", self.at)))
    }
}

/// A whole number of any length, two's complement.
fn long(bytes: &[u8]) -> Value<'_> {
    if bytes.len() > 8 {
        return Value::Long(bytes);
    }
    let sign = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
    let mut wide = [sign; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    Value::Int(i64::from_le_bytes(wide))
}

fn text_or_bytes(bytes: &[u8]) -> Value<'_> {
    std::str::from_utf8(bytes).map_or(Value::Opaque, Value::Text)
}

#[cfg(test)]
#[path = "pickle_tests.rs"]
mod tests;
