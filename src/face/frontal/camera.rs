//! An affine camera: how the points of a face in space come to lie in a picture (Taigman et al. 2014, section 2.2).

/// `u = p[0] . (x, y, z, 1)`, `v = p[1] . (x, y, z, 1)`: pixels from the coordinates of [`super::shape::points`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Both rows.
    pub p: [[f64; 4]; 2],
}

impl Camera {
    /// The generalised least-squares camera for independent errors of standard deviation `deviations` (any unit). `None` when the points
    /// lie in a plane, or a number is not finite.
    pub fn fit(points: &[[f64; 3]], picture: &[[f64; 2]], deviations: &[f64]) -> Option<Self> {
        // One normal matrix serves both rows: sum of h h' / s^2.
        let (mut normal, mut right) = ([[0.0; 4]; 4], [[0.0; 4]; 2]);
        for ((&[x, y, z], u), s) in points.iter().zip(picture).zip(deviations) {
            let h = [x, y, z, 1.0];
            let weight = 1.0 / (s * s);
            for i in 0..4 {
                for j in 0..4 {
                    normal[i][j] += weight * h[i] * h[j];
                }
                for k in 0..2 {
                    right[k][i] += weight * h[i] * u[k];
                }
            }
        }
        let p = [solve(normal, right[0])?, solve(normal, right[1])?];
        p.iter().flatten().all(|v| v.is_finite()).then_some(Self { p })
    }

    /// Where a point lies in the picture.
    pub fn project(&self, [x, y, z]: [f64; 3]) -> [f64; 2] {
        self.p.map(|[a, b, c, d]| a * x + b * y + c * z + d)
    }

    /// The unit vector from the face to the camera, in the coordinates of the face; z is not negative. `None` for a camera that sees a line.
    pub fn direction(&self) -> Option<[f64; 3]> {
        let [[a, b, c, _], [d, e, f, _]] = self.p;
        let cross = [b * f - c * e, c * d - a * f, a * e - b * d];
        let length = cross.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length.is_nan() || length < 1e-12 {
            return None;
        }
        let sign = if cross[2] < 0.0 { -1.0 } else { 1.0 };
        Some(cross.map(|v| sign * v / length))
    }

    /// Turns of the head in degrees: yaw (positive when the face looks to the right of the picture), pitch (positive when it looks up), roll
    /// (positive when its eyes' line turns clockwise in the picture).
    pub fn pose(&self) -> Option<[f64; 3]> {
        let [x, y, z] = self.direction()?;
        // Roll: where the face's own x axis, seen square to the direction, points in the picture; of the face's plane that is the mean of
        // its x axis and its turned y axis.
        let [[a, b, ..], [d, e, ..]] = self.p;
        let roll = (d + b).atan2(a - e);
        Some([(-x).atan2(z).to_degrees(), (-y).atan2(x.hypot(z)).to_degrees(), roll.to_degrees()])
    }

    /// Pixels for a centimetre: the mean length of both rows.
    pub fn scale(&self) -> f64 {
        self.p.iter().map(|[a, b, c, _]| (a * a + b * b + c * c).sqrt()).sum::<f64>() / 2.0
    }
}

/// The solution of a symmetric positive definite system, by Cholesky's factors. `None` when it is not, or nearly.
fn solve(a: [[f64; 4]; 4], b: [f64; 4]) -> Option<[f64; 4]> {
    let mut l = [[0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            if i == j {
                if sum.is_nan() || sum <= 1e-12 * a[i][i] {
                    return None;
                }
                l[i][i] = sum.sqrt();
            } else {
                l[i][j] = sum / l[j][j];
            }
        }
    }
    let mut x = b;
    for i in 0..4 {
        x[i] = (x[i] - (0..i).map(|k| l[i][k] * x[k]).sum::<f64>()) / l[i][i];
    }
    for i in (0..4).rev() {
        x[i] = (x[i] - (i + 1..4).map(|k| l[k][i] * x[k]).sum::<f64>()) / l[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::face::frontal::shape::points;

    /// The camera that sees a head turned by yaw, pitch and roll (degrees), `scale` pixels to a centimetre.
    pub(crate) fn seen(yaw: f64, pitch: f64, roll: f64, scale: f64) -> Camera {
        let ((sy, cy), (sp, cp), (sr, cr)) = (yaw.to_radians().sin_cos(), pitch.to_radians().sin_cos(), roll.to_radians().sin_cos());
        // The head turns to the right of the picture: its z axis gains x. Then it looks up: z gains y. Rows of R, y up.
        let x = [cy, 0.0, sy];
        let y = [-sp * sy, cp, sp * cy];
        let u = std::array::from_fn(|i| if i < 3 { scale * (cr * x[i] + sr * y[i]) } else { 100.0 });
        let v = std::array::from_fn(|i| if i < 3 { scale * (sr * x[i] - cr * y[i]) } else { 90.0 });
        Camera { p: [u, v] }
    }

    #[test]
    fn a_camera_comes_back_from_what_it_sees() {
        let p = points();
        let camera = seen(30.0, -10.0, 5.0, 6.0);
        let picture = p.map(|q| camera.project(q));
        let deviations: Vec<f64> = (0..68).map(|i| if i < 17 { 2.5 } else { 0.8 }).collect();
        let found = Camera::fit(&p, &picture, &deviations).unwrap();
        for (a, b) in found.p.iter().flatten().zip(camera.p.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
        assert!((found.scale() - 6.0).abs() < 1e-9);
    }

    #[test]
    fn poses_come_back() {
        for (yaw, pitch) in [(0.0, 0.0), (30.0, 0.0), (-45.0, 10.0), (10.0, -25.0)] {
            let [y, p, _] = seen(yaw, pitch, 0.0, 3.0).pose().unwrap();
            assert!((y - yaw).abs() < 1e-9 && (p - pitch).abs() < 1e-9, "{yaw} {pitch}: {y} {p}");
        }
        let [_, _, roll] = seen(0.0, 0.0, 20.0, 3.0).pose().unwrap();
        assert!((roll - 20.0).abs() < 1e-9, "{roll}");
    }

    #[test]
    fn points_of_a_plane_have_no_camera() {
        let flat: Vec<_> = points().iter().map(|&[x, y, _]| [x, y, 1.0]).collect();
        let picture: Vec<_> = flat.iter().map(|&[x, y, _]| [x, y]).collect();
        assert_eq!(Camera::fit(&flat, &picture, &[1.0; 68]), None);
        assert_eq!(Camera::fit(&points(), &[[f64::NAN; 2]; 68], &[1.0; 68]), None);
        assert_eq!(Camera { p: [[1.0, 0.0, 0.0, 0.0]; 2] }.direction(), None);
    }
}
