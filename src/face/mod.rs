//! From a photograph to crops: faces are found, their landmarks placed, and transforms made that put them where networks expect them.
//!
//! Everything here gives places in a [`Photo`](crate::gpu::Photo), not pixels: the network that looks next reads the photo on the device.

pub mod align;
pub mod detect;
mod finder;
pub mod frontal;
pub mod landmarks;
pub mod patches;
pub mod quality;
pub mod track;

pub use finder::Finder;

/// Which faces of a picture are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them, by descending score.
    #[default]
    All,
    /// The one with the largest bounds.
    Largest,
    /// The one whose middle is nearest to the middle of the picture.
    Center,
    /// The one that the picture is of: the largest area less twice the squared distance of its middle from the picture's, which is how facenet
    /// chooses faces of data sets.
    Main,
}

impl Which {
    /// The wanted ones of the faces of a picture of `size` = width, height. Ties go to the face that comes first.
    pub fn of(self, mut faces: Vec<Face>, size: [u32; 2]) -> Vec<Face> {
        let cost = |face: &Face| {
            let ([w, h], [left, top, ..]) = (face.size(), face.bounds);
            let away = (left + w / 2.0 - size[0] as f32 / 2.0).hypot(top + h / 2.0 - size[1] as f32 / 2.0);
            match self {
                Self::All => 0.0,
                Self::Largest => -w * h,
                Self::Center => away,
                Self::Main => 2.0 * away * away - w * h,
            }
        };
        if self != Self::All {
            faces.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
            faces.truncate(1);
        }
        faces
    }
}

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

    /// Intersection over union of the bounds, 0..1.
    pub fn overlap(&self, other: &Self) -> f32 {
        let [a, b] = [self.bounds, other.bounds];
        let extent = |low: f32, high: f32| (high - low).max(0.0);
        let shared = extent(a[0].max(b[0]), a[2].min(b[2])) * extent(a[1].max(b[1]), a[3].min(b[3]));
        let area = |r: [f32; 4]| extent(r[0], r[2]) * extent(r[1], r[3]);
        let all = area(a) + area(b) - shared;
        if all > 0.0 { shared / all } else { 0.0 }
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
    fn one_face_can_be_chosen_by_size_or_place() {
        let at = |x: f32, side: f32| Face { bounds: [x, 40.0, x + side, 40.0 + side], score: 0.5, landmarks: Vec::new() };
        let faces = vec![at(0.0, 20.0), at(45.0, 10.0), at(70.0, 20.0)];
        assert_eq!(Which::All.of(faces.clone(), [100, 100]), faces);
        assert_eq!(Which::Largest.of(faces.clone(), [100, 100]), faces[..1]);
        assert_eq!(Which::Center.of(faces.clone(), [100, 100]), faces[1..2]);
        // 400 - 2 * 40^2, 100 and 400 - 2 * 30^2: size counts where the distances are alike.
        assert_eq!(Which::Main.of(faces.clone(), [100, 100]), faces[1..2]);
        assert_eq!(Which::Main.of(vec![at(42.0, 10.0), at(43.0, 20.0)], [100, 100]), [at(43.0, 20.0)]);
        assert!(Which::Largest.of(Vec::new(), [100, 100]).is_empty());
    }

    #[test]
    fn overlap_is_shared_area_over_all_area() {
        let at = |x: f32| Face { bounds: [x, 0.0, x + 10.0, 10.0], ..Face::default() };
        assert_eq!(at(0.0).overlap(&at(0.0)), 1.0);
        assert!((at(0.0).overlap(&at(5.0)) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(at(0.0).overlap(&at(10.0)), 0.0);
        assert_eq!(Face::default().overlap(&Face::default()), 0.0);
    }

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
