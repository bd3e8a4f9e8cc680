//! The picture kernel: it runs before a plan, so it has its own runner.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison};
use crate::error::Result;
use crate::gpu::{Gpu, Instance, Uploaded, Warp};
use crate::graph::{Dim, Graph, Op};
use crate::model::{Channels, InputDescription, Precision};
use crate::plan::{self, PlanOptions};
use crate::recording::{Feed, Force};
use crate::reference::image::warp;
use crate::tensor::{PictureView, Shape, Tensor};

pub(crate) const WARP_STEM: &str = "image/warp";

/// Batches of different pictures: identity, crop and enlarge, shrink by 3.4, rotate beyond the border.
pub(crate) fn run_warp(gpu: &Gpu) -> Result<Vec<CaseResult>> {
    let transforms =
        [[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.4, 0.0, 2.3, 0.0, 0.35, 1.7], [3.4, 0.0, 1.2, 0.0, 3.4, 1.2], [0.9, -0.5, 1.0, 0.5, 0.9, -3.0]];
    let sizes = [(9, 7), (11, 5), (53, 40), (13, 16)];
    let pixels: Vec<Vec<u8>> =
        sizes.iter().map(|(w, h)| (0..w * h * 3u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect()).collect();
    let views: Vec<PictureView<'_>> =
        (0..4).map(|i| PictureView { rgb: &pixels[i], width: sizes[i].0, height: sizes[i].1, transform: transforms[i] }).collect();
    [(Channels::Rgb, 3), (Channels::Bgr, 3), (Channels::Gray, 1)]
        .into_iter()
        .map(|(channels, count)| {
            let input = InputDescription { channels, mean: [127.5, 100.0, 90.0], scale: [1.0 / 128.0, 0.01, 0.02] };
            run(gpu, &input, &views, [views.len(), count, 10, 13])
        })
        .collect()
}

fn run(gpu: &Gpu, input: &InputDescription, views: &[PictureView<'_>], shape: [usize; 4]) -> Result<CaseResult> {
    let mut graph = Graph::default();
    let x = graph.add_input("x", shape.iter().map(|&n| Dim::Fixed(n)).collect());
    let y = graph.add_node("y", Op::Identity, &[x]);
    graph.outputs = vec![y];
    let shape = Shape::from(shape);
    let options = PlanOptions { precision: Precision::F32, feed: Feed::Packed, force: Force::default() };
    let plan = plan::build(&graph, &[shape.clone(), shape.clone()], gpu.caps(), &options)?;
    let instance = Instance::new(gpu, plan, &Uploaded::default())?;
    let start = Clock::now();
    let prepared = Warp::new(gpu, &instance, input, views)?;
    let got = instance.run(gpu, |encoder| prepared.encode(gpu, encoder))?;
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let want = warp::warp(input, views, shape[3], shape[2]);
    let mut worst = Comparison::default();
    // Coordinates are f32 products and sums of numbers up to 64, so a sample lies up to 2^-17 pixels off, times 255 grey levels of
    // contrast, times the scale; mean and scale add a few roundings of numbers up to 255.
    let scale = input.scale.iter().copied().fold(0.0, f32::max);
    let bound = f64::from(scale) * 255.0 * 2f64.powi(-15);
    for (g, w) in got.iter().flat_map(Tensor::to_f64).zip(&want) {
        worst.add((g - w).abs(), bound);
    }
    Ok(CaseResult {
        kernel: WARP_STEM.to_owned(),
        permutation: WARP_STEM.to_owned(),
        case: format!("four pictures to {shape} {:?}", input.channels),
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0 && got.iter().map(Tensor::len).sum::<usize>() == want.len(),
        micros,
    })
}
