//! Numbers as checkpoints store them, and the tensors they become.

use half::{bf16, f16};

use crate::error::{Error, Result};
use crate::import::limits::Budget;
use crate::tensor::{DType, Data, Tensor};

/// The type of stored numbers, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elements {
    F64,
    F32,
    F16,
    BF16,
    /// Whole numbers and truth values.
    Whole(DType),
}

impl Elements {
    /// Bytes of one.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Whole(dtype) => dtype.bytes(),
        }
    }

    /// A tensor of the first elements of `bytes`, as many as `dims` say. f64 and bf16 become f32; f16 stays.
    ///
    /// # Errors
    /// [`Error::Limits`], and [`Error::Model`] when there are too few bytes or a dimension is negative.
    pub(super) fn tensor(self, file: &str, name: &str, dims: &[i64], bytes: &[u8], budget: &mut Budget) -> Result<Tensor> {
        let in_memory = match self {
            Self::F16 => 2,
            Self::Whole(_) => 8,
            _ => 4,
        };
        let (shape, len) = budget.reserve_tensor(name, dims, in_memory)?;
        let stored = len.checked_mul(self.bytes()).and_then(|n| bytes.get(..n)).ok_or_else(|| {
            damaged(file, &format!("holds {} bytes for the tensor `{name}` ({shape}), which needs {}", bytes.len(), len * self.bytes()))
        })?;
        let tensor = match self {
            Self::F64 => Tensor::from_f32(shape, stored.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect()),
            Self::F32 => Tensor::from_f32(shape, stored.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
            Self::BF16 => Tensor::from_f32(shape, stored.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect()),
            Self::F16 => Tensor::new(shape, Data::F16(stored.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b)).collect())),
            Self::Whole(dtype) => Tensor::integers(dtype, shape, dtype.integers_from_le(stored)),
        };
        tensor.ok_or_else(|| damaged(file, &format!("holds numbers in the tensor `{name}` that its type does not have")))
    }
}

/// An [`Error::Model`] for a checkpoint that contradicts itself.
pub(super) fn damaged(file: &str, what: &str) -> Error {
    Error::Model(format!("The checkpoint `{file}` {what}. It is damaged or truncated; fetch it again."))
}
