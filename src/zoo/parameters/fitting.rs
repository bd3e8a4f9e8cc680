//! Tensors of checkpoints in the shapes that networks ask for.

use super::{Role, channels_last};
use crate::import::checkpoint::Format;
use crate::tensor::Tensor;

/// A tensor of a file of this format in this shape, when it is the same but for how axes are counted.
pub(super) fn fitted(format: Format, tensor: &Tensor, role: Role, shape: &[usize]) -> Option<Tensor> {
    if format.is_channels_last()
        && matches!(role, Role::Weight | Role::LocalWeight)
        && let Some(turned) = channels_last::turned(tensor, shape)
    {
        return Some(turned);
    }
    if tensor.shape().dims() == shape {
        return Some(tensor.clone());
    }
    let without_ones = |dims: &[usize]| dims.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    let same_rows = |a: &[usize]| a.len() > 1 && a[0] == shape[0] && role == Role::Weight;
    if tensor.len() == shape.iter().product::<usize>() && (without_ones(tensor.shape()) == without_ones(shape) || same_rows(tensor.shape()))
    {
        return tensor.clone().reshaped(shape.to_vec());
    }
    // One slope for all channels.
    let slope = (role == Role::Slope && tensor.len() == 1).then(|| tensor.to_f32()[0])?;
    Tensor::from_f32(shape.to_vec(), vec![slope; shape.iter().product()])
}
