//! One node of the file with checked access to its attributes and operands.

use super::convert::Importer;
use super::wire::{AttributeProto, NodeProto, TensorProto, attribute_type as at};
use crate::error::Error;
use crate::graph::ValueId;

/// Why a node cannot be imported.
pub(super) enum Refusal {
    /// It is valid, but this crate does not do it; collected and reported together.
    Unsupported(String),
    /// The file is wrong.
    Broken(Error),
}

impl From<Error> for Refusal {
    fn from(e: Error) -> Self {
        match e {
            Error::Unsupported(reason) => Self::Unsupported(reason),
            e => Self::Broken(e),
        }
    }
}

/// Result of importing a part of a node.
pub(super) type Done<T = ()> = Result<T, Refusal>;

/// Refuses a valid node for a reason.
pub(super) fn unsupported<T>(reason: impl Into<String>) -> Done<T> {
    Err(Refusal::Unsupported(reason.into()))
}

/// The largest kernel, stride, dilation, padding and number of groups.
pub(super) const MAX_WINDOW: i64 = 1 << 15;

/// A node of the file.
pub(super) struct Source<'a> {
    pub(super) node: &'a NodeProto,
    /// Its name, or that of its first output.
    pub(super) label: &'a str,
    /// Operands; `None` where an optional one is absent.
    pub(super) inputs: Vec<Option<ValueId>>,
    /// Version of the operator set.
    pub(super) opset: i64,
}

/// The name of a node in messages.
pub(super) fn label(node: &NodeProto) -> &str {
    if !node.name.is_empty() {
        return &node.name;
    }
    node.output.iter().find(|o| !o.is_empty()).map_or("unnamed", String::as_str)
}

impl<'a> Source<'a> {
    /// An error that says what is wrong with this node.
    pub(super) fn broken<T>(&self, what: &str) -> Done<T> {
        Err(Refusal::Broken(self.error(what)))
    }

    fn error(&self, what: &str) -> Error {
        Error::Model(format!("The node `{}` ({}) {what}. The model is not valid ONNX; export it again.", self.label, self.node.op_type))
    }

    /// Checks that all attributes are among `known`, that none is there twice, and that none refers to a function's attribute.
    pub(super) fn check_attributes(&self, known: &[&str]) -> Done {
        for (i, a) in self.node.attribute.iter().enumerate() {
            if self.node.attribute[..i].iter().any(|b| b.name == a.name) {
                return self.broken(&format!("has the attribute `{}` twice", a.name));
            }
            if !a.ref_attr_name.is_empty() {
                return unsupported(format!("its attribute `{}` refers to a function's attribute", a.name));
            }
            if !known.contains(&a.name.as_str()) {
                return unsupported(format!("its attribute `{}` is not known", a.name));
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.node.attribute.iter().any(|a| a.name == name)
    }

    fn attribute(&self, name: &str, wanted: i32) -> Done<Option<&'a AttributeProto>> {
        let Some(a) = self.node.attribute.iter().find(|a| a.name == name) else { return Ok(None) };
        // Type 0 means that the file is older than the field.
        if a.r#type != wanted && a.r#type != 0 {
            return self.broken(&format!("has the attribute `{name}` of another type than the operator defines (type {})", a.r#type));
        }
        Ok(Some(a))
    }

    pub(super) fn int(&self, name: &str, default: i64) -> Done<i64> {
        Ok(self.attribute(name, at::INT)?.map_or(default, |a| a.i))
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Done<bool> {
        match self.int(name, default.into())? {
            0 => Ok(false),
            1 => Ok(true),
            v => self.broken(&format!("has `{name}` = {v}, which has to be 0 or 1")),
        }
    }

    /// An axis: between -`max_rank` and `max_rank`; the exact check needs shapes and comes later.
    pub(super) fn axis(&self, default: i64) -> Done<i64> {
        let axis = self.int("axis", default)?;
        if axis.abs_diff(0) > 64 { self.broken(&format!("has the axis {axis}")) } else { Ok(axis) }
    }

    pub(super) fn ints(&self, name: &str) -> Done<Option<&'a [i64]>> {
        Ok(self.attribute(name, at::INTS)?.map(|a| a.ints.as_slice()))
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Done<f32> {
        let v = self.attribute(name, at::FLOAT)?.map_or(default, |a| a.f);
        if v.is_finite() { Ok(v) } else { self.broken(&format!("has `{name}` = {v}, which has to be finite")) }
    }

    /// A bound: infinite or absent = none.
    pub(super) fn bound(&self, name: &str) -> Done<Option<f32>> {
        match self.attribute(name, at::FLOAT)?.map(|a| a.f) {
            Some(v) if v.is_nan() => self.broken(&format!("has `{name}` = NaN")),
            v => Ok(v),
        }
    }

    pub(super) fn floats(&self, name: &str) -> Done<Option<&'a [f32]>> {
        Ok(self.attribute(name, at::FLOATS)?.map(|a| a.floats.as_slice()))
    }

    pub(super) fn text(&self, name: &str, default: &'a str) -> Done<&'a str> {
        let Some(a) = self.attribute(name, at::STRING)? else { return Ok(default) };
        std::str::from_utf8(&a.s).or_else(|_| self.broken(&format!("has the attribute `{name}` that is not text")))
    }

    pub(super) fn tensor(&self, name: &str) -> Done<Option<&'a TensorProto>> {
        match self.attribute(name, at::TENSOR)? {
            Some(a) => a.t.as_ref().map_or_else(|| self.broken(&format!("has the attribute `{name}` without its tensor")), |t| Ok(Some(t))),
            None => Ok(None),
        }
    }

    /// An attribute as a positive number of at most [`MAX_WINDOW`].
    pub(super) fn size(&self, name: &str, default: i64) -> Done<usize> {
        let v = self.int(name, default)?;
        self.checked_size(name, v, 1)
    }

    /// `v` as a number between `least` and [`MAX_WINDOW`].
    pub(super) fn checked_size(&self, name: &str, v: i64, least: i64) -> Done<usize> {
        match usize::try_from(v) {
            Ok(u) if (least..=MAX_WINDOW).contains(&v) => Ok(u),
            _ => self.broken(&format!("has `{name}` = {v}, which has to be between {least} and {MAX_WINDOW}")),
        }
    }

    /// The operand at `index`, when there is one.
    pub(super) fn input(&self, index: usize) -> Option<ValueId> {
        self.inputs.get(index).copied().flatten()
    }

    /// The operand at `index`.
    pub(super) fn required(&self, index: usize) -> Done<ValueId> {
        self.input(index).map_or_else(|| self.broken(&format!("lacks the operand {index}")), Ok)
    }

    /// Checks the number of operands.
    pub(super) fn at_most(&self, count: usize) -> Done {
        let given = self.inputs.len();
        if given > count { self.broken(&format!("has {given} operands, but the operator takes {count}")) } else { Ok(()) }
    }

    /// The name of output `index`; empty when it is absent.
    pub(super) fn output(&self, index: usize) -> &'a str {
        self.node.output.get(index).map_or("", String::as_str)
    }

    /// Checks that nobody uses an output beyond the first.
    pub(super) fn one_output(&self, importer: &Importer<'_>) -> Done {
        match self.node.output.iter().skip(1).find(|o| !o.is_empty() && importer.is_read(o)) {
            Some(o) => unsupported(format!("its further output `{o}` is used")),
            None => Ok(()),
        }
    }
}
