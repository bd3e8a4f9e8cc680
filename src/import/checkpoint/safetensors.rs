//! State dicts as safetensors files, and the tensors of model files.

use safetensors::tensor::{Dtype, SafeTensors};

use super::elements::Elements;
use super::{Format, StateDict};
use crate::error::{Error, Result};
use crate::import::limits::Budget;
use crate::import::{Limits, header};
use crate::tensor::DType;

/// Whether the file begins like one.
pub(super) use crate::import::onnx::looks_like_safetensors as looks_like;

/// Reads all tensors, in the order of their names: the file has no other that means anything.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`] for an element type without a meaning here.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    let mut budget = Budget::new(limits);
    header::check(bytes, file, &mut budget)?;
    let parsed = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::Model(format!("The file `{file}` is not a readable safetensors file ({e}). It is damaged; fetch it again.")))?;
    limits.check_initializers(file, parsed.len())?;
    let mut views: Vec<_> = parsed.iter().collect();
    views.sort_by_key(|(name, _)| *name);
    let mut dict = StateDict::new(Format::Safetensors);
    for (name, view) in views {
        let elements = elements(view.dtype()).ok_or_else(|| {
            Error::Unsupported(format!(
                "The tensor `{name}` of the checkpoint `{file}` has the type {:?}, which is not supported. Store it as F32.",
                view.dtype()
            ))
        })?;
        let dims: Vec<i64> = view.shape().iter().map(|&d| i64::try_from(d).unwrap_or(i64::MAX)).collect();
        dict.insert(file, name, elements.tensor(file, name, &dims, view.data(), &mut budget)?)?;
    }
    Ok(dict)
}

fn elements(dtype: Dtype) -> Option<Elements> {
    Some(match dtype {
        Dtype::F64 => Elements::F64,
        Dtype::F32 => Elements::F32,
        Dtype::F16 => Elements::F16,
        Dtype::BF16 => Elements::BF16,
        Dtype::I64 => Elements::Whole(DType::I64),
        Dtype::I32 => Elements::Whole(DType::I32),
        Dtype::I16 => Elements::Whole(DType::I16),
        Dtype::I8 => Elements::Whole(DType::I8),
        Dtype::U64 => Elements::Whole(DType::U64),
        Dtype::U32 => Elements::Whole(DType::U32),
        Dtype::U16 => Elements::Whole(DType::U16),
        Dtype::U8 => Elements::Whole(DType::U8),
        Dtype::BOOL => Elements::Whole(DType::Bool),
        _ => return None,
    })
}
