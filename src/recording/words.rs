//! Elements as a device holds them: 32 bits each, of an f32 or of an i32.

use std::borrow::Cow;

use crate::tensor::{DType, Data, Shape, Tensor};

/// The elements of a tensor as device words, or the first whole number that 32 bits cannot hold.
pub(crate) fn words(tensor: &Tensor) -> Result<Cow<'_, [u32]>, i64> {
    match tensor.data() {
        Data::F32(v) => Ok(Cow::Borrowed(bytemuck::cast_slice(v))),
        Data::F16(v) => Ok(v.iter().map(|x| x.to_f32().to_bits()).collect()),
        Data::I64(v) => v.iter().map(|&x| i32::try_from(x).map(|x| x as u32).map_err(|_| x)).collect(),
    }
}

/// The tensor behind device words; `None` when there are too few of them.
pub(crate) fn from_words(words: &[u32], shape: &Shape, dtype: DType) -> Option<Tensor> {
    let words = words.get(..shape.len())?;
    if dtype.is_float() {
        return Tensor::from_f32(shape.clone(), words.iter().map(|&w| f32::from_bits(w)).collect());
    }
    let whole = |w: u32| if dtype == DType::Bool { i64::from(w != 0) } else { dtype.wrap((w as i32).into()) };
    let unsigned = |v: i64| if dtype == DType::U64 { v.max(0) } else { v };
    Tensor::integers(dtype, shape.clone(), words.iter().map(|&w| unsigned(whole(w))).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn whole_numbers_beyond_32_bits_are_named() {
        let t = Tensor::indices(vec![1, i64::from(i32::MAX), 1 << 31]);
        assert_eq!(words(&t).unwrap_err(), 1 << 31);
    }

    #[test]
    fn words_come_back() {
        for dtype in [DType::I64, DType::I32, DType::I8, DType::U8, DType::U16, DType::Bool] {
            let (least, most) = dtype.range().unwrap();
            let values = vec![least.max(i32::MIN.into()), 0, 1, most.min(i32::MAX.into())];
            let t = Tensor::integers(dtype, [4], values).unwrap();
            assert_eq!(from_words(&words(&t).unwrap(), t.shape(), dtype).unwrap(), t);
        }
        let t = Tensor::vector(vec![-0.0, 1.5, f32::MAX]);
        assert_eq!(from_words(&words(&t).unwrap(), t.shape(), DType::F32).unwrap(), t);
    }
}
