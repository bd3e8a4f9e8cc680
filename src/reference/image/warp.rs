//! Pictures to a network's input: affine warp, channel order, normalisation.

use crate::model::{Channels, InputDescription};
use crate::tensor::PictureView;

/// `[n, c, height, width]` in f64: what shaders/image/warp.wgsl computes.
pub(crate) fn warp(input: &InputDescription, pictures: &[PictureView<'_>], width: usize, height: usize) -> Vec<f64> {
    let mut out = Vec::new();
    for picture in pictures {
        let samples = picture.samples();
        let mut planes = vec![Vec::with_capacity(width * height); if input.channels == Channels::Gray { 1 } else { 3 }];
        for v in 0..height {
            for u in 0..width {
                let rgb = pixel(picture, samples, u as f64, v as f64);
                let ordered = match input.channels {
                    Channels::Rgb => rgb,
                    Channels::Bgr => [rgb[2], rgb[1], rgb[0]],
                    Channels::Gray => [0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2], 0.0, 0.0],
                };
                for (c, plane) in planes.iter_mut().enumerate() {
                    plane.push((ordered[c] - f64::from(input.mean[c])) * f64::from(input.scale[c]));
                }
            }
        }
        out.extend(planes.into_iter().flatten());
    }
    out
}

/// The mean of `samples` x `samples` bilinear samples inside output pixel (u, v).
fn pixel(picture: &PictureView<'_>, samples: u32, u: f64, v: f64) -> [f64; 3] {
    let t = picture.transform.map(f64::from);
    let offset = |i: u32| (f64::from(i) + 0.5) / f64::from(samples) - 0.5;
    let mut sum = [0.0; 3];
    for j in 0..samples {
        for i in 0..samples {
            let (u, v) = (u + offset(i), v + offset(j));
            let at = bilinear(picture, t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5]);
            sum = std::array::from_fn(|c| sum[c] + at[c]);
        }
    }
    sum.map(|s| s / f64::from(samples * samples))
}

fn bilinear(picture: &PictureView<'_>, x: f64, y: f64) -> [f64; 3] {
    let (col, row) = (x.floor(), y.floor());
    let (wx, wy) = (x - col, y - row);
    let texel = |dc: f64, dr: f64| -> [f64; 3] {
        let c = (col + dc).clamp(0.0, f64::from(picture.width - 1)) as usize;
        let r = (row + dr).clamp(0.0, f64::from(picture.height - 1)) as usize;
        let at = (r * picture.width as usize + c) * 3;
        std::array::from_fn(|k| f64::from(picture.rgb[at + k]))
    };
    let (a, b, c, d) = (texel(0.0, 0.0), texel(1.0, 0.0), texel(0.0, 1.0), texel(1.0, 1.0));
    std::array::from_fn(|k| (a[k] * (1.0 - wx) + b[k] * wx) * (1.0 - wy) + (c[k] * (1.0 - wx) + d[k] * wx) * wy)
}
