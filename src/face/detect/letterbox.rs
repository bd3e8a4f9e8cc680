//! A picture in the top left corner of a network's input, its proportions kept; the rest is black.

use super::turn::Turn;
use crate::face::Face;
use crate::tensor::{Border, Look, Sampling};

/// How a picture lies in an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Letterbox {
    /// Width and height of the input.
    pub(super) size: [usize; 2],
    /// Pixels of the input a pixel of the picture, along each axis.
    scale: [f64; 2],
}

impl Letterbox {
    /// As large as it fits into `size`; the side with room to spare is rounded down.
    pub(super) fn fit(picture: [u32; 2], size: [usize; 2]) -> Self {
        let [w, h] = picture.map(f64::from);
        let [width, height] = size.map(|n| n as f64);
        let [across, down] = if h / w > height / width { [(height * w / h).floor(), height] } else { [width, (width * h / w).floor()] };
        Self { size, scale: [across.max(1.0) / w, down.max(1.0) / h] }
    }

    /// At `scale` at most 1, in an input just as large, rounded up to multiples of 32.
    pub(super) fn free(picture: [u32; 2], scale: f64) -> Self {
        let side = |n: u32| (f64::from(n) * scale).round().max(1.0);
        let sides = picture.map(side);
        let size = sides.map(|n| (n as usize).next_multiple_of(32));
        Self { size, scale: [sides[0] / f64::from(picture[0]), sides[1] / f64::from(picture[1])] }
    }

    /// What the network sees. Pixels are resized as squares: centre (u + ½) / scale - ½.
    pub(super) fn look(&self, turn: Turn) -> Look {
        let [sx, sy] = self.scale;
        let inner = [1.0 / sx, 0.0, 0.5 / sx - 0.5, 0.0, 1.0 / sy, 0.5 / sy - 0.5];
        Look::Warp { transform: turn.after(inner), border: Border::Black, sampling: Sampling::Smooth }
    }

    /// A face of the input in the picture. Coordinates are divided, as all these networks are trained: theirs were multiplied.
    pub(super) fn back(&self, face: Face) -> Face {
        let [sx, sy] = self.scale;
        let (x, y) = (|v: f32| (f64::from(v) / sx) as f32, |v: f32| (f64::from(v) / sy) as f32);
        let [left, top, right, bottom] = face.bounds;
        Face {
            bounds: [x(left), y(top), x(right), y(bottom)],
            landmarks: face.landmarks.into_iter().map(|[u, v]| [x(u), y(v)]).collect(),
            ..face
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    /// Where a pixel of the input lies in the picture.
    fn seen(letterbox: &Letterbox, turn: Turn, u: f32, v: f32) -> [f32; 2] {
        let Look::Warp { transform: [a, b, c, d, e, f], .. } = letterbox.look(turn) else { panic!("no warp") };
        [a * u + b * v + c, d * u + e * v + f]
    }

    #[test]
    fn pictures_fit_and_keep_their_proportions() {
        for picture in [[1, 1], [10, 3000], [3000, 10], [640, 480], [481, 641], [16384, 1]] {
            for size in [[320, 240], [640, 640]] {
                let letterbox = Letterbox::fit(picture, size);
                let drawn = [0, 1].map(|i| letterbox.scale[i] * f64::from(picture[i]));
                assert!(drawn[0] <= size[0] as f64 && drawn[1] <= size[1] as f64, "{picture:?} in {size:?}: {drawn:?}");
                assert!((0..2).any(|i| (drawn[i] - size[i] as f64).abs() < 1e-9), "{picture:?} in {size:?}: {drawn:?}");
                // A pixel of the input is what rounding may cost.
                let wanted = drawn[0] * f64::from(picture[1]) / f64::from(picture[0]);
                let other = drawn[1] * f64::from(picture[0]) / f64::from(picture[1]);
                assert!((drawn[1] - wanted).abs() <= 1.0 || (drawn[0] - other).abs() <= 1.0, "{picture:?} in {size:?}: {drawn:?}");
            }
        }
    }

    #[test]
    fn free_inputs_are_as_large_as_the_picture_rounded_up() {
        for (picture, scale, size) in [([250, 250], 1.0, [256, 256]), ([256, 33], 1.0, [256, 64]), ([1, 1], 0.1, [32, 32])] {
            assert_eq!(Letterbox::free(picture, scale).size, size);
        }
        assert_eq!(seen(&Letterbox::free([250, 31], 1.0), upright([250, 31]), 17.0, 5.0), [17.0, 5.0]);
    }

    fn upright(picture: [u32; 2]) -> Turn {
        Turn::all(picture, false).last().unwrap_or_else(|| panic!("no orientation"))
    }

    #[test]
    fn a_face_comes_back_to_where_the_network_saw_it() {
        for turn in Turn::all([500, 300], true) {
            let letterbox = Letterbox::fit(turn.size(), [320, 240]);
            let face = Face { landmarks: vec![[50.0, 60.0]], ..Face::default() };
            let back = turn.back(letterbox.back(face));
            let at = seen(&letterbox, turn, 50.0, 60.0);
            // Half a pixel of each side is between pixels as points and as squares.
            let most = 0.5 / letterbox.scale[0].min(letterbox.scale[1]) + 0.5;
            assert!((0..2).all(|i| f64::from((back.landmarks[0][i] - at[i]).abs()) <= most), "{back:?} {at:?}");
        }
    }
}
