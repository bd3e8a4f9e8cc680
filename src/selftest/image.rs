//! The kernels that read photos: they run before a plan, so they have their own runner.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison};
use crate::error::Result;
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::graph::{Dim, Graph, Op};
use crate::model::{Channels, Description, InputDescription, Model};
use crate::network::{CompileOptions, Network};
use crate::reference::image::warp::{Pixels, fed};
use crate::tensor::{Border, Look, Sampling, Shape, Tensor};

/// Kernels and their cases.
pub(crate) const PHOTO_KERNELS: [(&str, fn() -> Vec<Look>); 2] = [("image/warp", warps), ("image/area", areas)];

/// Identity, crop and enlarge, shrink by 3.4 smoothly and by points, rotate beyond both kinds of border.
fn warps() -> Vec<Look> {
    let transforms =
        [[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.4, 0.0, 2.3, 0.0, 0.35, 1.7], [3.4, 0.0, 1.2, 0.0, 3.4, 1.2], [0.9, -0.5, 1.0, 0.5, 0.9, -3.0]];
    let kinds = [(Border::Edge, Sampling::Smooth), (Border::Black, Sampling::Point)];
    transforms.iter().flat_map(|&transform| kinds.map(|(border, sampling)| Look::Warp { transform, border, sampling })).collect()
}

/// The size itself, enlarged, shrunk by odd factors, beyond the border on all sides, more than 192 pixels to one.
fn areas() -> Vec<Look> {
    let at = |left, top, width, height| Look::Area { left, top, width, height };
    vec![at(0, 0, 13, 10), at(2, 3, 5, 4), at(0, 0, 53, 40), at(-7, -9, 70, 55), at(1, 1, 1, 1), at(-1500, 3, 3900, 7)]
}

/// Runs the cases of one kernel on two photos, every look on both.
pub(crate) fn run(gpu: &Gpu, stem: &str, looks: &[Look]) -> Result<Vec<CaseResult>> {
    let sizes = [(53, 40), (13, 16)];
    let pixels: Vec<Vec<u8>> =
        sizes.iter().map(|(w, h)| (0..w * h * 3u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect()).collect();
    [(Channels::Rgb, 3), (Channels::Bgr, 3), (Channels::Gray, 1)]
        .into_iter()
        .map(|(channels, count)| {
            let input = InputDescription { channels, mean: [127.5, 100.0, 90.0], scale: [1.0 / 128.0, 0.01, 0.02] };
            let photos: Vec<_> = pixels.iter().zip(sizes).map(|(rgb, (width, height))| Pixels { rgb, width, height }).collect();
            let views: Vec<_> = looks.iter().flat_map(|&look| photos.iter().map(move |&p| (p, look))).collect();
            case(gpu, stem, &input, &views, [views.len(), count, 10, 13])
        })
        .collect()
}

fn case(gpu: &Gpu, stem: &str, input: &InputDescription, views: &[(Pixels<'_>, Look)], shape: [usize; 4]) -> Result<CaseResult> {
    let mut graph = Graph::default();
    let dims = [Dim::Free("n".to_owned())].into_iter().chain(shape[1..].iter().map(|&n| Dim::Fixed(n))).collect();
    let x = graph.add_input("x", dims);
    let y = graph.add_node("y", Op::Identity, &[x]);
    graph.outputs = vec![y];
    let shape = Shape::from(shape);
    let model = Model::new(&graph, Description { input: input.clone(), ..Description::default() })?;
    let network = Network::compile(gpu, &model, &CompileOptions { batch: shape[0], ..CompileOptions::default() })?;
    let start = Clock::now();
    // Views take turns between the photos: a dispatch fills slots that are not neighbours.
    let photos = views[..2].iter().map(|(p, _)| Photo::upload(gpu, p.rgb, p.width, p.height)).collect::<Result<Vec<_>>>()?;
    let seen: Vec<_> = views.iter().enumerate().map(|(i, (_, look))| PhotoView { photo: &photos[i % 2], look: *look }).collect();
    let got: Vec<Tensor> = network.run_photos(&seen, None)?.into_iter().map(|(_, t)| t).collect();
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let want = fed(input, views, shape[3], shape[2]);
    let mut worst = Comparison::default();
    // Coordinates are f32 products and sums of numbers up to 64, so a sample lies up to 2^-17 pixels off, times 255 grey levels of
    // contrast, times the scale; mean and scale add a few roundings of numbers up to 255. Means of up to 4096 grey levels are sums of
    // whole numbers below 2^24, which are exact.
    let scale = input.scale.iter().copied().fold(0.0, f32::max);
    let bound = f64::from(scale) * 255.0 * 2f64.powi(-15);
    for (g, w) in got.iter().flat_map(Tensor::to_f64).zip(&want) {
        worst.add((g - w).abs(), bound);
    }
    Ok(CaseResult {
        kernel: stem.to_owned(),
        permutation: stem.to_owned(),
        case: format!("{} looks to {shape} {:?}", views.len(), input.channels),
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0 && got.iter().map(Tensor::len).sum::<usize>() == want.len(),
        micros,
    })
}
