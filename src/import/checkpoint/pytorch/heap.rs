//! What a pickle can be made of here.

use crate::import::checkpoint::elements::Elements;

use super::globals::Global;

/// A value. Text is that of the file, containers lie in a [`Heap`], so that a copy costs nothing and shared ones stay shared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number of more than 64 bits, little-endian.
    Long(&'a [u8]),
    Text(&'a str),
    Global(Global),
    Object(usize),
    /// Something without tensors whose content does not matter: a float, bytes, a set, a number of NumPy.
    Opaque,
}

/// What has parts.
#[derive(Debug)]
pub(super) enum Object<'a> {
    List(Vec<Value<'a>>),
    Tuple(Vec<Value<'a>>),
    /// Keys and values in the order of the file.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Storage(Storage<'a>),
    Tensor(View<'a>),
}

/// Numbers that tensors look into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage<'a> {
    /// Its name in the file.
    pub(super) key: &'a str,
    /// What its numbers are; `None` = bytes.
    pub(super) elements: Option<Elements>,
    /// How many there are.
    pub(super) count: usize,
    /// First element and number of elements of the part that is meant, where it is a part.
    pub(super) part: Option<(usize, usize)>,
}

impl Storage<'_> {
    /// Bytes of one element.
    pub(super) fn element_bytes(&self) -> usize {
        self.elements.map_or(1, Elements::bytes)
    }
}

/// A tensor: numbers of a storage, addressed by strides in elements.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) elements: Elements,
    /// In elements.
    pub(super) offset: i64,
    pub(super) dims: Vec<i64>,
    /// In elements.
    pub(super) strides: Vec<i64>,
}

/// All objects of a pickle.
#[derive(Debug, Default)]
pub(super) struct Heap<'a>(Vec<Object<'a>>);

impl<'a> Heap<'a> {
    /// Keeps an object.
    pub(super) fn add(&mut self, object: Object<'a>) -> Value<'a> {
        self.0.push(object);
        Value::Object(self.0.len() - 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Object<'a>> {
        self.0.iter()
    }

    pub(super) fn get(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(i) => self.0.get(i),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, value: Value<'a>) -> Option<&mut Object<'a>> {
        match value {
            Value::Object(i) => self.0.get_mut(i),
            _ => None,
        }
    }

    /// The parts of a tuple.
    pub(super) fn tuple(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.get(value)? {
            Object::Tuple(parts) => Some(parts),
            _ => None,
        }
    }

    /// The parts of a tuple or list.
    pub(super) fn sequence(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.get(value)? {
            Object::Tuple(parts) | Object::List(parts) => Some(parts),
            _ => None,
        }
    }

    /// Keys and values of a mapping.
    pub(super) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self.get(value)? {
            Object::Dict(items) => Some(items),
            _ => None,
        }
    }
}
