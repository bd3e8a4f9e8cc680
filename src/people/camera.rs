//! From a frame of the generative model to a picture: sharpening, light, and a camera that is never quite straight.

use super::GeneratedPicture;
use super::file::FRAME;
use crate::embed::{ARCFACE_112, Picture};
use crate::random::Stream;

/// Default width and height of a generated picture in pixels: the 112 of the face crop with 16 of margin on every side.
pub const SIZE: u32 = 144;
/// Margin of the frame around the face crop, in the crop's pixels.
const MARGIN: f64 = 16.0;
const CENTRE: f64 = (FRAME as f64 - 1.0) / 2.0;
const SHARPEN: f64 = 0.7;

/// Light and position of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    gain: f64,
    gradient: [f64; 2],
    tint: [f64; 3],
    cos: f64,
    sin: f64,
    scale: f64,
    shift: [f64; 2],
}

impl Camera {
    /// The camera of a picture. Picture 0 has an ideal one.
    pub fn new(seed: u64, person: u64, picture: u64) -> Self {
        let mut stream = Stream::new(seed, person, picture.wrapping_add(1 << 32));
        let ideal = if picture == 0 { 0.0 } else { 1.0 };
        let mut s = |a: f64| stream.symmetric(a) * ideal;
        // The order of the draws is part of the definition.
        let gain = 1.0 + s(0.12);
        let gradient = [s(22.0), s(12.0)];
        let tint = [1.0 + s(0.04), 1.0 + s(0.02), 1.0 + s(0.04)];
        let angle = s(6.0).to_radians();
        let scale = 1.0 + s(0.05);
        let shift = [s(3.0), s(3.0)];
        Self { gain, gradient, tint, cos: angle.cos(), sin: angle.sin(), scale, shift }
    }

    /// Takes the picture of a `[3, 96, 96]` frame, `size` pixels wide and high.
    pub fn shoot(&self, frame: &[f64], size: u32) -> GeneratedPicture {
        let mut planes = sharpen(frame);
        self.light(&mut planes);
        let mut rgb = Vec::with_capacity(size as usize * size as usize * 3);
        for y in 0..size {
            for x in 0..size {
                let q = self.back([f64::from(x), f64::from(y)], size);
                rgb.extend(sample(&planes, q));
            }
        }
        GeneratedPicture { picture: Picture { width: size, height: size, rgb }, landmarks: self.landmarks(size) }
    }

    /// Where the five landmarks are in a picture of `size`.
    pub fn landmarks(&self, size: u32) -> [[f64; 2]; 5] {
        ARCFACE_112.map(|point| {
            let [x, y] = point.map(|a| (a + MARGIN + 0.5) * FRAME as f64 / (112.0 + 2.0 * MARGIN) - 0.5 - CENTRE);
            let p = [
                self.scale * (self.cos * x + self.sin * y) + CENTRE + self.shift[0],
                self.scale * (-self.sin * x + self.cos * y) + CENTRE + self.shift[1],
            ];
            p.map(|p| (p + 0.5) * f64::from(size) / FRAME as f64 - 0.5)
        })
    }

    /// The frame position that an output pixel shows.
    fn back(&self, output: [f64; 2], size: u32) -> [f64; 2] {
        let p = output.map(|o| (o + 0.5) * FRAME as f64 / f64::from(size) - 0.5);
        let (x, y) = ((p[0] - CENTRE - self.shift[0]) / self.scale, (p[1] - CENTRE - self.shift[1]) / self.scale);
        [self.cos * x - self.sin * y + CENTRE, self.sin * x + self.cos * y + CENTRE]
    }

    fn light(&self, planes: &mut [f64]) {
        let ramp = |i: usize| (i as f64 + 0.5) / FRAME as f64 * 2.0 - 1.0;
        for (plane, tint) in planes.chunks_exact_mut(FRAME * FRAME).zip(self.tint) {
            for (i, x) in plane.iter_mut().enumerate() {
                let slope = self.gradient[0] * ramp(i % FRAME) + self.gradient[1] * ramp(i / FRAME);
                *x = (*x - 127.5) * self.gain * tint + 127.5 + slope;
            }
        }
    }
}

/// Unsharp mask with a 5x5 box, edges replicated: the basis is soft.
fn sharpen(frame: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(frame.len());
    for plane in frame.chunks_exact(FRAME * FRAME) {
        for y in 0..FRAME {
            for x in 0..FRAME {
                let mut sum = 0.0;
                for v in 0..5 {
                    let row = (y + v).saturating_sub(2).min(FRAME - 1) * FRAME;
                    for u in 0..5 {
                        sum += plane[row + (x + u).saturating_sub(2).min(FRAME - 1)];
                    }
                }
                let value = plane[y * FRAME + x];
                out.push(value + SHARPEN * (value - sum / 25.0));
            }
        }
    }
    out
}

/// Bilinear with replicated edges, rounded to the nearest byte (ties to even).
fn sample(planes: &[f64], q: [f64; 2]) -> [u8; 3] {
    let last = FRAME as f64 - 1.0;
    let [x, y] = q.map(|v| v.clamp(0.0, last));
    let (x0, y0) = ((x.floor() as usize).min(FRAME - 2), (y.floor() as usize).min(FRAME - 2));
    let (fx, fy) = (x - x0 as f64, y - y0 as f64);
    [0, 1, 2].map(|c| {
        let at = |x: usize, y: usize| planes[c * FRAME * FRAME + y * FRAME + x];
        let top = at(x0, y0) * (1.0 - fx) + at(x0 + 1, y0) * fx;
        let bottom = at(x0, y0 + 1) * (1.0 - fx) + at(x0 + 1, y0 + 1) * fx;
        (top * (1.0 - fy) + bottom * fy).round_ties_even().clamp(0.0, 255.0) as u8
    })
}
