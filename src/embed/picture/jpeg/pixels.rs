//! Samples to pixels: chroma enlarged by triangles, colours converted, with libjpeg's rounding.

use super::frame::{Component, Frame};
use super::idct;

/// Samples of a component in rows of whole blocks.
struct Plane {
    samples: Vec<u8>,
    stride: usize,
    /// Samples that count, across and down.
    size: [usize; 2],
}

impl Plane {
    fn of(component: &Component) -> Option<Self> {
        let steps = component.steps.as_ref()?;
        let [across, down] = component.blocks;
        let stride = across * 8;
        let mut samples = vec![0; stride * down * 8];
        for (i, block) in component.coefficients.chunks_exact(64).enumerate() {
            let corner = i / across * 8 * stride + i % across * 8;
            for (row, line) in idct::samples(block, steps).chunks_exact(8).enumerate() {
                samples[corner + row * stride..][..8].copy_from_slice(line);
            }
        }
        Some(Self { samples, stride, size: component.size })
    }

    /// A row; above the first and below the last are those.
    fn row(&self, row: usize) -> &[u8] {
        let row = row.min(self.size[1] - 1);
        &self.samples[row * self.stride..][..self.size[0]]
    }

    /// Row `y` of the picture, enlarged by `scale`, into `out`.
    fn enlarged(&self, y: usize, scale: [usize; 2], out: &mut Vec<u8>) {
        out.clear();
        let row = y / scale[1];
        let near = self.row(row);
        // The neighbour that is nearer to this half of the row.
        let far = self.row(if y.is_multiple_of(2) { row.saturating_sub(1) } else { row + 1 });
        let mixed = |i: usize| 3 * u32::from(near[i]) + u32::from(far[i]);
        let last = near.len() - 1;
        match scale {
            [1, 1] => out.extend(near),
            [1, _] => out.extend((0..=last).map(|i| ((mixed(i) + 1 + (y % 2) as u32) >> 2) as u8)),
            // Too narrow for triangles.
            [_, _] if last < 2 => out.extend(near.iter().flat_map(|&v| [v, v])),
            [_, 1] => {
                let pair = |a: usize, b: usize, add: u32| ((3 * u32::from(near[a]) + u32::from(near[b]) + add) >> 2) as u8;
                for i in 0..=last {
                    out.push(if i == 0 { near[0] } else { pair(i, i - 1, 1) });
                    out.push(if i == last { near[i] } else { pair(i, i + 1, 2) });
                }
            }
            _ => {
                let pair = |a: usize, b: usize, add: u32| ((3 * mixed(a) + mixed(b) + add) >> 4) as u8;
                for i in 0..=last {
                    out.push(pair(i, i.saturating_sub(1), 8));
                    out.push(pair(i, (i + 1).min(last), 7));
                }
            }
        }
    }
}

/// Constants with 16 bits after the point.
const fn fix(x: f64) -> i32 {
    (x * 65536.0 + 0.5) as i32
}

fn rgb(y: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, blue, red) = (i32::from(y), i32::from(blue) - 128, i32::from(red) - 128);
    let r = y + ((fix(1.40200) * red + HALF) >> 16);
    let g = y + ((HALF - fix(0.34414) * blue - fix(0.71414) * red) >> 16);
    let b = y + ((fix(1.77200) * blue + HALF) >> 16);
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

/// Width, height and RGB bytes.
pub(super) fn of(frame: &Frame) -> Option<(u32, u32, Vec<u8>)> {
    let [width, height] = frame.size;
    let [luma, blue, red] = &frame.components;
    let scale = luma.sampling;
    let planes = [Plane::of(luma)?, Plane::of(blue)?, Plane::of(red)?];
    let mut out = Vec::with_capacity(width * height * 3);
    let (mut b, mut r) = (Vec::new(), Vec::new());
    for y in 0..height {
        planes[1].enlarged(y, scale, &mut b);
        planes[2].enlarged(y, scale, &mut r);
        out.extend(planes[0].row(y).iter().zip(b.iter().zip(&r)).flat_map(|(&y, (&b, &r))| rgb(y, b, r)));
    }
    (out.len() == width * height * 3).then_some((width as u32, height as u32, out))
}
