//! What a file holds once it is taken apart: values, and objects that values refer to by number.

use crate::import::checkpoint::elements::Elements;

/// A value of Lua.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Nil,
    Number(f64),
    Boolean(bool),
    String(&'a [u8]),
    /// An entry of [`Objects`].
    Object(usize),
}

/// What several values may refer to.
#[derive(Debug)]
pub(super) enum Object<'a> {
    /// Being read: what refers to it from inside is a circle.
    Pending,
    /// Keys and values in the order of the file.
    Table(Vec<(Value<'a>, Value<'a>)>),
    /// An object of a class: its fields are a table.
    Instance {
        class: &'a str,
        fields: Value<'a>,
    },
    Tensor(Strided<'a>),
    Storage {
        elements: Elements,
        bytes: &'a [u8],
    },
    /// A Lua function, skipped.
    Function,
}

/// A view of a storage.
#[derive(Debug)]
pub(super) struct Strided<'a> {
    pub(super) sizes: Vec<i64>,
    /// In elements.
    pub(super) strides: Vec<i64>,
    /// The first element, counted from 1.
    pub(super) offset: i64,
    pub(super) storage: Value<'a>,
}

/// All objects of a file.
#[derive(Debug, Default)]
pub(super) struct Objects<'a>(Vec<Object<'a>>);

impl<'a> Objects<'a> {
    /// Room for an object that is about to be read.
    pub(super) fn reserve(&mut self) -> usize {
        self.0.push(Object::Pending);
        self.0.len() - 1
    }

    /// Puts an object into its room.
    pub(super) fn set(&mut self, index: usize, object: Object<'a>) {
        if let Some(room) = self.0.get_mut(index) {
            *room = object;
        }
    }

    /// What a value refers to.
    pub(super) fn get(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(index) => self.0.get(index),
            _ => None,
        }
    }

    /// The entries of a table, or of the fields of an instance.
    pub(super) fn entries(&self, value: Value<'a>) -> &[(Value<'a>, Value<'a>)] {
        match self.get(value) {
            Some(Object::Table(entries)) => entries,
            Some(Object::Instance { fields, .. }) => match self.get(*fields) {
                Some(Object::Table(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The entry of a table or an instance under this name; nil when there is none.
    pub(super) fn field(&self, value: Value<'a>, name: &str) -> Value<'a> {
        let found = self.entries(value).iter().find(|(key, _)| *key == Value::String(name.as_bytes()));
        found.map_or(Value::Nil, |&(_, value)| value)
    }

    /// A whole number under this name.
    pub(super) fn integer(&self, value: Value<'a>, name: &str) -> Option<i64> {
        match self.field(value, name) {
            Value::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => Some(n as i64),
            _ => None,
        }
    }

    /// The elements of a list, in the order of their numbers.
    pub(super) fn list(&self, value: Value<'a>) -> Vec<Value<'a>> {
        let numbered = |(key, value): &(Value<'a>, Value<'a>)| match key {
            Value::Number(n) => Some((*n, *value)),
            _ => None,
        };
        let mut list: Vec<_> = self.entries(value).iter().filter_map(numbered).collect();
        list.sort_by(|a, b| a.0.total_cmp(&b.0));
        list.into_iter().map(|(_, value)| value).collect()
    }

    /// The class of an instance.
    pub(super) fn class(&self, value: Value<'a>) -> Option<&'a str> {
        match self.get(value) {
            Some(Object::Instance { class, .. }) => Some(class),
            _ => None,
        }
    }
}
