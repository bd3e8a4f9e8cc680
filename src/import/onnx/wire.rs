//! The ONNX protobuf messages, as far as they are read. Field numbers follow `onnx.proto3`; fields that are not declared are skipped.
//!
//! Big payloads are [`Bytes`]: slices of the file's buffer, not copies. Subgraphs and sparse tensors are kept as undecoded bytes,
//! so that their presence is seen (and refused by name) without recursion.

use prost::bytes::Bytes;

/// `onnx.ModelProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct ModelProto {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The exporter.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Operator sets, by domain.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Functions that nodes may call.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<FunctionProto>,
}

/// `onnx.FunctionProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct FunctionProto {
    /// Name; what nodes call as their operator.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Names of operands.
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    /// Names of results.
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    /// The body.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<NodeProto>,
    /// Operator sets of the body, by domain.
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Operator domain.
    #[prost(string, tag = "10")]
    pub domain: String,
    /// Attributes with default values.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<AttributeProto>,
    /// Tells functions of one name apart.
    #[prost(string, tag = "13")]
    pub overload: String,
}

/// `onnx.OperatorSetIdProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSetIdProto {
    /// Empty or `ai.onnx` for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The operator set's version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// `onnx.GraphProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct GraphProto {
    /// Operations in topological order.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Inputs; before IR version 4 the constants are listed here too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Sparse constants, not decoded.
    #[prost(bytes = "bytes", repeated, tag = "15")]
    pub sparse_initializer: Vec<Bytes>,
}

/// `onnx.NodeProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeProto {
    /// Names of operands; an empty one is an absent optional operand.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of results.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name for messages; may be empty.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Attributes.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Operator domain.
    #[prost(string, tag = "7")]
    pub domain: String,
    /// Which function of this name is called.
    #[prost(string, tag = "8")]
    pub overload: String,
}

/// `onnx.AttributeProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttributeProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// See [`attribute_type::FLOAT`].
    #[prost(float, tag = "2")]
    pub f: f32,
    /// See [`attribute_type::INT`].
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// See [`attribute_type::STRING`].
    #[prost(bytes = "bytes", tag = "4")]
    pub s: Bytes,
    /// See [`attribute_type::TENSOR`].
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// A subgraph, not decoded.
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub g: Option<Bytes>,
    /// See [`attribute_type::FLOATS`].
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// See [`attribute_type::INTS`].
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Subgraphs, not decoded.
    #[prost(bytes = "bytes", repeated, tag = "11")]
    pub graphs: Vec<Bytes>,
    /// Which field holds the value; 0 in files older than IR version 2.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
    /// The attribute of an enclosing function that is meant.
    #[prost(string, tag = "21")]
    pub ref_attr_name: String,
}

/// Values of [`AttributeProto::type`](AttributeProto).
pub mod attribute_type {
    /// One float.
    pub const FLOAT: i32 = 1;
    /// One integer.
    pub const INT: i32 = 2;
    /// Text.
    pub const STRING: i32 = 3;
    /// A tensor.
    pub const TENSOR: i32 = 4;
    /// Floats.
    pub const FLOATS: i32 = 6;
    /// Integers.
    pub const INTS: i32 = 7;
}

/// `onnx.TensorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorProto {
    /// Dimensions.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// See [`data_type`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Part of a larger tensor, not decoded; nobody writes it.
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub segment: Option<Bytes>,
    /// Elements of FLOAT.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements of the small integers, BOOL, FLOAT16 and BFLOAT16 (their bits).
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Elements of INT64.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Little-endian elements of any type but STRING.
    #[prost(bytes = "bytes", tag = "9")]
    pub raw_data: Bytes,
    /// Elements of DOUBLE.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Elements of UINT32 and UINT64.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// Where external data lies: `location`, `offset`, `length`, `checksum`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 1 = in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// Values of [`TensorProto::data_type`].
pub mod data_type {
    /// f32
    pub const FLOAT: i32 = 1;
    /// u8
    pub const UINT8: i32 = 2;
    /// i8
    pub const INT8: i32 = 3;
    /// u16
    pub const UINT16: i32 = 4;
    /// i16
    pub const INT16: i32 = 5;
    /// i32
    pub const INT32: i32 = 6;
    /// i64
    pub const INT64: i32 = 7;
    /// Text.
    pub const STRING: i32 = 8;
    /// One byte, 0 or 1.
    pub const BOOL: i32 = 9;
    /// IEEE half.
    pub const FLOAT16: i32 = 10;
    /// f64
    pub const DOUBLE: i32 = 11;
    /// u32
    pub const UINT32: i32 = 12;
    /// u64
    pub const UINT64: i32 = 13;
    /// The upper half of an f32.
    pub const BFLOAT16: i32 = 16;
}

/// `onnx.StringStringEntryProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringStringEntryProto {
    /// Key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `onnx.ValueInfoProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// `onnx.TypeProto`; types other than tensors are not decoded.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TypeProto {
    /// A dense tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// `onnx.TypeProto.Tensor`
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorTypeProto {
    /// See [`data_type`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Dimensions.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// `onnx.TensorShapeProto`
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorShapeProto {
    /// Dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// `onnx.TensorShapeProto.Dimension`
#[derive(Clone, PartialEq, prost::Message)]
pub struct DimensionProto {
    /// A size known to the exporter.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// A name for a size chosen at run time.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}
