//! The detector that commands on photographs share.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use lookalike::face::detect::{DetectOptions, Detector, DetectorFiles, MtcnnRules};
use lookalike::gpu::Gpu;
use lookalike::{Error, Result};

/// Names a detector where `--detector` does not.
const VARIABLE: &str = "LOOKALIKE_DETECTOR";

/// Which detector, and how it searches.
#[derive(Args)]
pub(crate) struct DetectorArgs {
    /// The detector: mtcnn=P,R,O or yunet=FILE, scrfd=FILE, retinaface=FILE, ultralight=FILE; .onnx or model files.
    /// Default: what LOOKALIKE_DETECTOR says.
    #[arg(long, value_name = "KIND=FILE[,FILE…]")]
    detector: Option<DetectorFiles>,
    /// Smallest face to look for: pixels of its shorter side. Default: what the detector's authors use.
    #[arg(long, value_name = "PX")]
    min_face: Option<f32>,
    /// Least score of a face, 0 to 1. Default: what the detector's authors use.
    #[arg(long, value_name = "S")]
    face_threshold: Option<f32>,
    /// Look for faces on their side and upside down as well: four searches instead of one.
    #[arg(long)]
    rotations: bool,
    /// Whose MTCNN to be like, to the pixel.
    #[arg(long, value_enum, default_value_t = RulesArg::FacenetPytorch, value_name = "RULES")]
    mtcnn_rules: RulesArg,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RulesArg {
    /// The most used port: levels and crops clipped to the picture.
    FacenetPytorch,
    /// The original: crops padded with black.
    Authors,
}

impl From<RulesArg> for MtcnnRules {
    fn from(rules: RulesArg) -> Self {
        match rules {
            RulesArg::FacenetPytorch => Self::FacenetPytorch,
            RulesArg::Authors => Self::Authors,
        }
    }
}

impl DetectorArgs {
    /// How to search.
    pub(crate) fn options(&self) -> DetectOptions {
        DetectOptions { min_face: self.min_face, threshold: self.face_threshold, rotations: self.rotations }
    }
}

/// The detector that was named, or the one that the environment names; `None` where there is neither.
///
/// # Errors
/// Files that cannot be read or are networks of another kind.
pub(crate) fn open_detector(args: &DetectorArgs, gpu: &Gpu) -> Result<Option<Detector>> {
    let variable = std::env::var(VARIABLE).ok().filter(|v| !v.is_empty());
    let named = match (&args.detector, variable) {
        (Some(named), _) => named.clone(),
        (None, Some(text)) => DetectorFiles::from_str(&text)?,
        (None, None) => return Ok(None),
    };
    let detector = Detector::load(gpu, named.kind, &named.files)?;
    Ok(Some(detector.with_rules(args.mtcnn_rules.into())))
}

/// What to say to somebody who has none.
pub(crate) fn no_detector() -> Error {
    Error::Caller(format!(
        "There is no built-in detector. Name one with --detector or {VARIABLE}, for example yunet=face_detection_yunet_2023mar.onnx, \
         which OpenCV's model zoo offers, or mtcnn=P,R,O made with `zoo build mtcnn-pnet` and so on from facenet-pytorch's weights."
    ))
}
