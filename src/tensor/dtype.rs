//! Element types.

/// The element type of a tensor.
///
/// All floating-point types of other formats are F32 here, and all arithmetic on them is f32. Whole numbers are 32-bit signed integers on
/// the GPU, whatever their width; a value beyond that range is refused when it is uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit float: pixels, activations, weights.
    #[default]
    F32,
    /// 16-bit float: weights at rest. Converted to f32 before arithmetic.
    F16,
    /// 64-bit integer: shapes and indices.
    I64,
    /// 32-bit integer.
    I32,
    /// 16-bit integer.
    I16,
    /// 8-bit integer: quantised weights and activations.
    I8,
    /// 64-bit unsigned integer, up to 2^63 - 1 here.
    U64,
    /// 32-bit unsigned integer.
    U32,
    /// 16-bit unsigned integer.
    U16,
    /// 8-bit unsigned integer: pixels, quantised activations.
    U8,
    /// A truth value, 0 or 1.
    Bool,
}

impl DType {
    /// Whether elements are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16)
    }

    /// The least and the greatest element of a type of whole numbers; `None` for floats.
    pub fn range(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::F32 | Self::F16 => return None,
            Self::I64 => (i64::MIN, i64::MAX),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::U64 => (0, i64::MAX),
            Self::U32 => (0, u32::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::Bool => (0, 1),
        })
    }

    /// Bytes of an element in files.
    pub fn bytes(self) -> usize {
        match self {
            Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// What a whole number becomes when only the bits of this type are kept, as two's complement arithmetic does. Truth values and 64 bits
    /// are left alone.
    pub fn wrap(self, v: i64) -> i64 {
        match self {
            Self::I32 => i64::from(v as i32),
            Self::I16 => i64::from(v as i16),
            Self::I8 => i64::from(v as i8),
            Self::U32 => i64::from(v as u32),
            Self::U16 => i64::from(v as u16),
            Self::U8 => i64::from(v as u8),
            _ => v,
        }
    }

    /// Little-endian elements of a type of whole numbers or truth values (any byte but 0 is true). A u64 beyond 2^63 - 1 comes out negative.
    pub(crate) fn integers_from_le(self, bytes: &[u8]) -> Vec<i64> {
        match self {
            Self::Bool => bytes.iter().map(|&b| i64::from(b != 0)).collect(),
            Self::U8 => bytes.iter().map(|&b| b.into()).collect(),
            Self::I8 => bytes.iter().map(|&b| i64::from(b as i8)).collect(),
            Self::U16 => elements(bytes, |b| u16::from_le_bytes(b).into()),
            Self::I16 => elements(bytes, |b| i16::from_le_bytes(b).into()),
            Self::U32 => elements(bytes, |b| u32::from_le_bytes(b).into()),
            Self::I32 => elements(bytes, |b| i32::from_le_bytes(b).into()),
            _ => elements(bytes, i64::from_le_bytes),
        }
    }

    /// The opposite of [`Self::integers_from_le`].
    pub(crate) fn integers_to_le(self, values: &[i64]) -> Vec<u8> {
        let width = self.bytes();
        values.iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect()
    }
}

fn elements<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> i64) -> Vec<i64> {
    bytes.as_chunks::<N>().0.iter().map(|&b| convert(b)).collect()
}

impl std::fmt::Display for DType {
    /// As NumPy calls it: `float32`, `uint8`, `bool`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U64 => "uint64",
            Self::U32 => "uint32",
            Self::U16 => "uint16",
            Self::U8 => "uint8",
            Self::Bool => "bool",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_whole_numbers_come_back() {
        for dtype in [DType::I64, DType::I32, DType::I16, DType::I8, DType::U32, DType::U16, DType::U8, DType::Bool] {
            let values = dtype.range().map_or_else(Vec::new, |(a, b)| vec![a, 0, 1, b]);
            let bytes = dtype.integers_to_le(&values);
            assert_eq!(bytes.len(), 4 * dtype.bytes());
            assert_eq!(dtype.integers_from_le(&bytes), values, "{dtype}");
        }
    }

    #[test]
    fn wrapping_keeps_the_low_bits() {
        assert_eq!(DType::U8.wrap(260), 4);
        assert_eq!(DType::I8.wrap(130), -126);
        assert_eq!(DType::U16.wrap(-1), 65535);
    }
}
