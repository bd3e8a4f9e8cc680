//! Cases of Winograd convolutions and what joins their output transform in one launch: the same convolution again, or pooling.

use super::conv::{Layer, both_precisions, layer, spread_inputs};
use super::{Case, Spread};
use crate::error::Result;
use crate::graph::{Op, Pool, PoolKind, Window};
use crate::kernels::conv::winograd_walk;
use crate::recording::{Caps, ConvAlgorithm, Force};
use crate::reference::{Array, magnitude};

/// As many channels out as in. Maps that tiles of 2 and 4 do not cover exactly, of one row of tiles, of one column, of several bands; channels
/// that end within a vec4 and within a workgroup.
const LAYERS: [Layer; 8] = [
    layer(1, 5, [7, 9], 5, 3, 1, 1),
    layer(3, 36, [14, 13], 36, 3, 1, 1),
    layer(1, 8, [30, 17], 8, 3, 1, 1),
    layer(2, 4, [1, 6], 4, 3, 1, 1),
    layer(1, 6, [11, 2], 6, 3, 1, 1),
    layer(2, 5, [40, 33], 5, 3, 1, 1),
    layer(1, 8, [9, 16], 8, 3, 1, 1),
    layer(1, 12, [28, 28], 12, 3, 1, 1),
];

pub(crate) fn between(_caps: &Caps) -> Vec<Case> {
    let tiles = [(2, 2.0), (4, 9.0)].into_iter();
    tiles.flat_map(|(m, factor)| fused(&LAYERS, m, factor, false)).collect()
}

/// Maps that are not too wide for a walk.
pub(crate) fn walk(_caps: &Caps) -> Vec<Case> {
    let tiles = [(2, 2.0), (4, 9.0)].into_iter();
    tiles
        .flat_map(|(m, factor)| {
            let layers: Vec<_> = LAYERS.into_iter().filter(|l| l.w.div_ceil(m) <= winograd_walk::TILES).collect();
            fused(&layers, m, factor, true)
        })
        .collect()
}

/// `factor` is that of one convolution, see docs/tolerances.md.
fn fused(layers: &[Layer], m: usize, factor: f64, textures: bool) -> Vec<Case> {
    let conv = Some(ConvAlgorithm::Winograd(m as u32));
    let force = Force { conv, textures: Some(textures), fuse: Some(true), ..Force::default() };
    let cases = [false, true].into_iter().flat_map(|pre_affine| spread_inputs(layers, pre_affine)).collect();
    let twice = |(i, c): (usize, Case)| {
        let shown = i % 3 == 1;
        let name = format!("{} twice{}", c.name, if shown { ", both shown" } else { "" });
        let case = Case { name, before: vec![c.op.clone()], shown, spread: Spread::Output, force: force.clone(), ..c };
        let growth = 1.0 + growth(&case).unwrap_or(0.0);
        Case { factor: factor * growth, half_factor: 2.0 * growth, ..case }
    };
    both_precisions(cases).into_iter().enumerate().map(twice).collect()
}

/// Maximum pooling of 2x2, with windows that end outside of maps of odd sizes, and without.
pub(crate) fn pooled(_caps: &Caps) -> Vec<Case> {
    let pool = |ceil| Op::Pool(Pool { kind: PoolKind::Max, window: Window::square(2, 2, 0), ceil, count_include_pad: false });
    let layers: Vec<_> = LAYERS.into_iter().filter(|l| l.h > 1).collect();
    let cases = |(m, factor): (u32, f64)| {
        let force = Force { conv: Some(ConvAlgorithm::Winograd(m)), fuse: Some(true), ..Force::default() };
        let with = move |(i, c): (usize, Case)| {
            let ceil = i % 2 == 1;
            let name = format!("{} F({m}), pooled{}", c.name, if ceil { " beyond the map" } else { "" });
            let case = Case { name, before: vec![c.op.clone()], op: pool(ceil), spread: Spread::Output, force: force.clone(), ..c };
            // Pooling moves no element further than one of the map was off.
            let growth = growth(&case).unwrap_or(0.0);
            Case { factor: factor * growth, half_factor: 2.0 * growth, ..case }
        };
        both_precisions(spread_inputs(&layers, false)).into_iter().enumerate().map(with)
    };
    [(2, 2.0), (4, 9.0)].into_iter().flat_map(cases).collect()
}

/// How many times the bound of the second operation the bound of the first has become behind it: every element of the map may be off by as
/// much as the largest.
fn growth(case: &Case) -> Result<f64> {
    let largest = |a: &Array| a.data.iter().copied().fold(0.0, f64::max);
    let mut arrays = case.arrays()?;
    let run = |op: &Op, arrays: &[Array]| magnitude(op, &arrays.iter().collect::<Vec<_>>());
    let own = largest(&run(&case.op, &arrays)?);
    let before = case.magnitude_before()?.map_or(0.0, |a| largest(&a));
    arrays[0].data.fill(before);
    Ok(largest(&run(&case.op, &arrays)?) / own)
}
