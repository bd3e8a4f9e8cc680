//! Element-wise functions.

pub(crate) mod affine;
pub(crate) mod binary;
pub(crate) mod broadcast;
pub(crate) mod cast;
pub(crate) mod choice;
pub(crate) mod unary;

use crate::tensor::DType;

/// How shaders cut whole numbers to a type (`wrapped` in shaders/shared/words.wgsl): the bits lost, + 256 where the type has a sign.
fn wrap(dtype: DType) -> u32 {
    match dtype {
        DType::I8 => 24 + 256,
        DType::U8 => 24,
        DType::I16 => 16 + 256,
        DType::U16 => 16,
        _ => 0,
    }
}
