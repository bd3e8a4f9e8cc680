//! Host tensors: a shape and row-major data of one of the few types a vision model needs.

mod dtype;
mod picture;
mod pieces;
mod shape;
pub use dtype::DType;
pub use picture::{Border, Look, PictureView, Sampling};
pub(crate) use pieces::{Piece, Pieces};
pub use shape::{Shape, broadcast, strides};

use half::f16;

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// See [`DType::F32`].
    F32(Vec<f32>),
    /// See [`DType::F16`].
    F16(Vec<f16>),
    /// Whole numbers and truth values of any width, held as 64 bits; the tensor's [`DType`] says which.
    I64(Vec<i64>),
}

/// A dense row-major tensor in host memory. `data.len()` always equals the product of `shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Shape,
    dtype: DType,
    data: Data,
}

impl Tensor {
    /// A tensor from its parts, or `None` when the number of elements differs from the product of `shape`.
    pub fn new(shape: impl Into<Shape>, data: Data) -> Option<Self> {
        let shape = shape.into();
        let (len, dtype) = match &data {
            Data::F32(v) => (v.len(), DType::F32),
            Data::F16(v) => (v.len(), DType::F16),
            Data::I64(v) => (v.len(), DType::I64),
        };
        (shape.checked_len()? == len).then_some(Self { shape, dtype, data })
    }

    /// An f32 tensor, or `None` when the number of elements does not fit.
    pub fn from_f32(shape: impl Into<Shape>, data: Vec<f32>) -> Option<Self> {
        Self::new(shape, Data::F32(data))
    }

    /// An i64 tensor, or `None` when the number of elements does not fit.
    pub fn from_i64(shape: impl Into<Shape>, data: Vec<i64>) -> Option<Self> {
        Self::new(shape, Data::I64(data))
    }

    /// A tensor of whole numbers or truth values, or `None` when the number of elements does not fit, `dtype` is a float type, or an
    /// element is outside its range.
    pub fn integers(dtype: DType, shape: impl Into<Shape>, data: Vec<i64>) -> Option<Self> {
        let (least, most) = dtype.range()?;
        let fits = data.iter().all(|v| (least..=most).contains(v));
        Self::new(shape, Data::I64(data)).filter(|_| fits).map(|t| Self { dtype, ..t })
    }

    /// A rank-1 f32 tensor.
    pub fn vector(data: Vec<f32>) -> Self {
        Self { shape: Shape::from([data.len()]), dtype: DType::F32, data: Data::F32(data) }
    }

    /// A rank-1 i64 tensor.
    pub fn indices(data: Vec<i64>) -> Self {
        Self { shape: Shape::from([data.len()]), dtype: DType::I64, data: Data::I64(data) }
    }

    /// An f32 tensor of zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let data = Data::F32(vec![0.0; shape.len()]);
        Self { shape, dtype: DType::F32, data }
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements as f32, borrowed when they are f32 already.
    pub fn to_f32(&self) -> std::borrow::Cow<'_, [f32]> {
        match &self.data {
            Data::F32(v) => v.into(),
            Data::F16(v) => v.iter().map(|x| x.to_f32()).collect::<Vec<_>>().into(),
            Data::I64(v) => v.iter().map(|&x| x as f32).collect::<Vec<_>>().into(),
        }
    }

    /// The elements as f64 (exact for f32, f16 and integers below 2^53).
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F16(v) => v.iter().map(|x| x.to_f64()).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
        }
    }

    /// The elements of a tensor of whole numbers or truth values.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            Data::I64(v) => Some(v),
            _ => None,
        }
    }

    /// The same elements under another shape, or `None` when the number of elements differs.
    pub fn reshaped(self, shape: impl Into<Shape>) -> Option<Self> {
        let shape = shape.into();
        (shape.checked_len()? == self.len()).then_some(Self { shape, ..self })
    }

    /// The same values stored as f16 (round to nearest even). Integers are unchanged.
    pub fn to_f16(&self) -> Self {
        match &self.data {
            Data::F32(v) => {
                let data = Data::F16(v.iter().map(|&x| f16::from_f32(x)).collect());
                Self { shape: self.shape.clone(), dtype: DType::F16, data }
            }
            _ => self.clone(),
        }
    }

    /// Whether every f32 element is exactly representable as f16, so that storing it so loses nothing.
    pub fn fits_f16(&self) -> bool {
        match &self.data {
            Data::F32(v) => v.iter().all(|&x| f16::from_f32(x).to_f32().to_bits() == x.to_bits()),
            Data::F16(_) => true,
            Data::I64(_) => false,
        }
    }
}
