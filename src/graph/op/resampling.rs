//! Padding and resampling.

use serde::{Deserialize, Serialize};

/// What padding adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// A constant (0 unless an operand says otherwise).
    Constant,
    /// Mirror without the edge.
    Reflect,
    /// Repeat the edge.
    Edge,
    /// Begin again from the other end.
    Wrap,
}

/// Resampling. An axis that keeps its size and its scale is left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    /// Interpolation.
    pub mode: ResizeMode,
    /// How output places map to input places.
    pub coordinates: Coordinates,
    /// Rounding of `Nearest`.
    pub nearest: NearestRounding,
    /// What the second operand holds.
    pub target: ResizeTarget,
    /// The axes that the second and third operand speak of, negative from the end; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<i64>,
    /// Whether kernels widen when an axis shrinks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub antialias: bool,
    /// Whether weights of cells beyond the edge are dropped and the others rescaled, instead of repeating the edge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_outside: bool,
    /// What sizes mean for the ratio of the axes.
    #[serde(default, skip_serializing_if = "AspectRatio::is_stretch")]
    pub aspect: AspectRatio,
    /// What [`Coordinates::TfCropAndResize`] writes for places beyond the input.
    #[serde(default)]
    pub extrapolation: f32,
}

impl Resize {
    /// Without the variants of later operator sets.
    pub fn new(mode: ResizeMode, coordinates: Coordinates, nearest: NearestRounding, target: ResizeTarget) -> Self {
        Self {
            mode,
            coordinates,
            nearest,
            target,
            axes: Vec::new(),
            antialias: false,
            exclude_outside: false,
            aspect: AspectRatio::Stretch,
            extrapolation: 0.0,
        }
    }
}

/// Keeping the ratio of the axes when sizes are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AspectRatio {
    /// The sizes as given.
    #[default]
    Stretch,
    /// The largest that fits in the sizes.
    NotLarger,
    /// The smallest that covers the sizes.
    NotSmaller,
}

impl AspectRatio {
    fn is_stretch(&self) -> bool {
        *self == Self::Stretch
    }
}

/// Sampling at places that an operand gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridSample {
    /// Interpolation; cubic with a = -0.75.
    pub mode: GridMode,
    /// What lies beyond the edge.
    pub padding: GridPadding,
    /// Whether -1 and 1 are the centres of the corner cells, not their outer edges.
    pub align_corners: bool,
}

/// Interpolation of [`GridSample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridMode {
    /// Nearest cell, halves to even.
    Nearest,
    /// Bilinear.
    Linear,
    /// Bicubic.
    Cubic,
}

/// What [`GridSample`] finds beyond the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridPadding {
    /// Zeros.
    Zeros,
    /// The edge.
    Border,
    /// The mirror image.
    Reflection,
}

/// Interpolation of [`Resize`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Nearest cell.
    Nearest,
    /// Linear along each axis.
    Linear,
    /// Cubic along each axis.
    Cubic {
        /// The free coefficient (ONNX `cubic_coeff_a`).
        a: f32,
    },
}

/// Coordinate transformations of ONNX Resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// `(o + 0.5) / scale - 0.5`
    HalfPixel,
    /// As half_pixel, but 0 for an output of one cell.
    PytorchHalfPixel,
    /// `o * (in - 1) / (out - 1)`
    AlignCorners,
    /// `o / scale`
    Asymmetric,
    /// As half_pixel, centred when the size was rounded.
    HalfPixelSymmetric,
    /// `(o + 0.5) / scale`
    TfHalfPixelForNn,
    /// From the box that the third operand gives (starts, then ends, in 0..1).
    TfCropAndResize,
}

/// Rounding of nearest-neighbour resampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NearestRounding {
    /// Nearest, halves down.
    RoundPreferFloor,
    /// Nearest, halves up.
    RoundPreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
    /// Down along an axis that grows, up along one that shrinks: what operator sets before 11 do.
    DownOrUp,
}

/// The second operand of [`super::Op::Resize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeTarget {
    /// f32 factors, one per dimension.
    Scales,
    /// i64 sizes, one per dimension.
    Sizes,
}
