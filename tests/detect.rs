//! Faces in photographs: against what the detectors' own programs found, against an independent decoding of the networks' outputs, and on
//! pictures and networks that make no sense.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "detect/command.rs"]
mod command;
mod common;
#[path = "detect/decoding.rs"]
mod decoding;
#[path = "detect/golden.rs"]
mod golden;
#[path = "detect/models.rs"]
mod models;
#[path = "detect/plain.rs"]
mod plain;
#[path = "detect/robust.rs"]
mod robust;

use common::gpu;
use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::face::detect::{Detect, DetectOptions, Detector};
use lookalike::gpu::Photo;

fn upload(picture: &Picture) -> Photo {
    Photo::upload(&gpu(), &picture.rgb, picture.width, picture.height).unwrap()
}

fn find(detector: &Detector, picture: &Picture, options: &DetectOptions) -> Vec<Face> {
    detector.detect(&[upload(picture)], options).unwrap().remove(0)
}

/// The largest differences of corners and of landmarks.
fn apart(a: &Face, b: &Face) -> [f32; 2] {
    let largest = |x: &[f32], y: &[f32]| x.iter().zip(y).fold(0.0, |most: f32, (x, y)| most.max((x - y).abs()));
    assert_eq!(a.landmarks.len(), b.landmarks.len());
    [largest(&a.bounds, &b.bounds), largest(a.landmarks.as_flattened(), b.landmarks.as_flattened())]
}

/// For every expected face the differences of corners and landmarks to the one found that is nearest. Both have as many.
fn matched(found: &[Face], expected: &[Face], what: &str) -> Vec<[f32; 2]> {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}\nexpected {expected:?}");
    let nearest = |e: &Face| found.iter().map(|f| apart(f, e)).min_by(|a, b| a[0].total_cmp(&b[0])).unwrap();
    expected.iter().map(nearest).collect()
}

fn assert_ordered(faces: &[Face]) {
    assert!(faces.windows(2).all(|w| w[0].score >= w[1].score), "{faces:?}");
}

/// Noise of pixels.
fn noise(seed: u64, width: u32, height: u32) -> Picture {
    let mut random = common::Random(seed);
    let rgb = (0..width as usize * height as usize * 3).map(|_| random.next() as u8).collect();
    Picture::new(width, height, rgb).unwrap()
}
