//! The similarity that brings landmarks nearest to a template.

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

    /// Its matrix.
    pub fn matrix(&self) -> super::Affine {
        [[self.a, -self.b, self.tx], [self.b, self.a, self.ty]]
    }

    /// The transform of an output whose pixels are sent to the source by this similarity.
    pub fn transform(&self) -> [f32; 6] {
        [self.a, -self.b, self.tx, self.b, self.a, self.ty].map(|x| x as f32)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::ARCFACE_112;

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
}
