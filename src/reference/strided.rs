//! Reading an array with another shape and other strides: the one loop behind broadcasting, transposing and slicing.

use crate::tensor::{Shape, strides};

/// Element `[i, j, ...]` of the result is `data[base + i * steps[0] + j * steps[1] + ...]`. Every such index lies inside `data`.
pub(super) fn read(data: &[f64], base: usize, shape: &[usize], steps: &[isize]) -> Vec<f64> {
    let len = Shape::from(shape).len();
    let mut out = Vec::with_capacity(len);
    let Some((&inner, outer)) = shape.split_last() else {
        return data.get(base).copied().into_iter().collect();
    };
    let step = steps[outer.len()];
    let mut index = vec![0usize; outer.len()];
    let mut at = base;
    while out.len() < len {
        out.extend((0..inner).map(|i| data[at.wrapping_add_signed(i as isize * step)]));
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            at = at.wrapping_add_signed(steps[axis]);
            if index[axis] < outer[axis] {
                break;
            }
            at = at.wrapping_add_signed(-steps[axis] * outer[axis] as isize);
            index[axis] = 0;
        }
    }
    out
}

/// `data` of the shape `from`, repeated to the shape `to` by NumPy's rule.
pub(super) fn broadcast(data: &[f64], from: &[usize], to: &[usize]) -> Vec<f64> {
    if from == to {
        return data.to_vec();
    }
    let missing = to.len() - from.len();
    let own = strides(from);
    let step = |i: usize| match i.checked_sub(missing) {
        Some(j) if from[j] > 1 => own[j] as isize,
        _ => 0,
    };
    read(data, 0, to, &(0..to.len()).map(step).collect::<Vec<_>>())
}
