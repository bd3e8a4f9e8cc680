//! Tensors from their storages, which may hold several, in any order of axes.

use std::borrow::Cow;

use super::objects::{Object, Objects, Strided, Value};
use crate::error::Result;
use crate::import::checkpoint::elements::{Elements, damaged};
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// A tensor of the file, not yet copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'o, 'a> {
    strided: &'o Strided<'a>,
    /// The numbers of the storage and their bytes; nothing for a tensor without a storage.
    storage: Option<(Elements, &'a [u8])>,
}

impl<'o, 'a> View<'o, 'a> {
    /// What `value` refers to, when it is a tensor that has elements.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when it has no storage, or is something else that is not nil.
    pub(super) fn of(objects: &'o Objects<'a>, value: Value<'a>, file: &str, name: &str) -> Result<Option<Self>> {
        let strided = match (value, objects.get(value)) {
            (Value::Nil, _) => return Ok(None),
            (_, Some(Object::Tensor(strided))) => strided,
            _ => return Err(damaged(file, &format!("holds something under `{name}` that is no tensor"))),
        };
        if strided.sizes.is_empty() || strided.sizes.contains(&0) {
            return Ok(None);
        }
        let storage = match (strided.storage, objects.get(strided.storage)) {
            (Value::Nil, _) => None,
            (_, Some(&Object::Storage { elements, bytes })) => Some((elements, bytes)),
            _ => return Err(damaged(file, &format!("holds a tensor `{name}` whose storage is none"))),
        };
        Ok(Some(Self { strided, storage }))
    }

    /// Sizes, outermost first.
    pub(super) fn dims(&self) -> &'o [i64] {
        &self.strided.sizes
    }

    /// A copy, with other dimensions of as many elements.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] for a view that reaches out of its storage, [`crate::error::Error::Limits`].
    pub(super) fn copy(&self, file: &str, name: &str, dims: &[i64], budget: &mut Budget) -> Result<Tensor> {
        let Some((elements, stored)) = self.storage else {
            return Err(damaged(file, &format!("holds no numbers for the tensor `{name}`")));
        };
        let size = elements.bytes();
        let first = self.first(file, name, stored.len() / size)?;
        let from_first = stored.get(first * size..).unwrap_or_default();
        let bytes =
            if self.is_contiguous() { Cow::Borrowed(from_first) } else { Cow::Owned(self.gathered(name, from_first, size, budget)?) };
        let tensor = elements.tensor(file, name, dims, &bytes, budget)?;
        if let Cow::Owned(bytes) = bytes {
            budget.release(bytes.len() as u64);
        }
        Ok(tensor)
    }

    /// The first element, counted from 0, of a view that lies within `stored` elements.
    fn first(&self, file: &str, name: &str, stored: usize) -> Result<usize> {
        let Strided { sizes, strides, offset, .. } = self.strided;
        if let Some(&stride) = strides.iter().find(|&&s| s < 0) {
            return Err(damaged(file, &format!("holds a tensor `{name}` with a stride of {stride}")));
        }
        if let Some(&size) = sizes.iter().find(|&&s| s < 0) {
            return Err(damaged(file, &format!("holds a tensor `{name}` with a size of {size}")));
        }
        let steps = sizes.iter().zip(strides).map(|(size, stride)| (size - 1).checked_mul(*stride));
        let last = steps.fold(offset.checked_sub(1), |a, step| a?.checked_add(step?));
        let inside = last.and_then(|n| usize::try_from(n).ok()).is_some_and(|n| n < stored);
        usize::try_from(*offset).ok().and_then(|n| n.checked_sub(1)).filter(|_| inside).ok_or_else(|| {
            damaged(file, &format!("holds a tensor `{name}` that reaches out of its storage of {stored} numbers (it begins at {offset})"))
        })
    }

    fn is_contiguous(&self) -> bool {
        let mut stride = Some(1i64);
        self.strided.sizes.iter().zip(&self.strided.strides).rev().all(|(&size, &found)| {
            let fits = size == 1 || Some(found) == stride;
            stride = stride.and_then(|s| s.checked_mul(size));
            fits
        })
    }

    /// The elements in row-major order. `bytes` begins with the first, and the view lies within it.
    fn gathered(&self, name: &str, bytes: &[u8], size: usize, budget: &mut Budget) -> Result<Vec<u8>> {
        let Strided { sizes, strides, .. } = self.strided;
        let (_, len) = budget.reserve_tensor(name, sizes, size)?;
        let mut out = Vec::with_capacity(len * size);
        let mut index = vec![0i64; sizes.len()];
        for _ in 0..len {
            let place: i64 = index.iter().zip(strides).map(|(i, s)| i * s).sum();
            let start = usize::try_from(place).unwrap_or(usize::MAX).saturating_mul(size);
            out.extend_from_slice(bytes.get(start..start.saturating_add(size)).unwrap_or_default());
            for (i, &n) in index.iter_mut().zip(sizes).rev() {
                *i += 1;
                if *i < n {
                    break;
                }
                *i = 0;
            }
        }
        Ok(out)
    }
}
