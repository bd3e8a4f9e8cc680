//! Pictures in four orientations, without moving a pixel.

use crate::face::Face;

/// A picture turned clockwise by quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    quarters: u8,
    /// Width and height of the picture as it is.
    picture: [u32; 2],
}

impl Turn {
    /// The picture as it is, or all four orientations, that one first.
    pub(super) fn all(picture: [u32; 2], rotations: bool) -> impl Iterator<Item = Self> {
        (0..if rotations { 4 } else { 1 }).map(move |quarters| Self { quarters, picture })
    }

    /// Whether nothing is turned.
    pub(super) fn is_upright(self) -> bool {
        self.quarters == 0
    }

    /// Width and height of the turned picture.
    pub(super) fn size(self) -> [u32; 2] {
        let [w, h] = self.picture;
        if self.quarters.is_multiple_of(2) { [w, h] } else { [h, w] }
    }

    /// From the turned picture to the picture: `x = t0 u + t1 v + t2`, `y = t3 u + t4 v + t5`, pixel centres at integers.
    pub(super) fn transform(self) -> [f64; 6] {
        let [right, bottom] = self.picture.map(|n| f64::from(n) - 1.0);
        match self.quarters {
            0 => [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            1 => [0.0, 1.0, 0.0, -1.0, 0.0, bottom],
            2 => [-1.0, 0.0, right, 0.0, -1.0, bottom],
            _ => [0.0, -1.0, right, 1.0, 0.0, 0.0],
        }
    }

    /// `inner`, which leads to the turned picture, and then to the picture.
    pub(super) fn after(self, inner: [f64; 6]) -> [f32; 6] {
        let [a, b, c, d, e, f] = self.transform();
        let [p, q, r, s, t, u] = inner;
        [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f].map(|x| x as f32)
    }

    fn point(self, [u, v]: [f32; 2]) -> [f32; 2] {
        let [a, b, c, d, e, f] = self.transform();
        let (u, v) = (f64::from(u), f64::from(v));
        [(a * u + b * v + c) as f32, (d * u + e * v + f) as f32]
    }

    /// A face of the turned picture in the picture.
    pub(super) fn back(self, face: Face) -> Face {
        if self.is_upright() {
            return face;
        }
        let [left, top, right, bottom] = face.bounds;
        let (p, q) = (self.point([left, top]), self.point([right, bottom]));
        Face {
            bounds: [p[0].min(q[0]), p[1].min(q[1]), p[0].max(q[0]), p[1].max(q[1])],
            landmarks: face.landmarks.into_iter().map(|l| self.point(l)).collect(),
            ..face
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_turn_maps_its_corners_onto_the_picture_and_its_identity_is_a_turn_by_none() {
        let found: Vec<_> = Turn::all([7, 3], true).map(|t| (t.size(), t.point([0.0, 0.0]), t.point([1.0, 0.0]))).collect();
        // Clockwise by a quarter: the first row is the first column from below.
        assert_eq!(found[0], ([7, 3], [0.0, 0.0], [1.0, 0.0]));
        assert_eq!(found[1], ([3, 7], [0.0, 2.0], [0.0, 1.0]));
        assert_eq!(found[2], ([7, 3], [6.0, 2.0], [5.0, 2.0]));
        assert_eq!(found[3], ([3, 7], [6.0, 0.0], [6.0, 1.0]));
        assert_eq!(Turn::all([7, 3], false).count(), 1);
    }

    #[test]
    fn faces_keep_their_size_up_to_its_order() {
        for turn in Turn::all([40, 20], true) {
            let face = Face { bounds: [1.0, 2.0, 6.0, 12.0], score: 0.5, landmarks: vec![[3.0, 4.0]] };
            let back = turn.back(face.clone());
            let (mut a, mut b) = (face.size(), back.size());
            a.sort_by(f32::total_cmp);
            b.sort_by(f32::total_cmp);
            assert_eq!(a, b);
            let [x, y] = back.landmarks[0];
            assert!(x > back.bounds[0] && x < back.bounds[2] && y > back.bounds[1] && y < back.bounds[3]);
        }
    }
}
