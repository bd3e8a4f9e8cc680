//! The reference's tensor: f64 whatever the element type.

use half::f16;

use crate::error::{Error, Result};
use crate::tensor::{DType, Data, Shape, Tensor};

/// A row-major array of f64 that remembers which type its elements stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions, outermost first.
    pub shape: Shape,
    /// The type the elements stand for; elements that are not floats are whole numbers.
    pub dtype: DType,
    /// The elements; as many as the product of `shape`.
    pub data: Vec<f64>,
}

impl Array {
    /// An array of f32 numbers, held exactly as given.
    ///
    /// # Errors
    /// [`Error::Caller`] when the number of elements is not the product of `shape`.
    pub fn new(shape: impl Into<Shape>, data: Vec<f64>) -> Result<Self> {
        let out = Self { shape: shape.into(), dtype: DType::F32, data };
        out.check().map(|()| out)
    }

    /// The elements rounded to the array's type.
    ///
    /// # Errors
    /// [`Error::Caller`] when the number of elements is not the product of the shape.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let shape = self.shape.clone();
        let tensor = match self.dtype {
            DType::F32 => Tensor::from_f32(shape, self.data.iter().map(|&v| v as f32).collect()),
            DType::F16 => Tensor::new(shape, Data::F16(self.data.iter().map(|&v| f16::from_f64(v)).collect())),
            // Saturates: the "to the end" of a slice, 2^63-1, survives its way through f64.
            whole => Tensor::integers(whole, shape, self.data.iter().map(|&v| v as i64).collect()),
        };
        tensor.ok_or_else(|| self.mismatch())
    }

    /// Whether the data fits the shape.
    pub(super) fn check(&self) -> Result<()> {
        if self.shape.checked_len() == Some(self.data.len()) { Ok(()) } else { Err(self.mismatch()) }
    }

    fn mismatch(&self) -> Error {
        Error::Caller(format!(
            "An array of the shape {} holds {} elements. Give as many as the product of its dimensions.",
            self.shape,
            self.data.len()
        ))
    }
}

impl From<&Tensor> for Array {
    fn from(tensor: &Tensor) -> Self {
        Self { shape: tensor.shape().clone(), dtype: tensor.dtype(), data: tensor.to_f64() }
    }
}
