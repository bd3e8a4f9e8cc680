//! Faces turned to the front: an affine camera is fitted to 68 landmarks of a generic face in space, and the photo is warped triangle by
//! triangle to where they would lie if the head looked into the camera (Taigman et al., DeepFace, CVPR 2014).
//!
//! Own choices, where the paper does not say: the 68 points of iBUG for its unpublished 67, deviations of the contour, kappa, and the
//! mirrored half of the face for what the camera does not see. Landmarks are taken as they are: the paper finds its six fiducials anew
//! after every step of its first alignment.

mod camera;
mod mesh;
mod shape;
mod targets;

pub use camera::Camera;
pub use mesh::facing;
pub use shape::{mirror, points, triangles};

use crate::error::{Error, Result};
use crate::face::Face;
use crate::face::align::{Similarity, affine};
use crate::gpu::{Gpu, Photo};
use crate::tensor::{Border, Look, Sampling};
use mesh::Mesh;

/// Width and height of frontal pictures in pixels: what DeepFace takes.
pub const SIDE: u32 = shape::SIDE;

/// Beyond this yaw, in degrees, the affine camera is poor and most of the face hidden: the picture is turned in the plane only.
pub const MOST_YAW: f64 = 60.0;

/// Standard deviations of landmarks in pixels; only their ratio matters. Points of the jaw (0..16) slide along what is seen of it.
const DEVIATIONS: [f64; 2] = [2.5, 0.8];

/// A face that looks into the camera.
#[derive(Clone, Debug)]
pub struct Frontal {
    /// [`SIDE`] pixels wide and high, on the device: networks take it as any other photo.
    pub photo: Photo,
    /// Degrees that the head was turned by: yaw (positive: it looked to the right of the picture), pitch (up), roll (clockwise).
    pub pose: [f64; 3],
    /// The share of the residual that triangles keep, in pixels of the canvas for those of the picture; 0: the face has the generic shape.
    pub kappa: f64,
    /// The share of the face that the photo shows, 0..1; the rest is its mirror image.
    pub visible: f64,
    /// Whether the head is turned too far ([`MOST_YAW`]): the picture is turned and scaled only.
    pub flat: bool,
}

impl Frontal {
    /// The look that shows all of it to a network of `size` = width, height.
    pub fn look(&self, size: [usize; 2]) -> Look {
        let transform = crate::face::align::stretch(SIDE, SIDE, size);
        Look::Warp { transform, border: Border::Edge, sampling: Sampling::Point }
    }

    /// Its pixels: [`SIDE`] rows of [`SIDE`] times 8-bit RGB.
    ///
    /// # Errors
    /// As [`Photo::render`].
    pub fn pixels(&self, gpu: &Gpu) -> Result<Vec<u8>> {
        Ok(self.photo.render(gpu, &[self.look([SIDE as usize; 2])], [SIDE; 2])?.into_iter().flatten().collect())
    }
}

/// Turns faces to the front.
#[derive(Clone, Debug, Default)]
pub struct Frontaliser {}

impl Frontaliser {
    /// One that works as the paper does.
    pub fn new() -> Self {
        Self {}
    }

    /// The frontal view of a face.
    ///
    /// # Errors
    /// [`Error::NoAlignment`] without 68 landmarks, or when they coincide or are not finite; errors of the device.
    pub fn frontal(&self, gpu: &Gpu, photo: &Photo, face: &Face) -> Result<Frontal> {
        let landmarks: [[f64; 2]; 68] = match face.landmarks.as_slice().try_into() {
            Ok(points) => <[[f32; 2]; 68]>::map(points, |p| p.map(f64::from)),
            Err(_) => return Err(refused(face, &format!("it has {} landmarks, and 68 are needed", face.landmarks.len()))),
        };
        if landmarks.iter().flatten().any(|v| !v.is_finite()) {
            return Err(refused(face, "its landmarks are not finite numbers"));
        }
        let front = points().map(|p| shape::canvas([p[0], p[1]]));
        let fitted = Similarity::fit(&fiducials(&landmarks), &fiducials(&front)).and_then(|s| Some((s, s.inverse()?.matrix())));
        let (flat, to_photo) = fitted.ok_or_else(|| refused(face, "its landmarks coincide"))?;
        let picture = landmarks.map(|p| flat.apply(p));
        let deviations: [f64; 68] = std::array::from_fn(|i| DEVIATIONS[usize::from(i > 16)]);
        let camera = Camera::fit(&points(), &picture, &deviations);
        let posed = camera.and_then(|c| Some((c, c.pose()?)));
        let (camera, mut pose) = posed.ok_or_else(|| refused(face, "its landmarks lie on a line"))?;
        let mesh = if pose[0].abs() <= MOST_YAW { Mesh::new(&camera, &picture, &to_photo) } else { None };
        // The picture was turned before the camera was fitted.
        pose[2] -= flat.b.atan2(flat.a).to_degrees();
        Ok(match mesh {
            Some(mesh) => {
                Frontal { photo: photo.piecewise(gpu, &mesh.pieces)?, pose, kappa: mesh.kappa, visible: mesh.visible, flat: false }
            }
            None => {
                let look = Look::Warp { transform: affine::transform(&to_photo), border: Border::Black, sampling: Sampling::Smooth };
                let pixels: Vec<u8> = photo.render(gpu, &[look], [SIDE; 2])?.into_iter().flatten().collect();
                Frontal { photo: Photo::upload(gpu, &pixels, SIDE, SIDE)?, pose, kappa: 0.0, visible: 1.0, flat: true }
            }
        })
    }
}

/// What the first alignment of the paper uses: eye centres, tip of the nose, mouth corners and the middle of the mouth.
fn fiducials(p: &[[f64; 2]; 68]) -> [[f64; 2]; 6] {
    let mean = |indices: &[usize]| {
        let n = indices.len() as f64;
        indices.iter().fold([0.0; 2], |sum, &i| [sum[0] + p[i][0] / n, sum[1] + p[i][1] / n])
    };
    [mean(&[36, 37, 38, 39, 40, 41]), mean(&[42, 43, 44, 45, 46, 47]), p[30], p[48], p[54], mean(&[51, 57])]
}

fn refused(face: &Face, why: &str) -> Error {
    let [left, top, right, bottom] = face.bounds.map(f32::round);
    Error::NoAlignment(format!(
        "The face at ({left}, {top}) to ({right}, {bottom}) cannot be turned to the front: {why}. Find 68 landmarks first, or use a model \
         that is aligned by five."
    ))
}
