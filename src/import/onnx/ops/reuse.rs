//! Operators that are made of others: a standard operator imported on the way, with operands and attributes of its own.

use crate::graph::ValueId;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::import::onnx::wire::{AttributeProto, NodeProto, attribute_type};

/// A standard operator with the attributes of another node.
pub(super) struct Reuse<'s, 'n> {
    source: &'s Source<'n>,
    operator: &'s str,
    attributes: Vec<AttributeProto>,
    opset: i64,
}

impl<'s, 'n> Reuse<'s, 'n> {
    pub(super) fn new(operator: &'s str, source: &'s Source<'n>) -> Self {
        Self { source, operator, attributes: source.node.attribute.clone(), opset: source.opset }
    }

    /// The operator that a `QLinear` operator is named after.
    pub(super) fn of(source: &'s Source<'n>) -> Done<Self> {
        match source.node.op_type.strip_prefix("QLinear") {
            Some(operator) => Ok(Self::new(operator, source)),
            None => unsupported(""),
        }
    }

    /// Without an attribute.
    pub(super) fn drop(mut self, name: &str) -> Self {
        self.attributes.retain(|a| a.name != name);
        self
    }

    /// With a number as an attribute.
    pub(super) fn with(mut self, name: &str, value: f32) -> Self {
        self.attributes.push(AttributeProto {
            name: name.to_owned(),
            f: value,
            r#type: attribute_type::FLOAT,
            ..AttributeProto::default()
        });
        self
    }

    /// As an operator of this operator set.
    pub(super) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    /// Imports it on these operands and returns its result.
    pub(super) fn import(self, importer: &mut Importer<'_>, operands: &[Option<ValueId>]) -> Done<ValueId> {
        let result = importer.fresh(self.source, &self.operator.to_lowercase());
        let node = NodeProto {
            op_type: self.operator.to_owned(),
            name: format!("{}.{}", self.source.label, self.operator),
            attribute: self.attributes,
            output: vec![result.clone()],
            ..NodeProto::default()
        };
        let last = operands.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
        let inner = Source { node: &node, label: &node.name, inputs: operands[..last].to_vec(), opset: self.opset };
        super::import(importer, &inner)?;
        importer.find(&result).map_or_else(|| self.source.broken("has no result"), Ok)
    }
}
