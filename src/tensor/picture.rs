//! Decoded pictures as networks take them.

use crate::error::{Error, Result};

/// Where a network's input pixels lie in a picture, and how they are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Input pixel (u, v) is the picture at (x, y), pixel centres at integers: `x = t0 u + t1 v + t2`, `y = t3 u + t4 v + t5`. Bilinear.
    Warp {
        /// `[t0, t1, t2, t3, t4, t5]`.
        transform: [f32; 6],
        /// What lies outside the picture.
        border: Border,
        /// How pixels that cover several of the picture's are read.
        sampling: Sampling,
    },
    /// A rectangle of whole pixels, resized by averaging: each input pixel is the mean of the pixels it covers (adaptive average pooling,
    /// PyTorch's `interpolate(mode="area")`). Outside the picture is black.
    Area {
        /// First column, may be negative.
        left: i32,
        /// First row, may be negative.
        top: i32,
        /// Columns, at least 1.
        width: u32,
        /// Rows, at least 1.
        height: u32,
    },
}

/// What a warp sees outside of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Border {
    /// The nearest pixel.
    #[default]
    Edge,
    /// Black, as `cv2.warpAffine` has it unless told otherwise.
    Black,
}

/// How a warp reads pixels that cover several pixels of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// As many samples along each axis as pixels are covered (at most 32), averaged: nothing aliases.
    #[default]
    Smooth,
    /// One bilinear sample, as `cv2.warpAffine` with `INTER_LINEAR`.
    Point,
}

impl Look {
    /// A warp with the nearest pixel outside and as many samples as it takes.
    pub fn smooth(transform: [f32; 6]) -> Self {
        Self::Warp { transform, border: Border::default(), sampling: Sampling::default() }
    }

    /// Samples along an axis of an output pixel of a warp.
    pub(crate) fn samples(&self) -> u32 {
        match *self {
            Self::Warp { transform: [a, b, _, d, e, _], sampling: Sampling::Smooth, .. } => {
                // A NaN or infinite transform ends at one sample.
                (a.hypot(d).max(b.hypot(e)).ceil() as u32).clamp(1, 32)
            }
            _ => 1,
        }
    }

    /// # Errors
    /// A transform that is not finite, an empty rectangle or one beyond 65535 pixels. `index` is the place in the batch.
    pub(crate) fn check(&self, index: usize) -> Result<()> {
        // The shader multiplies extents by input sizes in 32 bits.
        const FAR: i32 = 65535;
        match self {
            Self::Warp { transform, .. } if transform.iter().any(|v| !v.is_finite()) => {
                Err(Error::Caller(format!("The transform of picture {index} of the batch is not finite ({transform:?}).")))
            }
            Self::Area { left, top, width, height } => {
                let fits = |first: i32, extent: u32| first.abs() <= FAR && (1..=FAR as u32).contains(&extent);
                if fits(*left, *width) && fits(*top, *height) {
                    return Ok(());
                }
                Err(Error::Caller(format!(
                    "The rectangle of picture {index} of the batch is {width}x{height} pixels at ({left}, {top}). Give from 1 to {FAR} pixels a side."
                )))
            }
            Self::Warp { .. } => Ok(()),
        }
    }
}

/// A decoded picture and where each input pixel of the network lies in it.
#[derive(Clone, Copy, Debug)]
pub struct PictureView<'a> {
    /// 8-bit RGB, rows without gaps: `3 * width * height` bytes.
    pub rgb: &'a [u8],
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// As in [`Look::Warp`], with the nearest pixel outside and as many samples as it takes.
    pub transform: [f32; 6],
}
