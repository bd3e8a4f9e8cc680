//! Embeddings as bytes, and the checksums of rows.

use crc32fast::Hasher;
use half::f16;

use crate::model::Precision;

/// Bytes of a number.
pub(super) fn width(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 4,
        Precision::F16 => 2,
    }
}

/// The numbers one after another, little-endian.
pub(super) fn to_bytes(vector: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F32 => vector.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Precision::F16 => vector.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect(),
    }
}

/// The numbers of [`to_bytes`]; a rest that is no whole number is left out.
pub(super) fn from_bytes(bytes: &[u8], precision: Precision) -> Vec<f32> {
    match precision {
        Precision::F32 => bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Precision::F16 => bytes.as_chunks::<2>().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
    }
}

/// The L2 norm.
pub(super) fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

/// The CRC-32 of an embedding's bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// A CRC-32 over the columns of a row: the lengths go in, so that moving a byte from one column to the next changes it.
pub(super) struct Sum(Hasher);

impl Sum {
    pub(super) fn new(id: i64) -> Self {
        Self(Hasher::new()).whole(id)
    }

    pub(super) fn whole(mut self, n: i64) -> Self {
        self.0.update(&n.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// A number that may be absent; every NaN counts as absent, which is how SQLite stores it.
    pub(super) fn real(self, x: Option<f64>) -> Self {
        match x {
            Some(x) => self.bytes(&x.to_le_bytes()),
            None => self.bytes(&[]),
        }
    }

    pub(super) fn finish(self) -> u32 {
        self.0.finalize()
    }
}

pub(super) fn person_sum(id: i64, label: &str) -> u32 {
    Sum::new(id).bytes(label.as_bytes()).finish()
}

pub(super) fn picture_sum(id: i64, digest: Option<&[u8]>, source: &str) -> u32 {
    Sum::new(id).bytes(digest.unwrap_or_default()).bytes(source.as_bytes()).finish()
}

/// The checksum of everything in a face's row but the embedding, of which the CRC goes in.
pub(super) fn face_sum(
    id: i64,
    person: i64,
    picture: i64,
    number: i64,
    quality: Option<f64>,
    bounds: [Option<f64>; 4],
    added: i64,
    vector_crc: u32,
) -> u32 {
    let row = Sum::new(id).whole(person).whole(picture).whole(number).real(quality);
    bounds.into_iter().fold(row, Sum::real).whole(added).whole(i64::from(vector_crc)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_and_f16_rounds_once() {
        let v = [0.1, -3.5, f32::MIN_POSITIVE, 65504.0];
        assert_eq!(from_bytes(&to_bytes(&v, Precision::F32), Precision::F32), v);
        let once = from_bytes(&to_bytes(&v, Precision::F16), Precision::F16);
        assert_eq!(from_bytes(&to_bytes(&once, Precision::F16), Precision::F16), once);
        assert!((once[0] - 0.1).abs() < 5e-5);
    }

    #[test]
    fn a_byte_that_moves_to_the_next_column_changes_the_sum() {
        let sum = |a: &[u8], b: &[u8]| Sum::new(1).bytes(a).bytes(b).finish();
        assert_ne!(sum(b"ab", b"c"), sum(b"a", b"bc"));
        assert_ne!(Sum::new(1).real(None).finish(), Sum::new(1).real(Some(0.0)).finish());
    }
}
