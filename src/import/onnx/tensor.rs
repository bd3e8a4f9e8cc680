//! `TensorProto` to [`Tensor`].
//!
//! Floating-point types become f32, except f16, which stays f16 (weights at rest). Whole numbers and truth values keep their type.

use std::borrow::Cow;
use std::path::Path;

use half::{bf16, f16};

use super::external;
use super::wire::{TensorProto, data_type as dt};
use crate::error::{Error, Result};
use crate::import::limits::Budget;
use crate::tensor::{DType, Data, Tensor};

/// Turns tensors of one model file into host tensors.
pub(super) struct Reader<'a> {
    /// Where external data may lie; `None` when the model came as bytes.
    pub(super) folder: Option<&'a Path>,
    pub(super) budget: Budget,
}

/// A name for an element type, for messages.
pub(super) fn type_name(data_type: i32) -> Cow<'static, str> {
    const NAMES: [&str; 27] = [
        "undefined",
        "float",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "double",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
        "float8e8m0",
        "uint2",
        "int2",
    ];
    usize::try_from(data_type).ok().and_then(|i| NAMES.get(i)).map_or_else(|| format!("number {data_type}").into(), |&n| n.into())
}

/// Bytes of one element in `raw_data`, or `None` for types that are not read.
fn raw_bytes(data_type: i32) -> Option<usize> {
    Some(match data_type {
        dt::UINT8 | dt::INT8 | dt::BOOL => 1,
        dt::UINT16 | dt::INT16 | dt::FLOAT16 | dt::BFLOAT16 => 2,
        dt::FLOAT | dt::INT32 | dt::UINT32 => 4,
        dt::INT64 | dt::UINT64 | dt::DOUBLE => 8,
        _ => return None,
    })
}

/// The type that elements have here, or `None` for types that are not read.
pub(super) fn dtype_of(data_type: i32) -> Option<DType> {
    Some(match data_type {
        dt::FLOAT | dt::DOUBLE | dt::BFLOAT16 => DType::F32,
        dt::FLOAT16 => DType::F16,
        dt::INT64 => DType::I64,
        dt::INT32 => DType::I32,
        dt::INT16 => DType::I16,
        dt::INT8 => DType::I8,
        dt::UINT64 => DType::U64,
        dt::UINT32 => DType::U32,
        dt::UINT16 => DType::U16,
        dt::UINT8 => DType::U8,
        dt::BOOL => DType::Bool,
        _ => return None,
    })
}

/// Bytes of one element in memory.
fn host_bytes(data_type: i32) -> usize {
    match data_type {
        dt::FLOAT16 => 2,
        dt::FLOAT | dt::DOUBLE | dt::BFLOAT16 => 4,
        _ => 8,
    }
}

impl Reader<'_> {
    /// The content of `proto`, called `name` in messages.
    ///
    /// # Errors
    /// [`Error::Model`] when the data do not fit the dimensions, [`Error::Limits`], errors of reading external data, and
    /// [`Error::Unsupported`] for text and exotic types: then the text is only the reason, for the list of all problems of the file.
    pub(super) fn tensor(&mut self, proto: &TensorProto, name: &str) -> Result<Tensor> {
        let data_type = proto.data_type;
        let Some(raw) = raw_bytes(data_type) else {
            return Err(Error::Unsupported(format!(
                "it holds elements of type {}; weights have to be float, float16, bfloat16, double or whole numbers",
                type_name(data_type)
            )));
        };
        if proto.segment.is_some() {
            return Err(Error::Unsupported(
                "it is stored in segments; save the model again with a current version of the onnx package".into(),
            ));
        }
        let external = proto.data_location == 1;
        if external && (!proto.raw_data.is_empty() || typed_fields(proto).iter().any(|f| f.1 > 0)) {
            return Err(damaged(name, "has both data in the file and external data"));
        }
        let (shape, len) = self.budget.reserve_tensor(name, &proto.dims, host_bytes(data_type))?;
        let data = if external {
            let size = (len as u64).saturating_mul(raw as u64);
            self.budget.reserve(name, size)?;
            let bytes = external::read(proto, name, self.folder, size)?;
            self.budget.release(size);
            from_raw(&bytes, data_type, name)?
        } else {
            check_fields(proto, name, len, raw)?;
            if proto.raw_data.is_empty() { from_typed(proto, name)? } else { from_raw(&proto.raw_data, data_type, name)? }
        };
        let wrong = || damaged(name, "holds elements that are out of range, or another number of them than its dimensions say");
        let tensor = match (data, dtype_of(data_type)) {
            (Data::I64(v), Some(dtype)) => Tensor::integers(dtype, shape, v),
            (data, _) => Tensor::new(shape, data),
        };
        tensor.ok_or_else(wrong)
    }
}

fn damaged(name: &str, what: &str) -> Error {
    Error::Model(format!("The tensor `{name}` {what}. The file is damaged or was written by a faulty exporter; export it again."))
}

/// The typed fields: name, number of entries, whether it is the one for this type.
fn typed_fields(p: &TensorProto) -> [(&'static str, usize, bool); 5] {
    let t = p.data_type;
    let small = matches!(t, dt::INT32 | dt::INT16 | dt::INT8 | dt::UINT16 | dt::UINT8 | dt::BOOL | dt::FLOAT16 | dt::BFLOAT16);
    [
        ("float_data", p.float_data.len(), t == dt::FLOAT),
        ("int32_data", p.int32_data.len(), small),
        ("int64_data", p.int64_data.len(), t == dt::INT64),
        ("double_data", p.double_data.len(), t == dt::DOUBLE),
        ("uint64_data", p.uint64_data.len(), matches!(t, dt::UINT32 | dt::UINT64)),
    ]
}

fn check_fields(proto: &TensorProto, name: &str, len: usize, raw: usize) -> Result<()> {
    let fields = typed_fields(proto);
    if let Some((field, ..)) = fields.iter().find(|f| f.1 > 0 && !f.2) {
        return Err(damaged(
            name,
            &format!("of type {} keeps its elements in {field}, which is for another type", type_name(proto.data_type)),
        ));
    }
    let typed = fields.iter().map(|f| f.1).sum::<usize>();
    let given = proto.raw_data.len();
    if typed > 0 && given > 0 {
        return Err(damaged(name, "has both raw_data and typed data"));
    }
    if given > 0 && Some(given) != len.checked_mul(raw) {
        return Err(damaged(name, &format!("has {given} bytes of raw_data, but its dimensions ask for {}", len.saturating_mul(raw))));
    }
    if given == 0 && typed != len {
        return Err(damaged(name, &format!("has {typed} elements, but its dimensions ask for {len}")));
    }
    Ok(())
}

fn from_typed(p: &TensorProto, name: &str) -> Result<Data> {
    let bits = |what: &str| p.int32_data.iter().map(|&x| u16::try_from(x).map_err(|_| damaged(name, what))).collect::<Result<Vec<u16>>>();
    Ok(match p.data_type {
        dt::FLOAT => Data::F32(p.float_data.clone()),
        dt::DOUBLE => Data::F32(p.double_data.iter().map(|&x| x as f32).collect()),
        dt::FLOAT16 => Data::F16(bits("has float16 bits beyond 16 bits")?.into_iter().map(f16::from_bits).collect()),
        dt::BFLOAT16 => Data::F32(bits("has bfloat16 bits beyond 16 bits")?.into_iter().map(|b| bf16::from_bits(b).to_f32()).collect()),
        dt::INT64 => Data::I64(p.int64_data.clone()),
        dt::UINT32 | dt::UINT64 => Data::I64(p.uint64_data.iter().map(|&x| unsigned(x, name)).collect::<Result<_>>()?),
        dt::BOOL => Data::I64(p.int32_data.iter().map(|&x| i64::from(x != 0)).collect()),
        _ => Data::I64(p.int32_data.iter().map(|&x| i64::from(x)).collect()),
    })
}

fn unsigned(x: u64, name: &str) -> Result<i64> {
    i64::try_from(x).map_err(|_| damaged(name, &format!("holds a number that does not fit 64 signed bits ({x})")))
}

/// Little-endian elements.
fn from_raw(bytes: &[u8], data_type: i32, name: &str) -> Result<Data> {
    Ok(match data_type {
        dt::FLOAT => Data::F32(elements(bytes, f32::from_le_bytes)),
        dt::DOUBLE => Data::F32(elements(bytes, |b| f64::from_le_bytes(b) as f32)),
        dt::FLOAT16 => Data::F16(elements(bytes, f16::from_le_bytes)),
        dt::BFLOAT16 => Data::F32(elements(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        dt::UINT64 => Data::I64(elements(bytes, u64::from_le_bytes).into_iter().map(|x| unsigned(x, name)).collect::<Result<_>>()?),
        other => Data::I64(dtype_of(other).unwrap_or(DType::U8).integers_from_le(bytes)),
    })
}

fn elements<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&b| convert(b)).collect()
}
