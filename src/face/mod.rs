//! From a photograph to crops: faces are found, their landmarks placed, and transforms made that put them where networks expect them.
//!
//! Everything here gives places in a [`Photo`](crate::gpu::Photo), not pixels: the network that looks next reads the photo on the device.

pub mod align;
pub mod detect;
pub mod frontal;
pub mod patches;
pub mod quality;

/// A face found in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Face {
    /// Left, top, right, bottom in pixels of the picture, pixel centres at integers. May reach beyond the picture.
    pub bounds: [f32; 4],
    /// The detector's confidence, 0..1.
    pub score: f32,
    /// (x, y) in pixels of the picture: none; five (image-left eye, image-right eye, nose tip, image-left and image-right mouth corner); or
    /// 68 in the order of iBUG 300-W.
    pub landmarks: Vec<[f32; 2]>,
}

impl Face {
    /// Width and height of the bounds in pixels.
    pub fn size(&self) -> [f32; 2] {
        let [left, top, right, bottom] = self.bounds;
        [right - left, bottom - top]
    }

    /// The five points that alignment uses, from five or 68 landmarks (eyes are the means of their six contour points).
    pub fn five_points(&self) -> Option<[[f64; 2]; 5]> {
        let at = |i: usize| self.landmarks[i].map(f64::from);
        let mean = |range: std::ops::Range<usize>| {
            let n = range.len() as f64;
            range.map(at).fold([0.0; 2], |sum, p| [sum[0] + p[0] / n, sum[1] + p[1] / n])
        };
        match self.landmarks.len() {
            5 => Some([0, 1, 2, 3, 4].map(at)),
            68 => Some([mean(36..42), mean(42..48), at(30), at(48), at(54)]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_eight_points_give_five() {
        let landmarks = (0..68).map(|i| [i as f32, 2.0 * i as f32]).collect();
        let face = Face { landmarks, ..Face::default() };
        let five = face.five_points().unwrap_or_default();
        assert!((five[0][0] - 38.5).abs() < 1e-9 && (five[1][1] - 89.0).abs() < 1e-9);
        assert_eq!(five[2..], [[30.0, 60.0], [48.0, 96.0], [54.0, 108.0]]);
        assert_eq!(Face::default().five_points(), None);
    }
}
