//! Constant, ConstantOfShape and Range.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{Data, Tensor};

/// The forms a constant comes in; exactly one is there.
pub(super) const ATTRIBUTES: &[&str] =
    &["sparse_value", "value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings"];

/// Whole numbers up to this one are exact in f64.
const MOST_EXACT: f64 = 9e15;

/// A constant becomes a constant value; no node is left.
pub(super) fn constant(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(0)?;
    let name = source.output(0);
    let [attribute] = source.node.attribute.as_slice() else { return source.broken("needs exactly one value") };
    let tensor = match attribute.name.as_str() {
        "value" => match source.tensor("value")? {
            Some(proto) => importer.read_tensor(proto, source.label)?,
            None => return source.broken("has no value"),
        },
        "value_float" => scalar(Data::F32(vec![attribute.f])),
        "value_int" => scalar(Data::I64(vec![attribute.i])),
        "value_floats" => Tensor::vector(source.floats("value_floats")?.unwrap_or_default().to_vec()),
        "value_ints" => Tensor::indices(source.ints("value_ints")?.unwrap_or_default().to_vec()),
        other => return unsupported(format!("its value is of the kind `{other}`")),
    };
    if name.is_empty() {
        return Ok(());
    }
    importer.add_constant(name, tensor);
    Ok(())
}

fn scalar(data: Data) -> Tensor {
    Tensor::new([], data).unwrap_or_else(|| Tensor::zeros([]))
}

/// ConstantOfShape: f32 zero unless a value of one element says otherwise.
pub(super) fn of_shape(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let shape = source.required(0)?;
    let tensor = match source.tensor("value")? {
        None => Tensor::zeros([]),
        Some(proto) => importer.read_tensor(proto, source.label)?,
    };
    let (dtype, value) = (tensor.dtype(), tensor.to_f64().first().copied());
    let (Some(value), Some(tensor)) = (value, tensor.reshaped([])) else {
        return source.broken("has a value that is not one element");
    };
    // The model file keeps finite numbers only, as f64: others are a constant that is repeated.
    if !value.is_finite() || value.abs() > MOST_EXACT {
        let value = importer.new_constant(source, "value", tensor)?;
        return importer.emit(source, Op::Expand, &[value, shape]).map(drop);
    }
    importer.emit(source, Op::ConstantOfShape { value, dtype }, &[shape]).map(drop)
}

pub(super) fn range(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let operands = [source.required(0)?, source.required(1)?, source.required(2)?];
    importer.emit(source, Op::Range, &operands).map(drop)
}
