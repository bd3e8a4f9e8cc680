//! Tensors with their axes in another order.

use super::elements::damaged;
use crate::error::Result;
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// `tensor` with axis `order[i]` as its axis `i`. `order` holds every axis once.
///
/// # Errors
/// [`crate::error::Error::Limits`]: there are two of it for a while. [`crate::error::Error::Model`] when it has another number of axes.
pub(super) fn permuted(file: &str, name: &str, tensor: &Tensor, order: &[usize], budget: &mut Budget) -> Result<Tensor> {
    let bytes = tensor.len() as u64 * 4;
    budget.reserve(name, bytes)?;
    let result = turned(tensor, order).ok_or_else(|| {
        damaged(file, &format!("holds the tensor `{name}` ({}), which should have {} dimensions", tensor.shape(), order.len()))
    })?;
    budget.release(bytes);
    Ok(result)
}

/// The same without counting memory; `None` when `order` does not fit.
pub(crate) fn turned(tensor: &Tensor, order: &[usize]) -> Option<Tensor> {
    let dims = tensor.shape().dims();
    if dims.len() != order.len() {
        return None;
    }
    // How far apart neighbours along each axis of the result lie in the source.
    let mut steps = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        steps[axis - 1] = steps[axis] * dims[axis];
    }
    let axes: Vec<(usize, usize)> = order.iter().map(|&axis| Some((*dims.get(axis)?, *steps.get(axis)?))).collect::<Option<_>>()?;
    let source = tensor.to_f32();
    let mut data = Vec::with_capacity(source.len());
    let mut at = vec![0; axes.len()];
    let mut place = 0;
    for _ in 0..source.len() {
        data.push(*source.get(place)?);
        for (index, &(size, step)) in at.iter_mut().zip(&axes).rev() {
            *index += 1;
            place += step;
            if *index < size {
                break;
            }
            place -= step * size;
            *index = 0;
        }
    }
    Tensor::from_f32(axes.iter().map(|&(size, _)| size).collect::<Vec<_>>(), data)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places() {
        let t = Tensor::from_f32([2, 3], (0..6).map(|i| i as f32).collect()).unwrap();
        assert_eq!(turned(&t, &[1, 0]), Tensor::from_f32([3, 2], vec![0., 3., 1., 4., 2., 5.]));
        assert_eq!(turned(&t, &[0, 1]), Some(t.clone()));
        assert_eq!(turned(&t, &[0, 2]), None);
        assert_eq!(turned(&t, &[0]), None);
        let t = Tensor::from_f32([1, 2, 2, 2], (0..8).map(|i| i as f32).collect()).unwrap();
        assert_eq!(turned(&t, &[0, 2, 3, 1]).unwrap().to_f32().as_ref(), [0., 4., 1., 5., 2., 6., 3., 7.]);
        assert_eq!(turned(&Tensor::zeros([0, 3]), &[1, 0]), Some(Tensor::zeros([3, 0])));
    }
}
