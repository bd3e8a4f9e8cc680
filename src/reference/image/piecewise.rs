//! Pictures made of pieces of a photo: what shaders/image/piecewise.wgsl computes.

use super::warp::{Pixels, bilinear};
use crate::tensor::{Border, Pieces};

/// Grey levels of RGB, row by row, before they are rounded.
pub(crate) fn piecewise(photo: &Pixels<'_>, picture: &Pieces) -> Vec<f64> {
    let mut out = Vec::new();
    for v in 0..picture.size[1] {
        for u in 0..picture.size[0] {
            let id = picture.ids[(v * picture.size[0] + u) as usize];
            let piece = &picture.pieces[id as usize];
            let (samples, alpha) = (piece.samples(), f64::from(piece.alpha));
            let offset = |i: u32| (f64::from(i) + 0.5) / f64::from(samples) - 0.5;
            let mut sum = [0.0; 3];
            for j in 0..samples {
                for i in 0..samples {
                    let (u, v) = (f64::from(u) + offset(i), f64::from(v) + offset(j));
                    let look = |t: [f32; 6]| {
                        let t = t.map(f64::from);
                        bilinear(photo, Border::Black, t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5])
                    };
                    let (here, there) = (look(piece.transform), look(piece.fill));
                    sum = std::array::from_fn(|c| sum[c] + here[c] * alpha + there[c] * (1.0 - alpha));
                }
            }
            out.extend(sum.map(|s| s / f64::from(samples * samples)));
        }
    }
    out
}
