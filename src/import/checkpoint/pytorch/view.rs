//! Tensors out of storages: strided views become dense.

use super::heap::{Storage, View};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// The dense tensor that a view shows, with `bytes` for its storage.
///
/// # Errors
/// Model where it looks beyond its storage, or the storage is smaller than the pickle says; Limits.
pub(super) fn dense(file: &str, name: &str, view: &View<'_>, bytes: &[u8], budget: &mut Budget) -> Result<Tensor> {
    let bytes = part(file, &view.storage, bytes)?;
    let size = view.elements.bytes();
    let first = first(view, bytes.len() / size).ok_or_else(|| {
        damaged(
            file,
            &format!(
                "has the tensor `{name}` (dimensions {:?}, strides {:?}, offset {}) reach beyond its storage of {} elements",
                view.dims,
                view.strides,
                view.offset,
                bytes.len() / size
            ),
        )
    })?;
    if is_dense(view) {
        let from = bytes.get(first * size..).unwrap_or_default();
        return view.elements.tensor(file, name, &view.dims, from, budget);
    }
    // Booked while both the gathered bytes and the tensor are there.
    let (_, length) = budget.reserve_tensor(name, &view.dims, size)?;
    let gathered = gather(view, bytes, first, length);
    let tensor = view.elements.tensor(file, name, &view.dims, &gathered, budget)?;
    budget.release((length * size) as u64);
    Ok(tensor)
}

/// The bytes of the part of a storage that is meant.
fn part<'b>(file: &str, storage: &Storage<'_>, bytes: &'b [u8]) -> Result<&'b [u8]> {
    let size = storage.element_bytes();
    let held = storage.count.checked_mul(size).and_then(|n| bytes.get(..n)).ok_or_else(|| {
        damaged(
            file,
            &format!("holds {} bytes for the storage `{}`, which has {} elements of {size} bytes", bytes.len(), storage.key, storage.count),
        )
    })?;
    let Some((first, count)) = storage.part else { return Ok(held) };
    let range = first.checked_mul(size).zip(first.checked_add(count).and_then(|end| end.checked_mul(size)));
    range.and_then(|(from, to)| held.get(from..to)).ok_or_else(|| {
        damaged(
            file,
            &format!("takes the elements {first} to {first}+{count} of the storage `{}`, which has {}", storage.key, storage.count),
        )
    })
}

/// The first element, when that and the last are among `count`. A dimension that is negative is for later to refuse.
fn first(view: &View<'_>, count: usize) -> Option<usize> {
    let first = usize::try_from(view.offset).ok()?;
    if view.dims.contains(&0) {
        return Some(first.min(count));
    }
    let mut last = first;
    for (&dim, &stride) in view.dims.iter().zip(&view.strides) {
        let steps = usize::try_from(dim).ok().and_then(|n| n.checked_sub(1))?;
        last = usize::try_from(stride).ok()?.checked_mul(steps)?.checked_add(last)?;
    }
    (last < count).then_some(first)
}

/// Whether the elements lie side by side in row-major order. Strides of axes of length 1 mean nothing.
fn is_dense(view: &View<'_>) -> bool {
    let mut expected: i64 = 1;
    for (&dim, &stride) in view.dims.iter().zip(&view.strides).rev() {
        if dim != 1 && stride != expected {
            return view.dims.contains(&0);
        }
        expected = expected.saturating_mul(dim);
    }
    true
}

/// The bytes of `length` elements in row-major order; all of them are there.
fn gather(view: &View<'_>, bytes: &[u8], first: usize, length: usize) -> Vec<u8> {
    let size = view.elements.bytes();
    let mut out = Vec::with_capacity(length * size);
    let axes: Vec<(usize, usize)> = view.dims.iter().zip(&view.strides).map(|(&d, &s)| (d as usize, s as usize)).collect();
    let mut index = vec![0; axes.len()];
    let mut at = first;
    for _ in 0..length {
        out.extend_from_slice(bytes.get(at * size..(at + 1) * size).unwrap_or_default());
        for (i, &(dim, stride)) in index.iter_mut().zip(&axes).rev() {
            *i += 1;
            if *i < dim {
                at += stride;
                break;
            }
            *i = 0;
            at -= stride * (dim - 1);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::import::Limits;
    use crate::import::checkpoint::elements::Elements;

    fn look(offset: i64, dims: &[i64], strides: &[i64]) -> Result<Vec<f32>> {
        let bytes: Vec<u8> = (0..12).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let storage = Storage { key: "0", elements: Some(Elements::F32), count: 12, part: None };
        let view = View { storage, elements: Elements::F32, offset, dims: dims.to_vec(), strides: strides.to_vec() };
        Ok(dense("a.pt", "w", &view, &bytes, &mut Budget::new(&Limits::default()))?.to_f32().into_owned())
    }

    #[test]
    fn views_become_dense() {
        assert_eq!(look(0, &[2, 3], &[3, 1]).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(look(1, &[3, 2], &[1, 3]).unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(look(7, &[2, 2], &[0, 1]).unwrap(), [7.0, 8.0, 7.0, 8.0]);
        assert_eq!(look(0, &[2, 2, 2], &[1, 1, 1]).unwrap(), [0.0, 1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 3.0]);
        assert_eq!(look(11, &[], &[]).unwrap(), [11.0]);
        assert_eq!(look(11, &[1, 1], &[500, 7]).unwrap(), [11.0]);
        assert_eq!(look(12, &[0, 5], &[9, 9]).unwrap(), [] as [f32; 0]);
    }

    #[test]
    fn views_beyond_their_storage_are_refused() {
        for (offset, dims, strides) in [
            (1, vec![12], vec![1]),
            (-1, vec![2], vec![1]),
            (0, vec![2], vec![-1]),
            (0, vec![2, 2], vec![i64::MAX, i64::MAX]),
            (i64::MAX, vec![2], vec![i64::MAX]),
            (0, vec![-2, 2], vec![1, 1]),
            (12, vec![], vec![]),
        ] {
            let text = look(offset, &dims, &strides).unwrap_err().to_string();
            assert!(text.contains("reach beyond its storage of 12 elements"), "{text}");
        }
        assert!(matches!(look(0, &[i64::MAX, 4], &[0, 0]), Err(crate::error::Error::Limits(_))));
    }
}
