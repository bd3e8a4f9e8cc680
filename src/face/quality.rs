//! How good a picture of a face is for telling who it is.

use crate::error::Result;
use crate::face::Face;
use crate::face::align::{Aligner, whole_crop};
use crate::face::frontal::{Camera, points};
use crate::gpu::{Gpu, Photo};
use crate::model::{ARCFACE_112, Align};
use crate::tensor::{Border, Look, Sampling};

/// Width and height of the crops that sharpness is measured on.
const SIDE: u32 = 112;
/// Crops rendered together.
const TOGETHER: usize = 64;

/// Figures of a face. `None`: the face has no landmarks, or they allow no estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// The detector's confidence, 0..1.
    pub score: f32,
    /// Pixels of the photo along the shorter side of the box.
    pub size: f32,
    /// Pixels of the photo between the eyes.
    pub eye_distance: Option<f32>,
    /// Variance of the Laplacian (4 neighbours) of grey levels 0..255 in the crop of 112x112 pixels: below 50 or so the picture is blurred or
    /// the face was enlarged. It rises with noise as well.
    pub sharpness: f32,
    /// Degrees: yaw (positive: looks to the right of the picture), pitch (up), roll (clockwise). From five landmarks a rough estimate, since
    /// noses differ.
    pub pose: Option<[f32; 3]>,
    /// How far landmarks are from where a frontal face has them, as [`crate::face::align::Alignment::residual`].
    pub residual: Option<f32>,
    /// The share of the box that lies inside the photo, 0..1.
    pub inside: f32,
    /// The length of the embedding before it was scaled, where the caller knows it: networks give short ones to faces they cannot read.
    pub norm: Option<f32>,
}

impl Quality {
    /// One figure, 0..1: the product of
    ///
    /// | figure | 0 at | 1 from |
    /// |---|---|---|
    /// | score | 0 | 1 |
    /// | inside | 0 | 1 |
    /// | distance of the eyes (without: a third of the box) | 0 px | 30 px |
    /// | sharpness, as a logarithm | 3 | 100 |
    /// | yaw and pitch, each | 90 degrees | 30 degrees |
    /// | residual | 0.3 | 0.15 |
    ///
    /// each linear between. What is not known counts as 1, and so do roll, which alignment undoes, and the norm, whose scale is the model's.
    pub fn overall(&self) -> f32 {
        // f32::clamp keeps a NaN; a figure that is none counts as the worst.
        let ramp = |value: f32, zero: f32, one: f32| {
            let part = (value - zero) / (one - zero);
            if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
        };
        let eyes = self.eye_distance.unwrap_or(self.size / 3.0);
        let turn = self.pose.map_or(1.0, |[yaw, pitch, _]| ramp(yaw.abs(), 90.0, 30.0) * ramp(pitch.abs(), 90.0, 30.0));
        let residual = self.residual.map_or(1.0, |r| ramp(r, 0.3, 0.15));
        let sharp = ramp(self.sharpness.max(1.0).ln(), 3f32.ln(), 100f32.ln());
        ramp(self.score, 0.0, 1.0) * ramp(self.inside, 0.0, 1.0) * ramp(eyes, 0.0, 30.0) * sharp * turn * residual
    }
}

/// The figures of every face of a photo, in order. Crops are rendered together.
///
/// # Errors
/// As [`Photo::render`].
pub fn assess(gpu: &Gpu, photo: &Photo, faces: &[Face]) -> Result<Vec<Quality>> {
    let aligner = Aligner::of(&Align { size: [SIDE as usize; 2], template: Some("arcface-112".to_owned()), ..Align::default() })?;
    let size = photo.size();
    let mut out = Vec::with_capacity(faces.len());
    for chunk in faces.chunks(TOGETHER) {
        let aligned: Vec<_> = chunk.iter().map(|face| aligner.align(face, size).ok()).collect();
        let looks: Vec<_> = chunk.iter().zip(&aligned).map(|(face, a)| a.map_or_else(|| boxed(face), |a| a.look)).collect();
        let crops = photo.render(gpu, &looks, [SIDE; 2])?;
        for ((face, alignment), crop) in chunk.iter().zip(aligned).zip(crops) {
            let [width, height] = face.size();
            out.push(Quality {
                score: face.score,
                size: width.min(height),
                eye_distance: face.five_points().map(|[l, r, ..]| (l[0] - r[0]).hypot(l[1] - r[1]) as f32),
                sharpness: sharpness(&crop, SIDE as usize),
                pose: pose(face),
                residual: alignment.map(|a| a.residual),
                inside: inside(face, size),
                norm: None,
            });
        }
    }
    Ok(out)
}

/// Yaw, pitch and roll in degrees from 68 or five landmarks: those of the affine camera that fits the generic face best. `None` without
/// landmarks, or when they coincide.
pub fn pose(face: &Face) -> Option<[f32; 3]> {
    let shape = points();
    let camera = if face.landmarks.len() == 68 {
        let picture: Vec<_> = face.landmarks.iter().map(|p| p.map(f64::from)).collect();
        // Points of the jaw slide along what is seen of it.
        let deviations: [f64; 68] = std::array::from_fn(|i| if i < 17 { 2.5 } else { 0.8 });
        Camera::fit(&shape, &picture, &deviations)
    } else {
        Camera::fit(&five_points(), &face.five_points()?, &[1.0; 5])
    };
    camera?.pose().map(|p| p.map(|v| v as f32))
}

/// Five landmarks of the generic face in space, in centimetres: across and up as a frontal face has them in the mean (the ArcFace template,
/// which landmark networks agree with better than with a mesh), and the depth of the mesh.
fn five_points() -> [[f64; 3]; 5] {
    let shape = points();
    let mean = |range: std::ops::Range<usize>, k: usize| range.clone().map(|i| shape[i][k]).sum::<f64>() / range.len() as f64;
    let [left, right, ..] = ARCFACE_112;
    let centimetres = (mean(42..48, 0) - mean(36..42, 0)) / (right[0] - left[0]);
    let depths = [mean(36..42, 2), mean(42..48, 2), shape[30][2], shape[48][2], shape[54][2]];
    std::array::from_fn(|i| {
        let [x, y] = ARCFACE_112[i];
        [(x - 56.0) * centimetres, (left[1] - y) * centimetres, depths[i]]
    })
}

/// The box of a face without landmarks; a pixel of the photo for one that is empty.
fn boxed(face: &Face) -> Look {
    let [left, top, right, bottom] = face.bounds.map(f64::from);
    let (w, h) = (right - left, bottom - top);
    let sound = [left, top, w, h].iter().all(|v| v.is_finite()) && w > 0.0 && h > 0.0;
    // Bounds are pixel centres, `whole_crop` takes edges.
    let rectangle = if sound { [left + 0.5, top + 0.5, w, h] } else { [0.0, 0.0, 1.0, 1.0] };
    Look::Warp { transform: whole_crop(rectangle, [SIDE as usize; 2]), border: Border::Edge, sampling: Sampling::Point }
}

/// The variance of the Laplacian of the grey levels of an RGB picture with rows of `width` pixels; its border is left out.
fn sharpness(rgb: &[u8], width: usize) -> f32 {
    let grey: Vec<f64> = rgb.chunks_exact(3).map(|p| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2])).collect();
    let height = grey.len().checked_div(width).unwrap_or(0);
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for row in 1..height.saturating_sub(1) {
        for col in 1..width.saturating_sub(1) {
            let i = row * width + col;
            let laplacian = grey[i - 1] + grey[i + 1] + grey[i - width] + grey[i + width] - 4.0 * grey[i];
            sum += laplacian;
            squares += laplacian * laplacian;
            count += 1.0;
        }
    }
    if count > 0.0 { (squares / count - (sum / count) * (sum / count)).max(0.0) as f32 } else { 0.0 }
}

/// The share of the box inside a photo of `size`.
fn inside(face: &Face, size: [u32; 2]) -> f32 {
    let [left, top, right, bottom] = face.bounds;
    let cut = |low: f32, high: f32, end: u32| (high.min(end as f32 - 0.5) - low.max(-0.5)).max(0.0) / (high - low);
    let share = cut(left, right, size[0]) * cut(top, bottom, size[1]);
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const GOOD: Quality = Quality {
        score: 1.0,
        size: 120.0,
        eye_distance: Some(45.0),
        sharpness: 400.0,
        pose: Some([5.0, -8.0, 40.0]),
        residual: Some(0.03),
        inside: 1.0,
        norm: None,
    };

    #[test]
    fn a_good_face_is_one_and_every_defect_costs() {
        assert_eq!(GOOD.overall(), 1.0);
        for worse in [
            Quality { score: 0.7, ..GOOD },
            Quality { eye_distance: Some(12.0), ..GOOD },
            Quality { sharpness: 20.0, ..GOOD },
            Quality { pose: Some([-60.0, 0.0, 0.0]), ..GOOD },
            Quality { pose: Some([0.0, 50.0, 0.0]), ..GOOD },
            Quality { residual: Some(0.2), ..GOOD },
            Quality { inside: 0.5, ..GOOD },
            Quality { eye_distance: None, size: 30.0, ..GOOD },
        ] {
            assert!((0.01..0.99).contains(&worse.overall()), "{worse:?} {}", worse.overall());
        }
        for worst in
            [Quality { score: f32::NAN, ..GOOD }, Quality { sharpness: 0.0, ..GOOD }, Quality { pose: Some([90.0, 0.0, 0.0]), ..GOOD }]
        {
            assert_eq!(worst.overall(), 0.0, "{worst:?}");
        }
    }

    #[test]
    fn the_variance_of_the_laplacian_is_that_of_its_definition() {
        // One bright pixel in the middle of 5x5: Laplacians -4k, k four times, 0 four times, of nine inner pixels.
        let mut rgb = vec![0; 75];
        rgb[36..39].fill(255);
        let k = 255.0f64;
        let want = (16.0 + 4.0) * k * k / 9.0;
        assert!((f64::from(sharpness(&rgb, 5)) - want).abs() < 1e-2 * want.sqrt());
        assert_eq!(sharpness(&[7; 75], 5), 0.0);
        assert_eq!(sharpness(&[], 5), 0.0);
    }

    #[test]
    fn poses_of_five_and_68_points_come_back() {
        let shape = points();
        for yaw in [-40.0f64, 0.0, 25.0] {
            let (sin, cos) = yaw.to_radians().sin_cos();
            let at = |[x, y, z]: [f64; 3]| [(6.0 * (cos * x + sin * z) + 80.0) as f32, (90.0 - 6.0 * y) as f32];
            let all = Face { landmarks: shape.iter().map(|&p| at(p)).collect(), ..Face::default() };
            let five = Face { landmarks: five_points().iter().map(|&p| at(p)).collect(), ..Face::default() };
            for face in [&all, &five] {
                let [y, p, r] = pose(face).unwrap();
                assert!((f64::from(y) - yaw).abs() < 0.01 && p.abs() < 0.01 && r.abs() < 0.01, "{yaw}: {y} {p} {r}");
            }
        }
        assert_eq!(pose(&Face::default()), None);
        assert_eq!(pose(&Face { landmarks: vec![[1.0, 1.0]; 5], ..Face::default() }), None);
    }

    #[test]
    fn the_share_inside_the_photo_is_that_of_the_area() {
        let of = |bounds| inside(&Face { bounds, ..Face::default() }, [100, 50]);
        assert_eq!(of([10.0, 10.0, 40.0, 40.0]), 1.0);
        assert!((of([-10.5, 10.0, 9.5, 40.0]) - 0.5).abs() < 1e-6);
        assert!((of([-10.5, 29.5, 9.5, 69.5]) - 0.25).abs() < 1e-6);
        assert_eq!(of([200.0, 200.0, 300.0, 300.0]), 0.0);
        assert_eq!(of([5.0, 5.0, 5.0, 5.0]), 0.0);
        assert_eq!(of([f32::NAN; 4]), 0.0);
    }
}
