//! Alignment: where a network's input pixels lie in a photograph, given a face.

pub(crate) mod affine;
mod device;
mod framing;
mod similarity;

pub use affine::Affine;
pub use device::DeviceAligner;
pub use framing::{centre_crop, mirrored, stretch, whole_crop};
pub use similarity::Similarity;

use crate::error::{Error, Result};
use crate::face::Face;
use crate::model::{Align, Description, Fit, Framing, Placement};
use crate::tensor::{Border, Look, Sampling};

/// From which residual on (rms, as a part of the distance between the eyes) landmarks are no face as the template knows it: points of the
/// wrong order, a profile, or no face at all.
pub const DOUBTFUL: f32 = 0.15;

/// Puts faces into the crop that a network was trained on. It knows no photo and no device.
#[derive(Clone, Debug)]
pub struct Aligner {
    size: [usize; 2],
    placement: Placement,
    sampling: Sampling,
}

/// Where a crop lies in a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// What a network or [`crate::gpu::Photo::render`] takes.
    pub look: Look,
    /// The map from pixels of the photo to pixels of the crop, centres at integers.
    pub to_crop: Affine,
    /// How far landmarks end from their points: rms in pixels of the crop over the distance of the eyes there. 0 for boxes.
    pub residual: f32,
    /// Pixels of the crop for one of the photo: below 1 the photo is reduced.
    pub scale: f64,
}

impl Alignment {
    /// Whether the landmarks fit badly (more than [`DOUBTFUL`]): what comes of this crop should not be trusted.
    pub fn is_doubtful(&self) -> bool {
        self.residual > DOUBTFUL
    }
}

impl Aligner {
    /// The alignment that a model wants, for a network that takes pictures of `size` = width, height.
    ///
    /// # Errors
    /// [`Error::Model`] when the description does not say how faces are aligned, names an unknown template, or gives another size.
    pub fn new(description: &Description, size: [usize; 2]) -> Result<Self> {
        let name = &description.name;
        let broken = |what: String| Error::Model(format!("The description of the model `{name}` {what}."));
        let align = description.align.as_ref().ok_or_else(|| {
            broken(
                "does not say how faces are aligned. Describe [align] with --describe, or give crops that are aligned already".to_owned(),
            )
        })?;
        if align.size != size {
            let ([w, h], [nw, nh]) = (align.size, size);
            return Err(broken(format!("asks for crops of {w}x{h} pixels, but the network takes {nw}x{nh}. Correct `size` in [align]")));
        }
        Ok(Self { size, placement: align.placement().map_err(broken)?, sampling: align.sampling.unwrap_or(Sampling::Point) })
    }

    /// The same from the `[align]` part alone, with its own size.
    ///
    /// # Errors
    /// [`Error::Model`] as [`Aligner::new`].
    pub fn of(align: &Align) -> Result<Self> {
        let placement = align.placement().map_err(|what| Error::Model(format!("A description {what}.")))?;
        Ok(Self { size: align.size, placement, sampling: align.sampling.unwrap_or(Sampling::Point) })
    }

    /// The same with another way of reading pixels that cover several of the photo's than the description's. Where that is silent it is
    /// [`Sampling::Point`], which gives the embeddings that the reference pipelines give; [`Sampling::Smooth`] does not alias where faces are much larger than the crop, and
    /// suits crops to look at. Embeddings of the two are not the same: do not mix them in a gallery.
    #[must_use]
    pub fn sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Width and height of the crop.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Whether faces without landmarks cannot be aligned.
    pub fn needs_landmarks(&self) -> bool {
        !matches!(self.placement, Placement::Box { framing: Framing::Grown | Framing::Stretched, .. })
    }

    /// Where the crop of a face lies in a photo of `photo` = width, height.
    ///
    /// # Errors
    /// [`Error::NoAlignment`] when the face lacks the landmarks that it takes, or they or the box coincide or are not finite.
    pub fn align(&self, face: &Face, photo: [u32; 2]) -> Result<Alignment> {
        match &self.placement {
            Placement::Points { five, of68, fit } => {
                let (landmarks, points) = chosen(face, five.as_ref(), of68)?;
                let to_crop = match fit {
                    Fit::Similarity => Similarity::fit(&landmarks, &points).map(|s| s.matrix()),
                    Fit::Affine => affine::fit(&landmarks, &points),
                };
                let to_crop = to_crop.ok_or_else(|| no_alignment(face, "its landmarks coincide or lie on a line"))?;
                let rms = rms(&to_crop, &landmarks, &points);
                alignment(to_crop, rms / eye_distance(&points), self.sampling)
                    .ok_or_else(|| no_alignment(face, "its landmarks nearly coincide"))
            }
            Placement::Box { margin, framing } => {
                let turn = if *framing == Framing::Level { level(face)? } else { [1.0, 0.0] };
                let bounds = grown(face, *margin, *framing, self.size, photo);
                let to_crop = bounds.and_then(|b| framed(b, turn, self.size));
                let found = to_crop.and_then(|m| alignment(m, 0.0, self.sampling));
                found.ok_or_else(|| no_alignment(face, "its box is empty or not finite"))
            }
        }
    }
}

/// The landmarks that are used, and their points.
fn chosen(face: &Face, five: Option<&[[f64; 2]; 5]>, of68: &[(usize, [f64; 2])]) -> Result<(Vec<[f64; 2]>, Vec<[f64; 2]>)> {
    let (landmarks, points) = if face.landmarks.len() == 68 && !of68.is_empty() {
        let at = |i: usize| face.landmarks.get(i).map_or([f64::NAN; 2], |p| p.map(f64::from));
        of68.iter().map(|&(i, point)| (at(i), point)).unzip()
    } else {
        match (five, face.five_points()) {
            (Some(points), Some(landmarks)) => (landmarks.to_vec(), points.to_vec()),
            (None, _) => return Err(no_alignment(face, &format!("it has {} landmarks, and 68 are needed", face.landmarks.len()))),
            (_, None) => return Err(no_alignment(face, &format!("it has {} landmarks, and 5 or 68 are needed", face.landmarks.len()))),
        }
    };
    if landmarks.iter().flatten().any(|v| !v.is_finite()) {
        return Err(no_alignment(face, "its landmarks are not finite numbers"));
    }
    Ok((landmarks, points))
}

/// Cosine and sine of the way from the image-left eye to the other.
fn level(face: &Face) -> Result<[f64; 2]> {
    let [left, right, ..] = face
        .five_points()
        .ok_or_else(|| no_alignment(face, &format!("it has {} landmarks, and the eyes are needed", face.landmarks.len())))?;
    let (x, y) = (right[0] - left[0], right[1] - left[1]);
    let length = x.hypot(y);
    if length.is_finite() && length > 1e-6 { Ok([x / length, y / length]) } else { Err(no_alignment(face, "its eyes coincide")) }
}

/// Centre, width and height of the box with its margin, in the shape that the framing wants. `None` for an empty one.
fn grown(face: &Face, margin: [f64; 2], framing: Framing, size: [usize; 2], photo: [u32; 2]) -> Option<[f64; 4]> {
    let [left, top, right, bottom] = face.bounds.map(f64::from);
    if [left, top, right, bottom].iter().any(|v| v.is_nan()) || right <= left || bottom <= top {
        return None;
    }
    // `margin` is a part of the crop, so the box is the rest of it.
    let (mut w, mut h) = ((right - left) / (1.0 - margin[0]), (bottom - top) / (1.0 - margin[1]));
    let (mut cx, mut cy) = ((left + right) / 2.0, (top + bottom) / 2.0);
    if framing == Framing::Stretched {
        // Pixel centres at integers: the picture reaches from -0.5 to its size - 0.5.
        let cut = |centre: f64, side: f64, end: u32| {
            let (low, high) = ((centre - side / 2.0).max(-0.5), (centre + side / 2.0).min(f64::from(end) - 0.5));
            ((low + high) / 2.0, high - low)
        };
        (cx, w) = cut(cx, w, photo[0]);
        (cy, h) = cut(cy, h, photo[1]);
    } else {
        let ratio = size[0] as f64 / size[1].max(1) as f64;
        (w, h) = (w.max(h * ratio), h.max(w / ratio));
    }
    (w > 0.0 && h > 0.0 && [cx, cy, w, h].iter().all(|v| v.is_finite())).then_some([cx, cy, w, h])
}

/// The map that shows a rectangle, turned about its centre, in a crop of `size`.
fn framed([cx, cy, w, h]: [f64; 4], [cos, sin]: [f64; 2], size: [usize; 2]) -> Option<Affine> {
    let [sx, sy] = [w / size[0].max(1) as f64, h / size[1].max(1) as f64];
    let [mx, my] = size.map(|s| (s as f64 - 1.0) / 2.0);
    // The other way: from the crop's centre, scaled, turned, to the box's centre.
    let to_photo = [[cos * sx, -sin * sy, 0.0], [sin * sx, cos * sy, 0.0]];
    let [ox, oy] = affine::apply(&to_photo, [mx, my]);
    affine::inverse(&[[to_photo[0][0], to_photo[0][1], cx - ox], [to_photo[1][0], to_photo[1][1], cy - oy]])
}

fn alignment(to_crop: Affine, residual: f64, sampling: Sampling) -> Option<Alignment> {
    let to_photo = affine::inverse(&to_crop)?;
    let look = look(&to_photo, sampling);
    let [[a, b, _], [c, d, _]] = to_crop;
    let Look::Warp { transform, .. } = look else { return None };
    transform.iter().all(|v| v.is_finite()).then_some(Alignment {
        look,
        to_crop,
        residual: residual as f32,
        scale: (a * d - b * c).abs().sqrt(),
    })
}

/// How a crop is read from a photo: one bilinear sample a pixel whatever the scale, black outside. Every pipeline that the networks here
/// were trained and measured with reads crops so (`cv2.warpAffine`), and smoothing large faces moves their embeddings (docs/rejected.md).
pub(crate) fn look(to_photo: &Affine, sampling: Sampling) -> Look {
    look_of(affine::transform(to_photo), sampling)
}

fn look_of(transform: [f32; 6], sampling: Sampling) -> Look {
    Look::Warp { transform, border: Border::Black, sampling }
}

fn rms(map: &Affine, from: &[[f64; 2]], to: &[[f64; 2]]) -> f64 {
    let square = |(s, t): (&[f64; 2], &[f64; 2])| {
        let [x, y] = affine::apply(map, *s);
        (x - t[0]).powi(2) + (y - t[1]).powi(2)
    };
    (from.iter().zip(to).map(square).sum::<f64>() / from.len().max(1) as f64).sqrt()
}

/// The distance of the first two points: the eyes, or their outer corners.
fn eye_distance(points: &[[f64; 2]]) -> f64 {
    match points {
        [a, b, ..] => (a[0] - b[0]).hypot(a[1] - b[1]).max(1e-9),
        _ => 1.0,
    }
}

fn no_alignment(face: &Face, why: &str) -> Error {
    let [left, top, right, bottom] = face.bounds.map(f32::round);
    Error::NoAlignment(format!(
        "The face at ({left}, {top}) to ({right}, {bottom}) cannot be aligned: {why}. Use a detector that gives the landmarks, or a model \
         whose description says method = \"box\"."
    ))
}

/// The five points of a model's crop: those of its description, or of the template it names, in pixels of the crop.
///
/// `None` when the description has neither points nor a template that is known, or faces are not put onto five points.
pub fn align_points(align: &Align) -> Option<[[f64; 2]; 5]> {
    match align.placement().ok()? {
        Placement::Points { five, .. } => five,
        Placement::Box { .. } => None,
    }
}

#[cfg(test)]
mod tests;
