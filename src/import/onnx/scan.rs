//! A walk over the protobuf structure before anything is decoded.
//!
//! Two things that a decoder does not do: it says *where* a file ends too early, and it adds up what decoding would allocate
//! (an empty node is two bytes in the file and hundreds in memory), so that the limits hold before the memory is taken.

use prost::bytes::Bytes;

use super::sniff::Damage;
use super::wire;
use crate::error::{Error, Result};
use crate::import::limits::{Budget, Limits};

/// The messages that [`super::wire`] decodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Opset,
    Function,
    Graph,
    Node,
    Attribute,
    Tensor,
    Entry,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
}

impl Kind {
    fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 8) => Self::Opset,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Function, 9) => Self::Opset,
            (Self::Function, 11) => Self::Attribute,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::Tensor, 13) => Self::Entry,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Dimension,
            _ => return None,
        })
    }

    /// Which field names the message, for reports.
    fn name_field(self) -> Option<u64> {
        match self {
            Self::Node => Some(3),
            Self::Tensor => Some(8),
            Self::Attribute | Self::ValueInfo | Self::Function => Some(1),
            _ => None,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Model => "the header",
            Self::Opset => "the list of operator sets",
            Self::Function => "a function",
            Self::Graph => "the graph",
            Self::Node => "a node",
            Self::Attribute => "an attribute",
            Self::Tensor => "a tensor",
            Self::Entry => "the place of external data",
            _ => "the description of an input or output",
        }
    }

    /// Memory of one message when it is decoded and imported, beyond its fields, at most.
    fn bytes(self) -> u64 {
        let (message, imported) = match self {
            Self::Model => (size_of::<wire::ModelProto>(), 0),
            Self::Opset => (size_of::<wire::OperatorSetIdProto>(), 0),
            Self::Function => (size_of::<wire::FunctionProto>(), 0),
            Self::Graph => (size_of::<wire::GraphProto>(), 0),
            // The node of the graph and its canonical copy, and its line in the text that is hashed.
            Self::Node => (size_of::<wire::NodeProto>(), 1536),
            Self::Attribute => (size_of::<wire::AttributeProto>(), 0),
            Self::Tensor => (size_of::<wire::TensorProto>(), 512),
            Self::Entry => (size_of::<wire::StringStringEntryProto>(), 0),
            Self::ValueInfo => (size_of::<wire::ValueInfoProto>(), 512),
            Self::Type => (size_of::<wire::TypeProto>(), 0),
            Self::TensorType => (size_of::<wire::TensorTypeProto>(), 0),
            Self::Shape => (size_of::<wire::TensorShapeProto>(), 0),
            Self::Dimension => (size_of::<wire::DimensionProto>(), 0),
        };
        message as u64 * VECTOR + imported
    }

    /// Memory of a length-delimited leaf: in all, and per byte of it.
    fn leaf(self, field: u64) -> (u64, u64) {
        let (fixed, growth) = match (self, field) {
            // Packed numbers grow from one byte to eight.
            (Self::Tensor, 1 | 7 | 11) | (Self::Attribute, 8) => (0, 8 * VECTOR),
            (Self::Tensor, 5) => (0, 4 * VECTOR),
            (Self::Tensor, 4 | 10) | (Self::Attribute, 7) => (0, VECTOR),
            // Shared with the file.
            (Self::Tensor, 9) | (Self::Attribute, 4) => (0, 0),
            // Names of values are kept in several tables, by name and by number.
            (Self::Node, RESULT) | (Self::Tensor, 8) | (Self::ValueInfo, 1) => (512, 12),
            (Self::Node, _) => (64, 8),
            _ => (0, 1),
        };
        (fixed + size_of::<Bytes>() as u64 * VECTOR, growth)
    }
}

/// Memory of a node made here: of itself, and of names of `names` bytes in all.
pub(super) fn node_bytes(names: usize) -> u64 {
    let (fixed, growth) = Kind::Node.leaf(RESULT);
    (names as u64).saturating_mul(growth).saturating_add(Kind::Node.bytes() + fixed)
}

/// The field of a node's results.
const RESULT: u64 = 2;

/// A vector that grows by one has up to twice the capacity it needs, and half of that besides while it moves.
const VECTOR: u64 = 3;

/// The highest field number of `onnx.ModelProto` that is in use.
const MODEL_FIELDS: u64 = 25;

struct Scan<'a> {
    bytes: &'a [u8],
    name: &'a str,
    budget: Budget,
    nodes: usize,
    tensors: usize,
}

/// Walks `bytes`, the content of the file called `name`, and returns what is left of the budget once its messages are decoded and imported.
///
/// # Errors
/// [`Error::Model`] when the structure is damaged or ends early, [`Error::Limits`] when decoding it would take too much.
pub(super) fn scan(bytes: &[u8], name: &str, limits: &Limits) -> Result<Budget> {
    let mut scan = Scan { bytes, name, budget: Budget::new(limits), nodes: 0, tensors: 0 };
    scan.message(Kind::Model, 0, bytes.len())?;
    Ok(scan.budget)
}

impl Scan<'_> {
    /// Walks the message in `start..end`. `end` may lie behind the end of the file: then the walk finds the place where it is cut off.
    /// The depth is bounded by [`Kind::child`], which has no cycle.
    fn message(&mut self, kind: Kind, start: usize, end: usize) -> Result<()> {
        self.count(kind)?;
        let mut label = String::new();
        let mut at = start;
        while at < end {
            let field_start = at;
            let key = self.varint(&mut at, kind, &label)?;
            let (field, wire_type) = (key >> 3, key & 7);
            if field == 0 {
                return Err(self.malformed(kind, &label, field_start, "a field has the number 0"));
            }
            match wire_type {
                0 => {
                    self.varint(&mut at, kind, &label)?;
                    self.budget.reserve(self.name, 8 * VECTOR)?;
                }
                1 => self.skip(&mut at, 8, kind, &label)?,
                5 => self.skip(&mut at, 4, kind, &label)?,
                2 => {
                    let length = self.varint(&mut at, kind, &label)?;
                    let stop = usize::try_from(length).ok().and_then(|n| at.checked_add(n));
                    // At the top level a known part that is longer than the file is the mark of a truncated file; elsewhere it is damage.
                    let cut = kind == Kind::Model && field <= MODEL_FIELDS;
                    let Some(stop) = stop.filter(|&s| s <= end || cut) else {
                        return Err(self.malformed(kind, &label, field_start, "a part is longer than the part that it lies in"));
                    };
                    if kind.name_field() == Some(field) {
                        let shown = self.bytes.get(at..stop.min(at + 200)).unwrap_or_default();
                        label = String::from_utf8_lossy(shown).into_owned();
                    }
                    self.part(kind, field, at, stop, &label)?;
                    at = stop;
                }
                _ => return Err(self.malformed(kind, &label, field_start, &format!("the wire type {wire_type} does not exist here"))),
            }
            if at > end && kind != Kind::Model {
                return Err(self.malformed(kind, &label, field_start, "a value reaches over the end of its part"));
            }
        }
        if at > self.bytes.len() { Err(self.truncated(kind, &label)) } else { Ok(()) }
    }

    /// A length-delimited field in `start..stop`.
    fn part(&mut self, kind: Kind, field: u64, start: usize, stop: usize, label: &str) -> Result<()> {
        if let Some(child) = kind.child(field) {
            return self.message(child, start, stop);
        }
        if stop > self.bytes.len() {
            return Err(self.truncated(kind, label));
        }
        let (fixed, growth) = kind.leaf(field);
        self.budget.reserve(self.name, ((stop - start) as u64).saturating_mul(growth).saturating_add(fixed))
    }

    fn count(&mut self, kind: Kind) -> Result<()> {
        match kind {
            Kind::Node => {
                self.nodes += 1;
                self.budget.limits().check_nodes(self.name, self.nodes)?;
            }
            Kind::Tensor => {
                self.tensors += 1;
                // Constants come as initializers and as Constant nodes.
                let limits = self.budget.limits();
                if self.tensors > limits.max_initializers.saturating_add(limits.max_nodes) {
                    limits.check_initializers(self.name, self.tensors)?;
                }
            }
            _ => {}
        }
        self.budget.reserve(self.name, kind.bytes())
    }

    fn varint(&self, at: &mut usize, kind: Kind, label: &str) -> Result<u64> {
        let start = *at;
        let mut value = 0u64;
        for i in 0..10 {
            let &byte = self.bytes.get(*at).ok_or_else(|| self.truncated(kind, label))?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed(kind, label, start, "a number is longer than ten bytes"))
    }

    fn skip(&mut self, at: &mut usize, bytes: usize, kind: Kind, label: &str) -> Result<()> {
        *at += bytes;
        if *at > self.bytes.len() {
            return Err(self.truncated(kind, label));
        }
        self.budget.reserve(self.name, 8 * VECTOR)
    }

    fn truncated(&self, kind: Kind, label: &str) -> Error {
        Damage::Truncated { part: part_name(kind, label), at: self.bytes.len() }.error(self.name, self.bytes)
    }

    fn malformed(&self, kind: Kind, label: &str, at: usize, reason: &str) -> Error {
        Damage::Malformed { part: part_name(kind, label), at, reason: reason.to_owned() }.error(self.name, self.bytes)
    }
}

fn part_name(kind: Kind, label: &str) -> String {
    if label.is_empty() { kind.noun().to_owned() } else { format!("{} `{label}`", kind.noun().replacen("a ", "the ", 1)) }
}
