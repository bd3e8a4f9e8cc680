//! Pictures made of pieces of a photo: image/piecewise has its own way in and out.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison};
use crate::error::Result;
use crate::gpu::{Gpu, Photo};
use crate::reference::image::piecewise::piecewise;
use crate::reference::image::warp::Pixels;
use crate::tensor::{Border, Look, Piece, Pieces, Sampling};

/// A copy, a turned and enlarged piece beyond the border, one that shrinks by 3.4 with another shining through, one that is all fill.
fn cases() -> Vec<(&'static str, Pieces)> {
    let here = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let turned = [0.7, -0.4, 3.5, 0.4, 0.7, -4.25];
    let small = [3.4, 0.0, 1.2, 0.1, 3.4, 1.2];
    let pieces = vec![
        Piece { transform: here, fill: here, alpha: 1.0 },
        Piece { transform: turned, fill: here, alpha: 1.0 },
        Piece { transform: small, fill: turned, alpha: 0.375 },
        Piece { transform: here, fill: small, alpha: 0.0 },
    ];
    // Stripes that are no multiple of a workgroup wide.
    let of = |size: [u32; 2], width: u32| Pieces {
        size,
        ids: (0..size[0] * size[1]).map(|i| (i % size[0] / width + i / size[0] / 3) % 4).collect(),
        pieces: pieces.clone(),
    };
    vec![("13x10", of([13, 10], 5)), ("64x9", of([64, 9], 7)), ("65x17", of([65, 17], 1)), ("1x1", of([1, 1], 1))]
}

/// Runs the cases on a photo of noise.
pub(crate) fn run(gpu: &Gpu) -> Result<Vec<CaseResult>> {
    let (width, height) = (53, 40);
    let rgb: Vec<u8> = (0..width * height * 3u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    let photo = Photo::upload(gpu, &rgb, width, height)?;
    let copy = Look::Warp { transform: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], border: Border::Black, sampling: Sampling::Point };
    let one = |(case, picture): (&str, Pieces)| {
        let start = Clock::now();
        let made = photo.piecewise(gpu, &picture)?;
        let got: Vec<u8> = made.render(gpu, &[copy], picture.size)?.into_iter().flatten().collect();
        let micros = start.elapsed().as_secs_f64() * 1e6;
        let want = piecewise(&Pixels { rgb: &rgb, width, height }, &picture);
        let mut worst = Comparison::default();
        // Half a level of rounding, and coordinates in f32: samples lie up to 2^-17 pixels off, at up to 255 levels a pixel.
        let bound = 0.5 + 255.0 * 2f64.powi(-15);
        for (&g, w) in got.iter().zip(&want) {
            worst.add((f64::from(g) - w).abs(), bound);
        }
        Ok(CaseResult {
            kernel: "image/piecewise".to_owned(),
            permutation: "image/piecewise".to_owned(),
            case: format!("{case}, {} pieces", picture.pieces.len()),
            max_error: worst.error,
            bound: worst.bound,
            passed: worst.ratio <= 1.0 && got.len() == want.len(),
            micros,
        })
    };
    cases().into_iter().map(one).collect()
}
