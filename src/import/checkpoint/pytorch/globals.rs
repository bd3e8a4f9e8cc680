//! The names that a pickle may ask for, and what calling them means. No other name gets past [`Global::find`].

use super::heap::{Heap, Object, Storage, Value, View};
use super::{refused, short};
use crate::error::Result;
use crate::import::checkpoint::elements::{Elements, damaged};
use crate::import::limits::Budget;
use crate::tensor::DType;

/// Something that a pickle knows by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// A mapping, made of pairs or of another mapping.
    Mapping,
    /// A mapping whose first argument is what missing keys get.
    DefaultMapping,
    /// A tensor of a typed storage.
    Tensor,
    /// A tensor of bytes and an element type.
    TypedTensor,
    /// A parameter around a tensor.
    Parameter,
    /// A tensor of a class of its own around one of the three above.
    Subclass,
    /// The classes that those may have.
    TensorClass,
    /// A storage of these elements; `None` = bytes.
    Storage(Option<Elements>),
    /// An element type.
    Elements(Elements),
    /// The dimensions of a tensor, made of a tuple.
    Size,
    /// What makes something without tensors.
    Plain,
}

impl Global {
    /// The meaning of a name.
    ///
    /// # Errors
    /// [`crate::error::Error::Unsupported`] for every name that weights do not need.
    pub(super) fn find(file: &str, module: &str, name: &str) -> Result<Self> {
        let found = match (module, name) {
            ("collections", "OrderedDict" | "Counter") => Some(Self::Mapping),
            ("collections", "defaultdict") => Some(Self::DefaultMapping),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Self::Tensor),
            ("torch._utils", "_rebuild_tensor_v3") => Some(Self::TypedTensor),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Some(Self::Parameter),
            ("torch._tensor", "_rebuild_from_type_v2") => Some(Self::Subclass),
            ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer") => Some(Self::TensorClass),
            ("torch", "Size") => Some(Self::Size),
            ("torch", "device")
            | ("_codecs", "encode")
            | (
                "builtins" | "__builtin__",
                "set" | "frozenset" | "bytearray" | "list" | "dict" | "tuple" | "int" | "float" | "str" | "bool",
            )
            | ("numpy", "dtype")
            | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Self::Plain),
            ("torch" | "torch.cuda" | "torch.storage", _) => storage(name).or_else(|| elements(module, name)),
            _ => None,
        };
        found.ok_or_else(|| {
            refused(
                file,
                &format!("asks for `{}.{}`, which is not among the few things that weights are made of", short(module), short(name)),
            )
        })
    }
}

fn storage(name: &str) -> Option<Global> {
    Some(Global::Storage(match name {
        "UntypedStorage" => None,
        "DoubleStorage" => Some(Elements::F64),
        "FloatStorage" => Some(Elements::F32),
        "HalfStorage" => Some(Elements::F16),
        "BFloat16Storage" => Some(Elements::BF16),
        "LongStorage" => Some(Elements::Whole(DType::I64)),
        "IntStorage" => Some(Elements::Whole(DType::I32)),
        "ShortStorage" => Some(Elements::Whole(DType::I16)),
        "CharStorage" => Some(Elements::Whole(DType::I8)),
        "ByteStorage" => Some(Elements::Whole(DType::U8)),
        "BoolStorage" => Some(Elements::Whole(DType::Bool)),
        _ => return None,
    }))
}

fn elements(module: &str, name: &str) -> Option<Global> {
    if module != "torch" {
        return None;
    }
    Some(Global::Elements(match name {
        "float64" | "double" => Elements::F64,
        "float32" | "float" => Elements::F32,
        "float16" | "half" => Elements::F16,
        "bfloat16" => Elements::BF16,
        "int64" | "long" => Elements::Whole(DType::I64),
        "int32" | "int" => Elements::Whole(DType::I32),
        "int16" | "short" => Elements::Whole(DType::I16),
        "int8" => Elements::Whole(DType::I8),
        "uint64" => Elements::Whole(DType::U64),
        "uint32" => Elements::Whole(DType::U32),
        "uint16" => Elements::Whole(DType::U16),
        "uint8" => Elements::Whole(DType::U8),
        "bool" => Elements::Whole(DType::Bool),
        _ => return None,
    }))
}

/// The value of `callee(*args)`.
///
/// # Errors
/// Unsupported for what is not callable here, Model for arguments that it never has.
pub(super) fn call<'a>(file: &str, heap: &mut Heap<'a>, budget: &mut Budget, callee: Value<'a>, args: Value<'a>) -> Result<Value<'a>> {
    let Value::Global(global) = callee else {
        return Err(refused(file, "calls something that is no function"));
    };
    let unexpected = || damaged(file, "calls a function of PyTorch with arguments that it does not have");
    let parts = heap.tuple(args).ok_or_else(unexpected)?;
    match (global, parts) {
        (Global::Mapping, []) | (Global::DefaultMapping, [] | [_]) => Ok(heap.add(Object::Dict(Vec::new()))),
        (Global::Mapping, &[from]) | (Global::DefaultMapping, &[_, from]) => mapping(file, heap, budget, from),
        (Global::Tensor, &[storage, offset, size, stride, ..]) => tensor(file, heap, budget, storage, [offset, size, stride], None),
        (Global::TypedTensor, &[storage, offset, size, stride, _, _, elements, ..]) => {
            let Value::Global(Global::Elements(elements)) = elements else { return Err(unexpected()) };
            tensor(file, heap, budget, storage, [offset, size, stride], Some(elements))
        }
        (Global::Parameter, &[data, ..]) if matches!(heap.get(data), Some(Object::Tensor(_))) => Ok(data),
        (Global::Subclass, &[rebuild, class, args, ..]) => match (rebuild, class) {
            (Value::Global(Global::Tensor | Global::TypedTensor | Global::Parameter), Value::Global(Global::TensorClass)) => {
                call(file, heap, budget, rebuild, args)
            }
            _ => Err(refused(file, "rebuilds a tensor of a class that is not known here")),
        },
        (Global::Size, &[dims]) if heap.sequence(dims).is_some() => Ok(dims),
        (Global::Plain, _) => Ok(Value::Opaque),
        (Global::TensorClass | Global::Storage(_) | Global::Elements(_), _) => {
            Err(refused(file, "makes a tensor or storage in a way that state dicts do not"))
        }
        _ => Err(unexpected()),
    }
}

/// A mapping of a mapping, or of pairs as Python 2 writes ordered ones.
fn mapping<'a>(file: &str, heap: &mut Heap<'a>, budget: &mut Budget, from: Value<'a>) -> Result<Value<'a>> {
    let unexpected = || damaged(file, "makes a mapping of something that has no keys");
    if heap.dict(from).is_some() {
        return Ok(from);
    }
    let pairs = heap.sequence(from).ok_or_else(unexpected)?;
    // The same list may be given again and again.
    budget.reserve(file, (pairs.len() as u64).saturating_mul(size_of::<(Value<'_>, Value<'_>)>() as u64))?;
    let mut items = Vec::with_capacity(pairs.len());
    for &pair in pairs {
        let Some(&[key, value]) = heap.sequence(pair) else { return Err(unexpected()) };
        items.push((key, value));
    }
    Ok(heap.add(Object::Dict(items)))
}

fn tensor<'a>(
    file: &str,
    heap: &mut Heap<'a>,
    budget: &Budget,
    storage: Value<'a>,
    [offset, size, stride]: [Value<'a>; 3],
    elements: Option<Elements>,
) -> Result<Value<'a>> {
    let unexpected = |what: &str| damaged(file, &format!("rebuilds a tensor {what}"));
    let Some(&Object::Storage(storage)) = heap.get(storage) else { return Err(unexpected("of something that is no storage")) };
    let elements = elements.or(storage.elements).ok_or_else(|| unexpected("whose type it does not say"))?;
    let Value::Int(offset) = offset else { return Err(unexpected("whose offset is no number")) };
    let numbers = |list: Value<'a>| -> Result<Vec<i64>> {
        let parts = heap.sequence(list).ok_or_else(|| unexpected("whose dimensions are no tuple"))?;
        // Before they are copied: one tuple serves any number of tensors.
        budget.limits().check_rank(storage.key, parts.len())?;
        parts
            .iter()
            .map(|part| if let Value::Int(n) = part { Ok(*n) } else { Err(unexpected("with a dimension that is no number")) })
            .collect()
    };
    let (dims, strides) = (numbers(size)?, numbers(stride)?);
    if dims.len() != strides.len() {
        return Err(unexpected("with more or fewer strides than dimensions"));
    }
    Ok(heap.add(Object::Tensor(View { storage, elements, offset, dims, strides })))
}

/// What a persistent id stands for: `("storage", type, key, location, elements[, part])`.
///
/// # Errors
/// Unsupported for other persistent ids, Model for a storage that makes no sense.
pub(super) fn persistent<'a>(file: &str, heap: &mut Heap<'a>, id: Value<'a>) -> Result<Value<'a>> {
    let unexpected = || damaged(file, "refers to a storage without saying which");
    let count = |value| if let Value::Int(n) = value { usize::try_from(n).ok() } else { None };
    let storage = match heap.tuple(id) {
        Some(&[Value::Text("storage"), Value::Global(Global::Storage(elements)), Value::Text(key), _, elements_in_all, ref rest @ ..]) => {
            let part = match rest.first() {
                None | Some(Value::None) => None,
                Some(&view) => match heap.tuple(view) {
                    Some(&[_, first, length]) => Some(count(first).zip(count(length)).ok_or_else(unexpected)?),
                    _ => return Err(unexpected()),
                },
            };
            Storage { key, elements, count: count(elements_in_all).ok_or_else(unexpected)?, part }
        }
        Some([Value::Text("storage"), ..]) => return Err(unexpected()),
        _ => return Err(refused(file, "refers to an object outside of it that is no storage")),
    };
    Ok(heap.add(Object::Storage(storage)))
}
