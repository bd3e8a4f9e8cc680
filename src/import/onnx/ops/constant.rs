//! Constant and ConstantOfShape.

use crate::graph::Op;
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{DType, Data, Tensor};

/// The forms a constant comes in; exactly one is there.
pub(super) const ATTRIBUTES: &[&str] =
    &["sparse_value", "value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings"];

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
    let (value, dtype) = match source.tensor("value")? {
        None => (0.0, DType::F32),
        Some(proto) => {
            let tensor = importer.read_tensor(proto, source.label)?;
            let (1, Some(&value)) = (tensor.len(), tensor.to_f64().first()) else {
                return source.broken("has a value that is not one element");
            };
            (value, tensor.dtype())
        }
    };
    // The model file keeps finite numbers only.
    if !value.is_finite() {
        return unsupported(format!("its value ({value}) is not finite"));
    }
    importer.emit(source, Op::ConstantOfShape { value, dtype }, &[shape]).map(drop)
}
