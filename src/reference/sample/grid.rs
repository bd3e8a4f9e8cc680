//! ONNX GridSample of rows, maps and volumes.
//!
//! A coordinate of the grid that is not a number counts as -1, as in PyTorch; ONNX does not say.

use crate::graph::{GridMode, GridPadding, GridSample};
use crate::reference::Array;

/// Cells along one axis and their weights; `None` is a zero beyond the edge.
type Taps = Vec<(Option<usize>, f64)>;

/// One value per place of the grid and channel.
pub(in crate::reference) fn sample(sample: &GridSample, x: &Array, grid: &Array) -> Vec<f64> {
    resample(sample, x, grid, |weight| weight)
}

/// The same with the absolute values of the weights, on what are absolute values already.
pub(in crate::reference) fn magnitude(sample: &GridSample, x: &Array, grid: &Array) -> Vec<f64> {
    resample(sample, x, grid, f64::abs)
}

fn resample(sample: &GridSample, x: &Array, grid: &Array, weight: impl Fn(f64) -> f64) -> Vec<f64> {
    let (channels, spatial) = (x.shape[1], &x.shape[2..]);
    let area: usize = spatial.iter().product();
    let places = grid.data.len() / x.shape[0] / spatial.len();
    let mut out = vec![0.0; x.shape[0] * channels * places];
    for (i, point) in grid.data.chunks(spatial.len()).enumerate() {
        let (batch, place) = (i / places, i % places);
        // The grid counts axes from the last.
        let taps: Vec<Taps> = spatial.iter().zip(point.iter().rev()).map(|(&n, &v)| taps(sample, v, n)).collect();
        for channel in 0..channels {
            let plane = batch * channels + channel;
            out[plane * places + place] = sum(&x.data[plane * area..][..area], spatial, &taps, &weight);
        }
    }
    out
}

/// The weighted sum over all axes of `data`.
fn sum(data: &[f64], dims: &[usize], taps: &[Taps], weight: &impl Fn(f64) -> f64) -> f64 {
    let (Some((&n, rest)), Some((own, others))) = (dims.split_first(), taps.split_first()) else { return data[0] };
    let inner = data.len() / n;
    let term = |&(cell, w): &(Option<usize>, f64)| cell.map_or(0.0, |c| weight(w) * sum(&data[c * inner..][..inner], rest, others, weight));
    own.iter().map(term).sum()
}

fn taps(sample: &GridSample, v: f64, n: usize) -> Taps {
    let v = if v.is_nan() { -1.0 } else { v };
    let cells = n as f64;
    let at = if sample.align_corners { (v + 1.0) / 2.0 * (cells - 1.0) } else { ((v + 1.0) * cells - 1.0) / 2.0 };
    let at = if sample.mode == GridMode::Nearest { at.round_ties_even() } else { at };
    let (first, last) = if sample.align_corners { (0.0, cells - 1.0) } else { (-0.5, cells - 0.5) };
    let at = match sample.padding {
        _ if (first..=last).contains(&at) => at,
        GridPadding::Zeros => at,
        GridPadding::Border => at.clamp(0.0, cells - 1.0),
        GridPadding::Reflection => reflected(at, first, last),
    };
    let (low, f) = (at.floor(), at - at.floor());
    let (before, weights) = match sample.mode {
        GridMode::Nearest => (0.0, vec![1.0]),
        GridMode::Linear => (0.0, vec![1.0 - f, f]),
        GridMode::Cubic => (1.0, cubic(f).to_vec()),
    };
    let cell = |k: usize| {
        let cell = low - before + k as f64;
        let inside = match sample.padding {
            GridPadding::Zeros => cell,
            GridPadding::Border => cell.clamp(0.0, cells - 1.0),
            GridPadding::Reflection => reflected(cell, first, last),
        };
        (0.0..cells).contains(&inside).then_some(inside as usize)
    };
    weights.into_iter().enumerate().map(|(k, w)| (cell(k), w)).collect()
}

/// Mirrored at both borders as often as it takes.
fn reflected(at: f64, first: f64, last: f64) -> f64 {
    let span = last - first;
    if span == 0.0 {
        return first;
    }
    let turned = (at - first).rem_euclid(2.0 * span);
    first + if turned > span { 2.0 * span - turned } else { turned }
}

/// Weights of the cells at -1, 0, 1 and 2 for a place `f` behind cell 0.
fn cubic(f: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let far = |d: f64| ((d - 5.0) * d + 8.0) * d * A - 4.0 * A;
    let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    [far(1.0 + f), near(f), near(1.0 - f), far(2.0 - f)]
}
