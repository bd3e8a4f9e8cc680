//! Which triangles of a face are seen, and what every pixel of the canvas is made of.

use super::camera::Camera;
use super::shape::{ANCHORS, CORNERS, RING, SIDE, TRIANGLES, mirror, points, uncanvas};
use super::targets::{area, targets};
use crate::face::align::affine::{self, Affine};
use crate::tensor::{Piece, Pieces};

/// The cosine of the angle of view from which on a triangle is shown as it is; below, its mirror image shines through.
const CLEAR: f64 = 0.2;

/// A face on the canvas.
pub(crate) struct Mesh {
    pub(crate) pieces: Pieces,
    pub(crate) kappa: f64,
    /// The share of the face's area on the canvas that the camera sees.
    pub(crate) visible: f64,
}

/// For every triangle, the cosine between its normal and the direction of the camera: positive where it faces the camera. `None` for a
/// camera that sees a line.
pub fn facing(camera: &Camera) -> Option<Vec<f64>> {
    let (shape, direction) = (points(), camera.direction()?);
    Some(TRIANGLES.iter().map(|&t| cosine(&shape, t, direction)).collect())
}

fn cosine(shape: &[[f64; 3]; 68], [a, b, c]: [usize; 3], direction: [f64; 3]) -> f64 {
    let edge = |to: usize| -> [f64; 3] { std::array::from_fn(|i| shape[to][i] - shape[a][i]) };
    let ([x, y, z], [p, q, r]) = (edge(b), edge(c));
    let normal = [y * r - z * q, z * p - x * r, x * q - y * p];
    let length = normal.iter().map(|v| v * v).sum::<f64>().sqrt();
    normal.iter().zip(direction).map(|(n, d)| n * d).sum::<f64>() / length
}

impl Mesh {
    /// `picture`: the landmarks in the frame of the camera; `to_photo` leads from that frame to the photo. `None` for a camera that sees a
    /// line.
    pub(crate) fn new(camera: &Camera, picture: &[[f64; 2]], to_photo: &Affine) -> Option<Self> {
        let (shape, direction) = (points(), camera.direction()?);
        let (target, kappa) = targets(camera, picture);
        // Anchors are points of the face's mean depth.
        let depth = shape.iter().map(|p| p[2]).sum::<f64>() / shape.len() as f64;
        let anchor = |a: [f64; 2]| {
            let [x, y] = uncanvas(a);
            camera.project([x, y, depth])
        };
        let source: Vec<_> = picture[..CORNERS].iter().copied().chain(ANCHORS.map(anchor)).collect();
        let clear = |t: [usize; 3]| {
            let [a, b, c] = t.map(|i| source[i]);
            if area(a, b, c) > 0.0 { (cosine(&shape, t, direction) / CLEAR).clamp(0.0, 1.0) } else { 0.0 }
        };
        let map = |t: [usize; 3], from: [usize; 3]| {
            let m = affine::fit(&t.map(|i| target[i]), &from.map(|i| source[i]))?;
            Some(affine::transform(&affine::compose(to_photo, &m)))
        };
        let (mut pieces, mut seen, mut total) = (Vec::with_capacity(TRIANGLES.len() + RING.len()), 0.0, 0.0);
        for t in TRIANGLES {
            let [a, b, c] = t.map(|i| target[i]);
            let (own, size) = (clear(t), area(a, b, c));
            total += size;
            if own > 0.0 {
                seen += size;
            }
            // The mirrored triangle turns the other way round.
            let other = [mirror(t[0]), mirror(t[2]), mirror(t[1])];
            let helps = clear(other) > own;
            let transform = map(t, t)?;
            let fill = if helps { map(t, t.map(mirror))? } else { transform };
            pieces.push(Piece { transform, fill, alpha: if helps { own as f32 } else { 1.0 } });
        }
        for t in RING {
            let transform = map(t, t)?;
            pieces.push(Piece { transform, fill: transform, alpha: 1.0 });
        }
        if pieces.iter().any(|p| p.transform.iter().chain(&p.fill).any(|v| !v.is_finite())) {
            return None;
        }
        Some(Self { pieces: Pieces { size: [SIDE; 2], ids: raster(&target), pieces }, kappa, visible: seen / total })
    }
}

/// The triangle of every pixel. Where several share an edge, the last one; all of the canvas is covered.
fn raster(target: &[[f64; 2]]) -> Vec<u32> {
    let side = SIDE as usize;
    let mut ids = vec![0; side * side];
    for (id, t) in TRIANGLES.iter().chain(&RING).enumerate() {
        let [a, b, c] = t.map(|i| target[i]);
        let span = |i: usize| {
            let (low, high) = (a[i].min(b[i]).min(c[i]), a[i].max(b[i]).max(c[i]));
            (low.floor().max(0.0) as usize, (high.ceil().max(0.0) as usize).min(side - 1))
        };
        let ((left, right), (top, bottom)) = (span(0), span(1));
        for v in top..=bottom {
            for u in left..=right {
                let p = [u as f64, v as f64];
                // A hair's breadth, so that no pixel on an edge is missed.
                if area(a, b, p) >= -1e-9 && area(b, c, p) >= -1e-9 && area(c, a, p) >= -1e-9 {
                    ids[v * side + u] = id as u32;
                }
            }
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::frontal::shape::canvas;

    #[test]
    fn every_pixel_belongs_to_a_triangle_around_it() {
        let target: Vec<_> = points()[..CORNERS].iter().map(|p| canvas([p[0], p[1]])).chain(ANCHORS).collect();
        let all: Vec<_> = TRIANGLES.iter().chain(&RING).collect();
        for (i, id) in raster(&target).iter().enumerate() {
            let p = [(i % 152) as f64, (i / 152) as f64];
            let [a, b, c] = all[*id as usize].map(|i| target[i]);
            assert!(area(a, b, p) >= -1e-6 && area(b, c, p) >= -1e-6 && area(c, a, p) >= -1e-6, "{p:?} {id}");
        }
    }
}
