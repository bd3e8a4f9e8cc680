//! Decoded pictures as networks take them.

use crate::error::{Error, Result};

/// A decoded picture and where each input pixel of the network lies in it.
#[derive(Clone, Copy, Debug)]
pub struct PictureView<'a> {
    /// 8-bit RGB, rows without gaps: `3 * width * height` bytes.
    pub rgb: &'a [u8],
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Input pixel (u, v) to picture pixel (x, y), pixel centres at integers: `x = t0 u + t1 v + t2`, `y = t3 u + t4 v + t5`.
    pub transform: [f32; 6],
}

impl PictureView<'_> {
    /// Samples along an axis of an output pixel: as many as source pixels it covers, at most 32.
    pub(crate) fn samples(&self) -> u32 {
        let [a, b, _, d, e, _] = self.transform;
        let stretch = a.hypot(d).max(b.hypot(e));
        // A NaN or infinite transform ends at one sample.
        (stretch.ceil() as u32).clamp(1, 32)
    }

    /// # Errors
    /// Bytes that do not fit the size, or a transform that is not finite. `index` is the place in the batch.
    pub(crate) fn check(&self, index: usize) -> Result<()> {
        let expected = u64::from(self.width) * u64::from(self.height) * 3;
        if expected == 0 || self.rgb.len() as u64 != expected {
            return Err(Error::Caller(format!(
                "Picture {index} of the batch has {} bytes, but {}x{} pixels of RGB are {expected}. Give 8-bit RGB rows without gaps.",
                self.rgb.len(),
                self.width,
                self.height
            )));
        }
        if self.transform.iter().any(|v| !v.is_finite()) {
            return Err(Error::Caller(format!("The transform of picture {index} of the batch is not finite ({:?}).", self.transform)));
        }
        Ok(())
    }
}
