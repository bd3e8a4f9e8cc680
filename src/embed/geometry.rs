//! Where an output pixel looks in its picture.
//!
//! A transform is `[a, b, c, d, e, f]`: the output pixel centre (u, v) reads the source at x = a u + b v + c, y = d u + e v + f,
//! with pixel centres at integers (the convention of `cv2.warpAffine` with `WARP_INVERSE_MAP`).

use crate::model::Align;

/// The five points of the 112x112 ArcFace crop, as (x, y): image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.
pub const ARCFACE_112: [[f64; 2]; 5] = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/// A rotation with uniform scale and shift: x' = a x - b y + tx, y' = b x + a y + ty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times cosine.
    pub a: f64,
    /// Scale times sine.
    pub b: f64,
    /// Shift in x.
    pub tx: f64,
    /// Shift in y.
    pub ty: f64,
}

impl Similarity {
    /// The least-squares similarity from `source` to `target` (Umeyama 1991 without reflection, which in two dimensions has a closed form).
    ///
    /// `None` when the source points coincide or there are fewer than two.
    pub fn fit(source: &[[f64; 2]], target: &[[f64; 2]]) -> Option<Self> {
        let n = source.len().min(target.len());
        if n < 2 {
            return None;
        }
        let mean = |p: &[[f64; 2]], i: usize| p[..n].iter().map(|q| q[i]).sum::<f64>() / n as f64;
        let (sx, sy, dx, dy) = (mean(source, 0), mean(source, 1), mean(target, 0), mean(target, 1));
        let (mut a, mut b, mut q) = (0.0, 0.0, 0.0);
        for (s, d) in source.iter().zip(target) {
            let (s, d) = ([s[0] - sx, s[1] - sy], [d[0] - dx, d[1] - dy]);
            a += s[0] * d[0] + s[1] * d[1];
            b += s[0] * d[1] - s[1] * d[0];
            q += s[0] * s[0] + s[1] * s[1];
        }
        if q.is_nan() || q < 1e-12 {
            return None;
        }
        let (a, b) = (a / q, b / q);
        Some(Self { a, b, tx: dx - (a * sx - b * sy), ty: dy - (b * sx + a * sy) })
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty]
    }

    /// The way back, or `None` for a similarity that shrinks everything to a point.
    pub fn inverse(&self) -> Option<Self> {
        let q = self.a * self.a + self.b * self.b;
        if q.is_nan() || q < 1e-24 {
            return None;
        }
        let (a, b) = (self.a / q, -self.b / q);
        Some(Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) })
    }

    /// The transform of an output whose pixels are sent to the source by this similarity.
    pub fn transform(&self) -> [f32; 6] {
        [self.a, -self.b, self.tx, self.b, self.a, self.ty].map(|x| x as f32)
    }
}

/// The five points of a model's crop: those of its description, or of the template it names (`arcface-112`, scaled to the crop's size).
///
/// Sizes that are multiples of 112 scale the template; multiples of 128 scale it by size/128 and shift x by 8 size/128;
/// 96x112 shifts x by -8. `None` when the description has neither points nor a template known here.
pub fn align_points(align: &Align) -> Option<[[f64; 2]; 5]> {
    if let Some(points) = &align.points {
        return Some(points.map(|p| p.map(f64::from)));
    }
    match align.template.as_deref()? {
        "arcface-112" | "arcface" => {}
        _ => return None,
    }
    let [width, height] = align.size;
    let (scale, shift) = match (width, height) {
        (96, 112) => (1.0, -8.0),
        (w, h) if w == h && w > 0 && w % 112 == 0 => (w as f64 / 112.0, 0.0),
        (w, h) if w == h && w > 0 && w % 128 == 0 => (w as f64 / 128.0, 8.0 * w as f64 / 128.0),
        _ => return None,
    };
    Some(ARCFACE_112.map(|[x, y]| [x * scale + shift, y * scale]))
}

/// The transform that shows the rectangle `[x, y, width, height]` (in pixels, edges not centres) in an output of `size` (width, height).
pub fn whole_crop([x, y, width, height]: [f64; 4], size: [usize; 2]) -> [f32; 6] {
    let (sx, sy) = (width / size[0].max(1) as f64, height / size[1].max(1) as f64);
    [sx, 0.0, x + 0.5 * sx - 0.5, 0.0, sy, y + 0.5 * sy - 0.5].map(|v| v as f32)
}

/// The whole picture, whatever its aspect ratio: for crops that are ready.
pub fn stretch(width: u32, height: u32, size: [usize; 2]) -> [f32; 6] {
    whole_crop([0.0, 0.0, f64::from(width), f64::from(height)], size)
}

/// The largest centred rectangle with the aspect ratio of the output.
pub fn centre_crop(width: u32, height: u32, size: [usize; 2]) -> [f32; 6] {
    let (w, h) = (f64::from(width), f64::from(height));
    let ratio = size[0].max(1) as f64 / size[1].max(1) as f64;
    let (cw, ch) = if w > h * ratio { (h * ratio, h) } else { (w, w / ratio) };
    whole_crop([(w - cw) / 2.0, (h - ch) / 2.0, cw, ch], size)
}

/// The same output seen in a mirror: column u shows what column `width - 1 - u` showed.
pub fn mirrored([a, b, c, d, e, f]: [f32; 6], width: usize) -> [f32; 6] {
    let last = width.saturating_sub(1) as f32;
    [-a, b, c + a * last, -d, e, f + d * last]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn look(t: [f32; 6], u: f64, v: f64) -> [f64; 2] {
        let t = t.map(f64::from);
        [t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5]]
    }

    #[test]
    fn similarity_matches_the_closed_form_test_vector() {
        // numpy, float64: a, b, t of the 112x112 ArcFace template for these five points.
        let source = [[30.0, 40.0], [70.0, 42.0], [50.0, 62.0], [34.0, 80.0], [66.0, 81.0]];
        let m = Similarity::fit(&source, &ARCFACE_112).unwrap();
        let expected = [0.966_011_06, -0.022_687_59, 6.341_664_35, 14.108_484_87];
        for (x, y) in [m.a, m.b, m.tx, m.ty].iter().zip(expected) {
            assert!((x - y).abs() < 1e-8, "{x} {y}");
        }
        let back = m.inverse().unwrap();
        let [x, y] = back.apply(m.apply([3.0, -7.0]));
        assert!((x - 3.0).abs() < 1e-12 && (y + 7.0).abs() < 1e-12);
    }

    #[test]
    fn coinciding_points_have_no_similarity() {
        assert_eq!(Similarity::fit(&[[1.0, 1.0]; 5], &ARCFACE_112), None);
        assert_eq!(Similarity::fit(&[[f64::NAN, 1.0]; 5], &ARCFACE_112), None);
        assert_eq!(Similarity { a: 0.0, b: 0.0, tx: 1.0, ty: 1.0 }.inverse(), None);
    }

    #[test]
    fn a_crop_of_the_output_size_is_the_identity() {
        assert_eq!(stretch(112, 112, [112, 112]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(centre_crop(112, 112, [112, 112]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_centre_crop_keeps_the_aspect_ratio_and_the_centre() {
        let t = centre_crop(300, 200, [96, 112]);
        assert_eq!(t[0], t[4]);
        let [x, y] = look(t, 47.5, 55.5);
        assert!((x - 149.5).abs() < 1e-4 && (y - 99.5).abs() < 1e-4, "{x} {y}");
    }

    #[test]
    fn mirroring_swaps_the_first_and_the_last_column() {
        let t = [0.9, 0.1, 3.0, -0.1, 0.9, 5.0];
        let m = mirrored(t, 112);
        let (p, q) = (look(t, 0.0, 7.0), look(m, 111.0, 7.0));
        assert!((p[0] - q[0]).abs() < 1e-4 && (p[1] - q[1]).abs() < 1e-4);
        let twice = mirrored(m, 112);
        assert!(twice.iter().zip(t).all(|(x, y)| (x - y).abs() < 1e-4));
    }
}
