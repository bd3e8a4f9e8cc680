//! Cases of products of computed matrices: tile edges, stacks, every kind of broadcasting, vectors.

use super::{Case, Input};
use crate::graph::Op;
use crate::recording::Caps;

pub(crate) fn matmul(_caps: &Caps) -> Vec<Case> {
    let shapes: [(&[usize], &[usize]); 18] = [
        (&[1, 1], &[1, 1]),
        (&[5, 7], &[7, 3]),
        (&[31, 16], &[16, 33]),
        (&[32, 17], &[17, 32]),
        (&[65, 64], &[64, 63]),
        (&[33, 20], &[20, 36]),
        (&[3, 2, 5, 8], &[2, 8, 4]),
        (&[64, 3], &[3, 130]),
        (&[3, 197, 64], &[3, 64, 197]),
        (&[2, 3, 33, 20], &[2, 3, 20, 5]),
        (&[9], &[9]),
        (&[6], &[2, 6, 5]),
        (&[2, 3, 4, 6], &[6]),
        (&[2, 1, 5, 6], &[3, 6, 4]),
        (&[4, 5, 6], &[6, 7]),
        (&[5, 6], &[2, 3, 6, 7]),
        (&[2, 1, 3, 1, 5, 6], &[4, 1, 2, 6, 3]),
        (&[2, 1, 2, 1, 2, 1, 3, 4], &[1, 2, 1, 2, 1, 2, 4, 3]),
    ];
    let case = |(i, (a, b)): (usize, &(&[usize], &[usize])), input: Input| {
        let k = a.last().copied().unwrap_or(1);
        let operands = vec![(input.tensor(a, 1), true), (Input::Noise.tensor(b, 2), b.len() == 2 || i.is_multiple_of(2))];
        Case::new(format!("{a:?} x {b:?} {}", input.label()), Op::MatMul, operands, k)
    };
    let mut out: Vec<Case> = shapes.iter().enumerate().map(|s| case(s, Input::Noise)).collect();
    out.extend(Input::ALL.iter().zip(shapes.iter().enumerate().skip(4)).map(|(&input, s)| case(s, input)));
    out
}

/// A constant matrix on the right takes the way of a layer's weights.
pub(crate) fn rows(_caps: &Caps) -> Vec<Case> {
    let shapes: [(&[usize], [usize; 2]); 4] = [(&[7], [7, 5]), (&[2, 6], [6, 9]), (&[1, 2, 9], [9, 6]), (&[2, 1, 1, 8], [8, 4])];
    let case = |(a, b): &(&[usize], [usize; 2])| {
        let operands = vec![(Input::Noise.tensor(a, 1), true), (Input::Noise.tensor(b, 2), false)];
        Case::new(format!("{a:?} x constant {b:?}"), Op::MatMul, operands, b[0])
    };
    shapes.iter().map(case).collect()
}
