//! Pictures to a network's input: affine warp, channel order, normalisation.

use crate::model::{Channels, InputDescription};
use crate::tensor::{Border, Look};

/// A picture: 8-bit RGB.
#[derive(Clone, Copy)]
pub(crate) struct Pixels<'a> {
    pub(crate) rgb: &'a [u8],
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// `[n, c, height, width]` in f64: what shaders/image/warp.wgsl and area.wgsl compute.
pub(crate) fn fed(input: &InputDescription, views: &[(Pixels<'_>, Look)], width: usize, height: usize) -> Vec<f64> {
    let mut out = Vec::new();
    for (pixels, look) in views {
        let mut planes = vec![Vec::with_capacity(width * height); if input.channels == Channels::Gray { 1 } else { 3 }];
        for v in 0..height {
            for u in 0..width {
                let rgb = match *look {
                    Look::Warp { transform, border, .. } => warped(pixels, transform, border, look.samples(), u as f64, v as f64),
                    Look::Area { left, top, width: w, height: h } => {
                        let (columns, rows) = (bin(u, w as usize, width), bin(v, h as usize, height));
                        mean(pixels, columns.map(|c| c + i64::from(left)), rows.map(|r| r + i64::from(top)))
                    }
                };
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
fn warped(pixels: &Pixels<'_>, transform: [f32; 6], border: Border, samples: u32, u: f64, v: f64) -> [f64; 3] {
    let t = transform.map(f64::from);
    let offset = |i: u32| (f64::from(i) + 0.5) / f64::from(samples) - 0.5;
    let mut sum = [0.0; 3];
    for j in 0..samples {
        for i in 0..samples {
            let (u, v) = (u + offset(i), v + offset(j));
            let at = bilinear(pixels, border, t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5]);
            sum = std::array::from_fn(|c| sum[c] + at[c]);
        }
    }
    sum.map(|s| s / f64::from(samples * samples))
}

pub(super) fn bilinear(pixels: &Pixels<'_>, border: Border, x: f64, y: f64) -> [f64; 3] {
    let (col, row) = (x.floor(), y.floor());
    let (wx, wy) = (x - col, y - row);
    let at = |dc: f64, dr: f64| texel(pixels, border, (col + dc) as i64, (row + dr) as i64);
    let (a, b, c, d) = (at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0), at(1.0, 1.0));
    std::array::from_fn(|k| (a[k] * (1.0 - wx) + b[k] * wx) * (1.0 - wy) + (c[k] * (1.0 - wx) + d[k] * wx) * wy)
}

fn texel(pixels: &Pixels<'_>, border: Border, col: i64, row: i64) -> [f64; 3] {
    let (last_col, last_row) = (i64::from(pixels.width) - 1, i64::from(pixels.height) - 1);
    if border == Border::Black && !((0..=last_col).contains(&col) && (0..=last_row).contains(&row)) {
        return [0.0; 3];
    }
    let (c, r) = (col.clamp(0, last_col) as usize, row.clamp(0, last_row) as usize);
    let at = (r * pixels.width as usize + c) * 3;
    std::array::from_fn(|k| f64::from(pixels.rgb[at + k]))
}

/// Columns (or rows) of a rectangle that output `i` of `outputs` covers; of more than 192, 192 evenly spaced ones.
fn bin(i: usize, extent: usize, outputs: usize) -> impl Iterator<Item = i64> + Clone {
    let (first, end) = (i * extent / outputs, ((i + 1) * extent).div_ceil(outputs));
    let (pixels, count) = (end - first, (end - first).min(192));
    (0..count).map(move |j| (first + j * pixels / count) as i64)
}

fn mean(pixels: &Pixels<'_>, columns: impl Iterator<Item = i64> + Clone, rows: impl Iterator<Item = i64>) -> [f64; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for row in rows {
        for col in columns.clone() {
            let at = texel(pixels, Border::Black, col, row);
            sum = std::array::from_fn(|k| sum[k] + at[k]);
            count += 1.0;
        }
    }
    sum.map(|s| s / count)
}
