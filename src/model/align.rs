//! The crop that a network wants: how faces are put into it, and the sets of points that have names.

use serde::{Deserialize, Serialize};

use crate::tensor::Sampling;

/// The five points of the 112x112 ArcFace crop, as (x, y): image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.
pub const ARCFACE_112: [[f64; 2]; 5] = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/// The same for crops of face-reidentification-retail-0095, as parts of the side (its documentation in Open Model Zoo).
const RETAIL: [[f64; 2]; 5] = [[0.31557, 0.46157], [0.68262, 0.46157], [0.50026, 0.64051], [0.34947, 0.82469], [0.65344, 0.82469]];

/// Where these five lie in 150x150 crops that dlib makes from its own five, in the median of 249 faces found by MTCNN.
const DLIB_FIVE: [[f64; 2]; 5] = [[43.258, 35.592], [102.303, 35.427], [72.953, 71.846], [47.126, 102.143], [98.99, 103.301]];

/// dlib's own five, as indices into 68 and parts of the chip before its padding of a quarter (`get_face_chip_details`): outer corners of
/// the image-left and image-right eye, inner corners, base of the nose.
const DLIB_CORNERS: [(usize, [f64; 2]); 5] = [
    (36, [0.120_58, 0.213_73]),
    (45, [0.859_57, 0.213_50]),
    (39, [0.334_09, 0.229_06]),
    (42, [0.646_06, 0.228_97]),
    (33, [0.490_11, 0.627_80]),
];

/// OpenFace's `OUTER_EYES_AND_NOSE` (points 36, 45, 33 of 68), as parts of the side, before its shape is stretched to fill the crop.
const OPENFACE: [[f64; 2]; 3] =
    [[0.252_418_718_401, 0.331_052_263_829], [0.782_865_376_271, 0.321_305_281_656], [0.520_712_933_176, 0.634_268_222_208]];
/// Least and largest x and y of OpenFace's 68 points.
const OPENFACE_RANGE: [[f64; 2]; 2] = [[0.079_239_691_381_5, 0.182_360_984_545], [0.971_193_274_221, 1.060_803_711_26]];

/// Pixels of a 160x160 crop outside of the box (David Sandberg's facenet aligns LFW with `--image_size 160 --margin 32`).
const FACENET_MARGIN: f64 = 32.0 / 160.0;

/// What `template` may be.
const KNOWN: &str = "arcface-112 (for squares of a multiple of 112 or 128 pixels, and 96x112), arcface-SIZE, sphereface-96x112, retail-128, \
                     dlib-150, openface-96, facenet-160";

/// The crop that the network wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Align {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Where image-left eye, image-right eye, nose, image-left and image-right mouth corner lie in the crop, in pixels.
    #[serde(default)]
    pub points: Option<[[f32; 2]; 5]>,
    /// A named set of points instead, such as `arcface-112`.
    #[serde(default)]
    pub template: Option<String>,
    /// How faces are put there; `None` = as the template wants it, and a similarity onto points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Pixels of the crop that lie outside of the box, left and right (and top and bottom) together: for `box` and `eyes`. `None` = none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f32>,
    /// How pixels of the crop that cover several of the photo's are read; `None` = `point`, as reference pipelines do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
}

/// How a face is put into the crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The similarity (turn, one scale, shift) that brings five landmarks nearest to the points.
    Similarity,
    /// The affine map that does: shape follows the points.
    Affine,
    /// The detector's box, turned about its centre until the eyes are level (as the deepface library does).
    Eyes,
    /// The detector's box as it lies.
    Box,
}

/// Points to be met, or a box.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Placement {
    /// Landmarks onto points of the crop.
    Points {
        /// For five landmarks.
        five: Option<[[f64; 2]; 5]>,
        /// Used instead for 68: indices and points.
        of68: Vec<(usize, [f64; 2])>,
        fit: Fit,
    },
    /// A box that is grown by `margin`, a part of the crop.
    Box { margin: [f64; 2], framing: Framing },
}

/// Maps from landmarks to points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Similarity,
    Affine,
}

/// How a box becomes a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Its shorter side grows until it has the crop's aspect ratio.
    Grown,
    /// The same, turned until the eyes are level.
    Level,
    /// It is cut at the picture's border and stretched.
    Stretched,
}

impl Align {
    /// Whether the fields make sense together. The error continues a sentence that begins with the model.
    pub(crate) fn check(&self) -> Result<(), String> {
        let silent = self.points.is_none() && self.template.is_none() && self.method.is_none() && self.margin.is_none();
        if silent { Ok(()) } else { self.placement().map(|_| ()) }
    }

    /// What to do with a face.
    pub(crate) fn placement(&self) -> Result<Placement, String> {
        if self.points.is_some() && self.template.is_some() {
            return Err("has both points and a template. Give one of them".to_owned());
        }
        let side = self.size.iter().copied().min().unwrap_or(0) as f32;
        if let Some(margin) = self.margin.filter(|m| !(0.0..side).contains(m)) {
            return Err(format!("has a margin of {margin} pixels. Give less than the crop's side of {side}, and not less than 0"));
        }
        match (&self.points, &self.template) {
            (Some(points), _) => self.fitted(Some(points.map(|p| p.map(f64::from))), Vec::new(), "points"),
            (None, Some(name)) => self.named(name),
            (None, None) => match self.method {
                Some(Method::Box) => Ok(self.boxed(0.0, Framing::Grown)),
                Some(Method::Eyes) => Ok(self.boxed(0.0, Framing::Level)),
                Some(_) => Err(format!("wants landmarks on points but gives none. Give points, or a template: {KNOWN}")),
                None => Err(format!(
                    "does not say how faces are aligned. Give [align] points, or a template ({KNOWN}), or method = \"box\" or \"eyes\""
                )),
            },
        }
    }

    fn named(&self, name: &str) -> Result<Placement, String> {
        let [width, height] = self.size;
        let square = (width == height && width > 0).then_some(width as f64);
        let misfit = |sizes: &str| Err(format!("has the template `{name}`, whose crops are {sizes}, but a size of {width}x{height}"));
        let scaled = |points: [[f64; 2]; 5], by: f64| points.map(|p| p.map(|v| v * by));
        match name {
            "arcface-112" | "arcface" => match arcface(self.size) {
                Some(points) => self.fitted(Some(points), Vec::new(), name),
                None => misfit("squares of a multiple of 112 or 128 pixels, or 96x112"),
            },
            "sphereface-96x112" if self.size == [96, 112] => self.fitted(arcface(self.size), Vec::new(), name),
            "sphereface-96x112" => misfit("96x112"),
            "retail-128" => match square {
                Some(side) => self.fitted(Some(scaled(RETAIL, side)), Vec::new(), name),
                None => misfit("square"),
            },
            "dlib-150" => match square {
                Some(side) => {
                    let own = DLIB_CORNERS.map(|(i, p)| (i, p.map(|v| (0.25 + v) / 1.5 * side))).to_vec();
                    self.fitted(Some(scaled(DLIB_FIVE, side / 150.0)), own, name)
                }
                None => misfit("square"),
            },
            "openface-96" => {
                let (Some(side), None | Some(Method::Affine), None) = (square, self.method, self.margin) else {
                    return misfit("square, with the method affine and no margin");
                };
                let [low, high] = OPENFACE_RANGE;
                let at = OPENFACE.map(|p| std::array::from_fn(|i| (p[i] - low[i]) / (high[i] - low[i]) * side));
                Ok(Placement::Points { five: None, of68: [36, 45, 33].into_iter().zip(at).collect(), fit: Fit::Affine })
            }
            "facenet-160" => match (square, self.method) {
                (Some(_), None | Some(Method::Box)) => Ok(self.boxed(FACENET_MARGIN, Framing::Stretched)),
                _ => misfit("square, with the method box"),
            },
            _ => match name.strip_prefix("arcface-").and_then(|n| n.parse::<usize>().ok()) {
                Some(side) if self.size == [side, side] && arcface(self.size).is_some() => {
                    self.fitted(arcface(self.size), Vec::new(), name)
                }
                Some(side) if arcface([side, side]).is_some() => misfit(&format!("{side}x{side}")),
                _ => Err(format!("names the template `{name}`, which is not known. Known are {KNOWN}")),
            },
        }
    }

    fn fitted(&self, five: Option<[[f64; 2]; 5]>, of68: Vec<(usize, [f64; 2])>, name: &str) -> Result<Placement, String> {
        if self.margin.is_some() {
            return Err(format!("has a margin, which {name} do not use. Leave it out, or give method = \"box\" alone"));
        }
        let fit = match self.method {
            None | Some(Method::Similarity) => Fit::Similarity,
            Some(Method::Affine) => Fit::Affine,
            Some(Method::Box | Method::Eyes) => {
                return Err(format!("has {name} together with a method that uses the box. Give one of them"));
            }
        };
        Ok(Placement::Points { five, of68, fit })
    }

    /// `usual` is the margin as a part of the side where the description gives none.
    fn boxed(&self, usual: f64, framing: Framing) -> Placement {
        let part = |side: usize| self.margin.map_or(usual, |m| f64::from(m) / side.max(1) as f64);
        Placement::Box { margin: self.size.map(part), framing }
    }
}

/// The rule of InsightFace's `face_align`: multiples of 112 scale the template; multiples of 128 scale it by size / 128 and shift x by
/// 8 size / 128. 96x112 (SphereFace) shifts x by -8.
fn arcface(size: [usize; 2]) -> Option<[[f64; 2]; 5]> {
    let (scale, shift) = match size {
        [96, 112] => (1.0, -8.0),
        [w, h] if w == h && w > 0 && w % 112 == 0 => (w as f64 / 112.0, 0.0),
        [w, h] if w == h && w > 0 && w % 128 == 0 => (w as f64 / 128.0, 8.0 * w as f64 / 128.0),
        _ => return None,
    };
    Some(ARCFACE_112.map(|[x, y]| [x * scale + shift, y * scale]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn named(name: &str, size: [usize; 2]) -> Result<Placement, String> {
        Align { size, template: Some(name.to_owned()), ..Align::default() }.placement()
    }

    #[test]
    fn templates_scale_and_refuse_sizes_they_do_not_have() {
        for (name, size) in [
            ("arcface-112", [112, 112]),
            ("arcface", [224, 224]),
            ("arcface-112", [96, 112]),
            ("arcface-256", [256, 256]),
            ("sphereface-96x112", [96, 112]),
            ("retail-128", [128, 128]),
            ("dlib-150", [150, 150]),
            ("openface-96", [96, 96]),
            ("facenet-160", [160, 160]),
        ] {
            assert!(named(name, size).is_ok(), "{name} {size:?}");
        }
        for (name, size) in
            [("arcface-112", [100, 100]), ("arcface-256", [112, 112]), ("sphereface-96x112", [112, 96]), ("dlib-150", [150, 151])]
        {
            let why = named(name, size).unwrap_err();
            assert!(why.contains(name) && why.contains(&format!("{}x{}", size[0], size[1])), "{why}");
        }
    }

    #[test]
    fn an_unknown_template_is_refused_with_those_that_are_known() {
        for name in ["arcface112", "arcface-111", "dlib", ""] {
            let why = named(name, [112, 112]).unwrap_err();
            assert!(why.contains("sphereface-96x112") && why.contains("facenet-160"), "{why}");
        }
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused() {
        let base = Align { size: [112, 112], template: Some("arcface-112".to_owned()), ..Align::default() };
        let points = Some([[1.0, 2.0]; 5]);
        for wrong in [
            Align { points, ..base.clone() },
            Align { margin: Some(4.0), ..base.clone() },
            Align { method: Some(Method::Box), ..base.clone() },
            Align { method: Some(Method::Affine), template: None, ..base.clone() },
            Align { method: Some(Method::Box), template: None, margin: Some(112.0), ..base.clone() },
            Align { method: Some(Method::Box), template: None, margin: Some(f32::NAN), ..base.clone() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert!(Align { size: [112, 112], ..Align::default() }.check().is_ok());
    }

    #[test]
    fn new_fields_are_stored_only_when_they_are_set() {
        let old = Align { size: [112, 112], template: Some("arcface-112".to_owned()), ..Align::default() };
        let text = serde_json::to_string(&old).unwrap_or_default();
        assert_eq!(text, r#"{"size":[112,112],"points":null,"template":"arcface-112"}"#);
        let new = Align { method: Some(Method::Eyes), margin: Some(8.0), sampling: Some(Sampling::Smooth), template: None, ..old };
        let text = serde_json::to_string(&new).unwrap_or_default();
        assert!(text.contains(r#""method":"eyes","margin":8.0,"sampling":"smooth""#), "{text}");
        assert_eq!(serde_json::from_str::<Align>(&text).ok(), Some(new));
    }
}
