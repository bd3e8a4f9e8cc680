//! Cases of products whose sums are cut into slices: even and uneven ones, channels that end within a vec4, every epilogue.

use super::conv::{Layer, both_precisions, epilogue, layer, spread_inputs};
use super::{Case, Input};
use crate::graph::{Epilogue, Linear, Op};
use crate::recording::{Caps, ConvAlgorithm, Force, GemmFamily};

/// Channels beyond the four vec4s that a stage of the tiled kernel takes, so that both families have something to cut.
const LAYERS: [Layer; 7] = [
    layer(1, 18, [7, 9], 6, 3, 1, 1),
    Layer { pads: [1, 0, 0, 1], ..layer(3, 33, [13, 11], 37, 3, 2, 0) },
    layer(2, 128, [8, 8], 64, 1, 1, 0),
    Layer { dilation: 2, ..layer(1, 40, [9, 9], 130, 3, 1, 2) },
    Layer { kernel: [3, 1], pads: [1, 0, 1, 0], ..layer(1, 21, [33, 1], 12, 3, 1, 1) },
    layer(9, 260, [1, 1], 70, 1, 1, 0),
    layer(1, 512, [3, 3], 5, 3, 1, 0),
];

/// Rows and columns of a dense layer, and its outputs: by the matrix-vector product, and by the matrix product.
const DENSE: [([usize; 2], usize); 4] = [([1, 77], 5), ([2, 260], 130), ([5, 258], 33), ([3, 1030], 64)];

fn dense(i: usize, &([rows, columns], outputs): &([usize; 2], usize), input: Input) -> Case {
    let epilogue = if input == Input::Noise { epilogue(i) } else { Epilogue::default() };
    let mut operands = vec![
        (input.tensor(&[rows, columns], 1), true),
        (Input::Noise.tensor(&[outputs, columns], 2), false),
        (Input::Noise.tensor(&[outputs], 3), false),
    ];
    operands.extend(epilogue.slope.then(|| (Input::Noise.tensor(&[outputs], 4), false)));
    operands.extend(epilogue.residual.then(|| (Input::Noise.tensor(&[rows, outputs], 5), true)));
    let op = Op::Linear(Linear { bias: true, flatten_order: Vec::new(), epilogue });
    Case::new(format!("{rows}x{columns} -> {outputs} {}", input.label()), op, operands, columns + 3)
}

pub(crate) fn slices(caps: &Caps) -> Vec<Case> {
    let mut cases = spread_inputs(&LAYERS, false);
    cases.extend(DENSE.iter().enumerate().map(|(i, d)| dense(i, d, Input::Noise)));
    cases.extend(Input::ALL.iter().enumerate().map(|(i, &input)| dense(i, &DENSE[i % DENSE.len()], input)));
    let subgroup = caps.subgroup_size().map(GemmFamily::Subgroup);
    let families = subgroup.into_iter().chain([GemmFamily::Tiled]);
    families
        .flat_map(|family| {
            let cut = cases.iter().zip([2, 3, 8].into_iter().cycle()).map(|(c, slices)| {
                let force = Force { conv: Some(ConvAlgorithm::Gemm), gemm: Some(family), slices: Some(slices), ..Force::default() };
                Case { name: format!("{} in {slices} slices, {family:?}", c.name), force, ..c.clone() }
            });
            both_precisions(cut.collect())
        })
        .collect()
}
