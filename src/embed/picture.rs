//! Pictures in host memory, and how files become them.

use crate::error::{Error, Result};

/// 8-bit RGB pixels, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture from its pixels.
    ///
    /// # Errors
    /// An empty picture, or a number of bytes other than `width * height * 3`.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let picture = Self { width, height, rgb };
        picture.check()?;
        Ok(picture)
    }

    /// Whether the fields agree; they are public, so whoever relies on them asks.
    ///
    /// # Errors
    /// As [`Picture::new`].
    pub fn check(&self) -> Result<()> {
        let bytes = u128::from(self.width) * u128::from(self.height) * 3;
        if bytes > 0 && bytes == self.rgb.len() as u128 {
            return Ok(());
        }
        Err(Error::Picture(format!(
            "The picture of {}x{} pixels has {} bytes, but needs {bytes} (3 per pixel, at least one pixel). Give 8-bit RGB rows without padding.",
            self.width,
            self.height,
            self.rgb.len()
        )))
    }

    /// The pixels under a transform (see [`super::Similarity::transform`]), one bilinear sample each, black outside: for display.
    pub fn warp(&self, transform: [f32; 6], width: u32, height: u32) -> Self {
        let [a, b, c, d, e, f] = transform.map(f64::from);
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for v in 0..height {
            for u in 0..width {
                let (u, v) = (f64::from(u), f64::from(v));
                rgb.extend(self.sample(a * u + b * v + c, d * u + e * v + f));
            }
        }
        Self { width, height, rgb }
    }

    fn sample(&self, x: f64, y: f64) -> [u8; 3] {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let mut sum = [0.0; 3];
        for (dx, dy, weight) in
            [(0.0, 0.0, (1.0 - fx) * (1.0 - fy)), (1.0, 0.0, fx * (1.0 - fy)), (0.0, 1.0, (1.0 - fx) * fy), (1.0, 1.0, fx * fy)]
        {
            if let Some(pixel) = self.pixel(x0 + dx, y0 + dy) {
                for (s, &p) in sum.iter_mut().zip(pixel) {
                    *s += weight * f64::from(p);
                }
            }
        }
        sum.map(|s| s.round() as u8)
    }

    fn pixel(&self, x: f64, y: f64) -> Option<&[u8]> {
        let inside = x >= 0.0 && y >= 0.0 && x < f64::from(self.width) && y < f64::from(self.height);
        let at = inside.then(|| (y as usize * self.width as usize + x as usize) * 3)?;
        self.rgb.get(at..at + 3)
    }
}

#[cfg(feature = "images")]
mod decode;
#[cfg(feature = "images")]
mod jpeg;
#[cfg(feature = "images")]
pub use decode::{MAX_FILE_BYTES, MAX_SIDE};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ramp(width: u32, height: u32) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn a_picture_needs_three_bytes_a_pixel() {
        assert!(Picture::new(2, 2, vec![0; 12]).is_ok());
        assert!(Picture::new(2, 2, vec![0; 11]).is_err());
        assert!(Picture::new(0, 2, vec![]).is_err());
        assert!(Picture::new(u32::MAX, u32::MAX, vec![0; 3]).is_err());
    }

    #[test]
    fn warping_by_the_identity_changes_nothing_and_outside_is_black() {
        let p = ramp(9, 5);
        assert_eq!(p.warp([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 9, 5), p);
        let shifted = p.warp([1.0, 0.0, 8.5, 0.0, 1.0, 0.0], 2, 1);
        assert_eq!(shifted.rgb, [4, 0, 4, 0, 0, 0]);
    }
}
