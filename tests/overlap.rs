//! Batches that are under way together give what they give one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::gpu;
use lookalike::embed::{EmbedOptions, Embedder, Embedding, Fit, Picture, builtin_model};
use lookalike::gpu::{Gpu, GpuOptions, Photo, PhotoView};
use lookalike::model::Flip;
use lookalike::network::{CompileOptions, Look, Network};

fn picture(seed: u32) -> Picture {
    let level = |i: u32| (i.wrapping_mul(0x9E37_79B9).wrapping_add(seed.wrapping_mul(0x85EB_CA6B)) >> 24) as u8;
    Picture::new(112, 112, (0..112 * 112 * 3).map(level).collect()).unwrap()
}

fn bits(embeddings: &[Embedding]) -> Vec<u32> {
    embeddings.iter().flat_map(|e| e.iter().map(|v| v.to_bits())).collect()
}

#[test]
fn batches_that_are_started_together_have_the_bits_of_batches_in_turn() {
    let gpu = gpu();
    let model = builtin_model().unwrap();
    for flip in [Flip::None, Flip::Concat] {
        let options = EmbedOptions { batch: 3, flip: Some(flip), fit: Fit::Aligned, ..EmbedOptions::default() };
        let embedder = Embedder::new(&gpu, &model, &options).unwrap();
        // Three batches and a rest, more than are under way at a time.
        let pictures: Vec<_> = (0..10).map(picture).collect();
        let want: Vec<u32> = pictures.chunks(3).flat_map(|chunk| bits(&embedder.embed(chunk).unwrap())).collect();
        assert_eq!(bits(&embedder.embed(&pictures).unwrap()), want, "{flip:?}");
        // Several calls under way, waited for in another order; one is given up.
        let first = embedder.start(&pictures[..3]).unwrap();
        let second = embedder.start(&pictures[3..6]).unwrap();
        drop(embedder.start(&pictures[6..9]).unwrap());
        let third = embedder.start(&pictures[9..]).unwrap();
        let (third, first, second) = (third.finish().unwrap(), first.finish().unwrap(), second.finish().unwrap());
        let each = want.len() / 10;
        assert_eq!(bits(&first), want[..3 * each]);
        assert_eq!(bits(&second), want[3 * each..6 * each]);
        assert_eq!(bits(&third), want[9 * each..]);
        assert_ne!(bits(&first), bits(&second));
    }
}

#[test]
fn what_runs_held_on_the_device_is_given_back() {
    // A device of its own: others count too.
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let network = Network::compile(&gpu, &builtin_model().unwrap(), &CompileOptions::default()).unwrap();
    let pixels = picture(1);
    let photo = Photo::upload(&gpu, &pixels.rgb, 112, 112).unwrap();
    let view = [PhotoView { photo: &photo, look: Look::smooth([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]) }];
    let run = |n: usize| {
        let running: Vec<_> = (0..n).map(|_| network.start_photos(&view, None).unwrap()).collect();
        running.into_iter().map(|r| r.finish().unwrap()).collect::<Vec<_>>()
    };
    let one = run(1);
    run(4);
    let held = gpu.memory().0;
    for results in run(4) {
        assert_eq!(results[0].1, one[0][0].1);
    }
    assert_eq!(gpu.memory().0, held, "results of four runs were kept before");
    drop((0..9).map(|_| network.start_photos(&view, None).unwrap()).collect::<Vec<_>>());
    run(4);
    assert!(gpu.memory().0 <= held, "{} {held}", gpu.memory().0);
}

#[test]
fn threads_share_a_plan_while_runs_are_under_way() {
    let gpu = gpu();
    let options = EmbedOptions { batch: 2, fit: Fit::Aligned, ..EmbedOptions::default() };
    let embedder = Embedder::new(&gpu, &builtin_model().unwrap(), &options).unwrap();
    let want: Vec<_> = (0..4u32).map(|t| bits(&embedder.embed(&[picture(t), picture(t + 10)]).unwrap())).collect();
    std::thread::scope(|scope| {
        for (t, want) in want.iter().enumerate() {
            let embedder = &embedder;
            scope.spawn(move || {
                for _ in 0..6 {
                    let pending = embedder.start(&[picture(t as u32), picture(t as u32 + 10)]).unwrap();
                    assert_eq!(&bits(&pending.finish().unwrap()), want);
                }
            });
        }
    });
}
