//! Cases of what works on row-major memory: reductions and softmax.

use super::{Case, Input};
use crate::graph::{Op, Reduction};
use crate::recording::Caps;

const SHAPES: [&[usize]; 5] = [&[2, 10], &[3, 5, 7], &[1, 6, 4, 5], &[2, 8, 3, 3], &[1, 3, 70, 2]];

pub(crate) fn axis(_caps: &Caps) -> Vec<Case> {
    let mut out = Vec::new();
    for (i, shape) in SHAPES.iter().enumerate() {
        for axis in [1, -1] {
            let input = Input::ALL[i % 4];
            let name = |what: &str| format!("{what} axis {axis} of {shape:?} {}", input.label());
            let operand = || vec![(input.tensor(shape, 1), true)];
            let soft = Case::new(name("softmax"), Op::Softmax { axis, flatten: axis == 1 && i == 2 }, operand(), 70);
            // exp errs by 3 + 2|x| ulp, and x spans the inputs.
            let spread = if matches!(input, Input::Scaled(_) | Input::Ramp) { 4096.0 } else { 16.0 };
            out.push(Case { factor: spread, ..soft });
            out.push(Case::new(name("l2"), Op::L2Normalize { axis, epsilon: 1e-12 }, operand(), 70));
        }
    }
    let kinds = [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min, Reduction::L2, Reduction::L1, Reduction::SumSquare];
    for kind in kinds {
        for (shape, axes) in SHAPES.iter().zip([vec![1], vec![0, 2], vec![], vec![2, 3], vec![-3, -1]]) {
            let name = format!("{kind:?} over {axes:?} of {shape:?}");
            let op = Op::Reduce { kind, axes, keep_dims: true };
            out.push(Case::new(name, op, vec![(Input::Noise.tensor(shape, 1), true)], 420));
        }
    }
    out
}
