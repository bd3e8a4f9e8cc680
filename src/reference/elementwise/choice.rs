//! `condition ? a : b`.

use crate::reference::Array;
use crate::reference::strided::broadcast;

/// All three operands are broadcast to `out`.
pub(in crate::reference) fn choice(inputs: &[&Array], out: &[usize]) -> Vec<f64> {
    let [condition, a, b] = [0, 1, 2].map(|i| broadcast(&inputs[i].data, &inputs[i].shape, out));
    condition.into_iter().zip(a.into_iter().zip(b)).map(|(c, (a, b))| if c != 0.0 { a } else { b }).collect()
}
