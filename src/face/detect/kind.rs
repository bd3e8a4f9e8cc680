//! Which detector a file is for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::model::{Channels, InputDescription};

/// The detectors whose outputs are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DetectorKind {
    /// MTCNN (Zhang 2016): three networks P, R, O.
    Mtcnn,
    /// YuNet (Wu 2023), as OpenCV's `FaceDetectorYN` runs it.
    YuNet,
    /// SCRFD (Guo 2021), with and without landmarks, as InsightFace runs it.
    Scrfd,
    /// RetinaFace (Deng 2019) and its small relatives `slim` and `RFB`.
    RetinaFace,
    /// Ultra-Light-Fast-Generic-Face-Detector-1MB (Linzaer 2019): boxes without landmarks.
    UltraLight,
}

/// Every kind with its name on the command line and its files.
const KINDS: [(DetectorKind, &str, &[&str]); 5] = [
    (DetectorKind::Mtcnn, "mtcnn", &["P", "R", "O"]),
    (DetectorKind::YuNet, "yunet", &["FILE"]),
    (DetectorKind::Scrfd, "scrfd", &["FILE"]),
    (DetectorKind::RetinaFace, "retinaface", &["FILE"]),
    (DetectorKind::UltraLight, "ultralight", &["FILE"]),
];

impl DetectorKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|k| k.0)
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|k| k.0 == self).map_or("", |k| k.1)
    }

    /// What its networks are called, in order.
    pub fn networks(self) -> &'static [&'static str] {
        KINDS.iter().find(|k| k.0 == self).map_or(&[], |k| k.2)
    }

    /// `mtcnn=P,R,O`
    fn form(self) -> String {
        format!("{self}={}", self.networks().join(","))
    }

    /// # Errors
    /// [`Error::Caller`] for another number of networks than the kind has.
    pub(super) fn check_count(self, given: usize) -> Result<()> {
        let wanted = self.networks().len();
        if given == wanted {
            return Ok(());
        }
        let plural = if wanted == 1 { "" } else { "s" };
        Err(Error::Caller(format!(
            "The detector `{self}` has {wanted} network{plural}, but {given} files are given. Write {}.",
            self.form()
        )))
    }

    /// How the authors feed it: pixels 0..255 and what becomes of them.
    pub fn input(self) -> InputDescription {
        let (channels, mean, scale) = match self {
            Self::Mtcnn | Self::Scrfd => (Channels::Rgb, [127.5; 3], 1.0 / 128.0),
            Self::YuNet => (Channels::Bgr, [0.0; 3], 1.0),
            Self::RetinaFace => (Channels::Bgr, [104.0, 117.0, 123.0], 1.0),
            Self::UltraLight => (Channels::Rgb, [127.0; 3], 1.0 / 128.0),
        };
        InputDescription { channels, mean, scale: [scale; 3] }
    }

    /// The score from which on the authors count a face: facenet-pytorch's last stage, OpenCV's default, InsightFace's, and what the
    /// authors' programs draw.
    pub fn threshold(self) -> f32 {
        match self {
            Self::Mtcnn | Self::UltraLight => 0.7,
            Self::YuNet => 0.9,
            Self::Scrfd => 0.5,
            Self::RetinaFace => 0.6,
        }
    }
}

impl fmt::Display for DetectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DetectorKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        KINDS.iter().find(|k| k.1.eq_ignore_ascii_case(text)).map(|k| k.0).ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|k| k.1).collect();
            Error::Caller(format!("There is no detector of the kind `{text}`. The kinds are {}.", names.join(", ")))
        })
    }
}

/// A detector as the command line names it: `KIND=FILE[,FILE…]`, for example `mtcnn=pnet.onnx,rnet.onnx,onet.onnx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorFiles {
    /// The kind.
    pub kind: DetectorKind,
    /// Its networks, in the kind's order; .onnx or model files.
    pub files: Vec<PathBuf>,
}

impl FromStr for DetectorFiles {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((kind, files)) = text.split_once('=') else {
            let forms: Vec<_> = DetectorKind::all().map(DetectorKind::form).collect();
            return Err(Error::Caller(format!("`{text}` does not name a detector. Write {}.", forms.join(" or "))));
        };
        let kind: DetectorKind = kind.parse()?;
        let files: Vec<PathBuf> = files.split(',').filter(|f| !f.is_empty()).map(PathBuf::from).collect();
        kind.check_count(files.len())?;
        Ok(Self { kind, files })
    }
}

/// Whose MTCNN: ports differ in how they round, pad and suppress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MtcnnRules {
    /// facenet-pytorch's: in f32; levels of `int(side * scale + 1)` pixels; crops are clipped to the picture, which stretches faces at its
    /// border. Boxes are given as it gives them, which is one pixel right of and below `authors`.
    #[default]
    FacenetPytorch,
    /// The authors': in f64; levels of `ceil(side * scale)` pixels; crops are padded with black; boxes are whole numbers between stages.
    Authors,
}

impl FromStr for MtcnnRules {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "facenet-pytorch" => Ok(Self::FacenetPytorch),
            "authors" => Ok(Self::Authors),
            _ => Err(Error::Caller(format!("There are no rules of MTCNN named `{text}`. Write facenet-pytorch or authors."))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_called_what_they_are_written_as() {
        for kind in DetectorKind::all() {
            assert_eq!(kind.to_string().parse::<DetectorKind>().unwrap(), kind);
        }
    }

    #[test]
    fn detectors_are_named_with_as_many_files_as_they_have_networks() {
        let found: DetectorFiles = "mtcnn=a/p.onnx,r,o".parse().unwrap();
        assert_eq!((found.kind, found.files), (DetectorKind::Mtcnn, ["a/p.onnx", "r", "o"].map(PathBuf::from).to_vec()));
        assert_eq!("yunet=x=y.onnx".parse::<DetectorFiles>().unwrap().files, [PathBuf::from("x=y.onnx")]);
        for (text, says) in [
            ("", "does not name a detector"),
            ("yunet", "yunet=FILE"),
            ("yunet=", "but 0 files"),
            ("yunet=a,b", "but 2 files"),
            ("mtcnn=a", "Write mtcnn=P,R,O"),
            ("haar=a", "The kinds are mtcnn, yunet, scrfd, retinaface, ultralight"),
        ] {
            let error = text.parse::<DetectorFiles>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
