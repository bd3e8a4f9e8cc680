//! Where the corners of the triangles go: the frontal shape, with what makes this face different.

use super::camera::Camera;
use super::shape::{ANCHORS, CORNERS, RING, SCALE, TRIANGLES, canvas, points};

/// Halvings of kappa before it is 0.
const HALVINGS: usize = 12;

/// Twice the signed area, positive for triangles that are anticlockwise with y up (so clockwise on the canvas).
pub(crate) fn area(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])
}

/// The targets on the canvas of points 0 to 59 and of the anchors, and kappa: the share of the residual that they keep.
///
/// A target is the frontal place of its point plus kappa times what the camera does not explain, so that the face keeps its shape (Taigman
/// et al. 2014). Errors of landmarks can fold triangles: kappa, at first pixels of the canvas for those of the picture, is halved until none
/// is folded, and ends at 0, which folds none.
pub(crate) fn targets(camera: &Camera, picture: &[[f64; 2]]) -> (Vec<[f64; 2]>, f64) {
    let shape = points();
    let at = |kappa: f64| -> Vec<[f64; 2]> {
        let corner = |(x, u): (&[f64; 3], &[f64; 2])| {
            let (front, seen) = (canvas([x[0], x[1]]), camera.project(*x));
            [front[0] + kappa * (u[0] - seen[0]), front[1] + kappa * (u[1] - seen[1])]
        };
        shape[..CORNERS].iter().zip(picture).map(corner).chain(ANCHORS).collect()
    };
    let folds = |v: &[[f64; 2]]| TRIANGLES.iter().chain(&RING).any(|&[a, b, c]| area(v[a], v[b], v[c]) <= 0.0);
    let mut kappa = SCALE / camera.scale();
    for _ in 0..HALVINGS {
        let v = at(kappa);
        if !folds(&v) {
            return (v, kappa);
        }
        kappa /= 2.0;
    }
    (at(0.0), 0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_face_like_the_shape_goes_to_the_front_whatever_the_camera() {
        let camera = Camera { p: [[5.0, -0.5, 2.9, 76.0], [-0.1, -5.9, -1.0, 70.0]] };
        let picture = points().map(|x| camera.project(x));
        let (v, kappa) = targets(&camera, &picture);
        assert!((kappa - 7.5 / camera.scale()).abs() < 1e-12);
        for (got, x) in v[..CORNERS].iter().zip(points()) {
            let want = canvas([x[0], x[1]]);
            assert!((got[0] - want[0]).abs() < 1e-9 && (got[1] - want[1]).abs() < 1e-9);
        }
    }

    #[test]
    fn kappa_shrinks_until_nothing_folds() {
        let camera = Camera { p: [[7.5, 0.0, 0.0, 76.0], [0.0, -7.5, 0.0, 66.0]] };
        let mut picture = points().map(|x| camera.project(x));
        // The tip of the nose beyond a mouth corner.
        picture[30][0] += 30.0;
        picture[30][1] += 40.0;
        let (v, kappa) = targets(&camera, &picture);
        assert!(kappa < 1.0 && kappa > 0.0, "{kappa}");
        assert!(TRIANGLES.iter().chain(&RING).all(|&[a, b, c]| area(v[a], v[b], v[c]) > 0.0));
        assert!(v[30][0] > canvas([0.0, 0.0])[0], "the residual is kept in part");
    }
}
