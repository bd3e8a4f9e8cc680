//! Small ONNX models, built from the wire messages, for tests to break.

#![allow(dead_code, reason = "each test crate uses a part")]

use lookalike::import::onnx::wire::*;
use prost::Message;
use prost::bytes::Bytes;

/// An attribute holding one integer.
pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: attribute_type::INT, ..Default::default() }
}

/// An attribute holding one float.
pub(crate) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f, r#type: attribute_type::FLOAT, ..Default::default() }
}

/// An attribute holding integers.
pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: ints.to_vec(), r#type: attribute_type::INTS, ..Default::default() }
}

/// An attribute holding text.
pub(crate) fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto { name: name.into(), s: Bytes::copy_from_slice(s.as_bytes()), r#type: attribute_type::STRING, ..Default::default() }
}

/// A node named after its only output.
pub(crate) fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: format!("{output}_node"),
        input: inputs.iter().map(|&s| s.into()).collect(),
        output: vec![output.into()],
        attribute,
        ..Default::default()
    }
}

/// An f32 tensor in raw data.
pub(crate) fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type: data_type::FLOAT, raw_data: raw.into(), ..Default::default() }
}

/// An i64 vector in typed data.
pub(crate) fn indices(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: data_type::INT64,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// A float input or output; negative dimensions are named `d`.
pub(crate) fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&d| {
            if d < 0 {
                DimensionProto { dim_param: Some("d".into()), dim_value: None }
            } else {
                DimensionProto { dim_value: Some(d), dim_param: None }
            }
        })
        .collect();
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(TensorShapeProto { dim }) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

/// A model of these parts with the input `x` (1x2x4x4) and the output `y`.
pub(crate) fn model(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        producer_name: "test".into(),
        graph: Some(GraphProto {
            node,
            name: "g".into(),
            initializer,
            input: vec![value("x", &[1, 2, 4, 4])],
            output: vec![value("y", &[1, 3])],
            sparse_initializer: Vec::new(),
        }),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..ModelProto::default()
    }
}

/// Conv, PRelu, Reshape with a frozen batch, Gemm: a network in small.
pub(crate) fn network() -> ModelProto {
    let ramp = |n: usize| (0..n).map(|i| i as f32 * 0.01 - 0.1).collect::<Vec<_>>();
    model(
        vec![
            node("Conv", &["x", "w", "b"], "c", vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1]), int("group", 1)]),
            node("PRelu", &["c", "slope"], "p", vec![]),
            node("Clip", &["p", "", "six"], "k", vec![]),
            node("Reshape", &["k", "shape"], "r", vec![]),
            node("Gemm", &["r", "fc", "fcb"], "y", vec![int("transB", 1), float("alpha", 1.0)]),
        ],
        vec![
            tensor("w", &[4, 2, 3, 3], &ramp(72)),
            tensor("b", &[4], &ramp(4)),
            tensor("slope", &[4, 1, 1], &ramp(4)),
            tensor("six", &[], &[6.0]),
            indices("shape", &[1, -1]),
            tensor("fc", &[3, 64], &ramp(192)),
            tensor("fcb", &[3], &ramp(3)),
        ],
    )
}

/// The file of a model.
pub(crate) fn bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// A small generator of repeatable pseudo-random numbers (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}
