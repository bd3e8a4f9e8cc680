//! Drawing on RGB pixels: rectangles, outlines, dots, pictures and letters.

use std::path::Path;

use font8x8::UnicodeFonts;
use lookalike::embed::Picture;
use lookalike::{Error, Result};

/// An RGB colour.
pub(crate) type Colour = [u8; 3];

pub(crate) const INK: Colour = [32, 33, 36];
pub(crate) const FAINT: Colour = [110, 114, 122];
pub(crate) const PAPER: Colour = [250, 250, 248];
pub(crate) const RIGHT: Colour = [24, 140, 74];
pub(crate) const WRONG: Colour = [205, 45, 45];

/// Width and height of a letter at scale 1.
pub(crate) const LETTER: u32 = 8;

/// Something to draw on.
pub(crate) struct Sheet {
    pixels: Picture,
}

impl Sheet {
    pub(crate) fn new(width: u32, height: u32, colour: Colour) -> Self {
        let rgb = colour.repeat(width as usize * height as usize);
        Self { pixels: Picture { width, height, rgb } }
    }

    /// A picture to draw on.
    pub(crate) fn over(picture: Picture) -> Self {
        Self { pixels: picture }
    }

    /// Fills a rectangle; what lies outside of the sheet is cut off.
    pub(crate) fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        let right = x.saturating_add(width).min(self.pixels.width);
        for row in y..y.saturating_add(height).min(self.pixels.height) {
            for column in x..right {
                self.put(column, row, colour);
            }
        }
    }

    /// The border of a rectangle from (left, top) to (right, bottom), which may lie outside: strips of `width` pixels around those corners.
    pub(crate) fn outline(&mut self, [left, top, right, bottom]: [f32; 4], width: u32, colour: Colour) {
        let w = width as f32;
        let half = w / 2.0;
        let strip = |at: f32| (at - half, at - half + w);
        let (across, down) = ((left - half, right + half), (top - half, bottom + half));
        for (x, y) in [(across, strip(top)), (across, strip(bottom)), (strip(left), down), (strip(right), down)] {
            self.patch(x, y, colour);
        }
    }

    /// A disc around a point, which may lie outside.
    pub(crate) fn dot(&mut self, [x, y]: [f32; 2], radius: f32, colour: Colour) {
        let first = y - radius;
        for row in 0..=(2.0 * radius) as u32 {
            let row = first + row as f32;
            let half = (radius * radius - (row - y) * (row - y)).max(0.0).sqrt();
            self.patch((x - half, x + half + 1.0), (row, row + 1.0), colour);
        }
    }

    /// Fills between places that may lie outside.
    fn patch(&mut self, x: (f32, f32), y: (f32, f32), colour: Colour) {
        // Casts cut to what an integer holds, and take a NaN for 0.
        let cut = |(from, to): (f32, f32), most: u32| (from.round().max(0.0) as u32, (to.round().max(0.0) as u32).min(most));
        let (x, y) = (cut(x, self.pixels.width), cut(y, self.pixels.height));
        self.fill(x.0, y.0, x.1.saturating_sub(x.0), y.1.saturating_sub(y.0), colour);
    }

    fn put(&mut self, x: u32, y: u32, colour: Colour) {
        let at = (y as usize * self.pixels.width as usize + x as usize) * 3;
        if let Some(pixel) = self.pixels.rgb.get_mut(at..at + 3) {
            pixel.copy_from_slice(&colour);
        }
    }

    /// Draws a picture with its top left corner at (x, y), at its own size, in a frame of `border` pixels around it.
    pub(crate) fn picture(&mut self, x: u32, y: u32, picture: &Picture, border: u32, frame: Colour) {
        let (left, top) = (x.saturating_sub(border), y.saturating_sub(border));
        self.fill(left, top, picture.width + 2 * border, picture.height + 2 * border, frame);
        for (i, pixel) in picture.rgb.chunks_exact(3).enumerate() {
            let (dx, dy) = (i as u32 % picture.width, i as u32 / picture.width);
            if x + dx < self.pixels.width && y + dy < self.pixels.height {
                self.put(x + dx, y + dy, [pixel[0], pixel[1], pixel[2]]);
            }
        }
    }

    /// Writes text with its top left corner at (x, y) in letters of `8 * scale` pixels.
    pub(crate) fn text(&mut self, x: u32, y: u32, scale: u32, colour: Colour, text: &str) {
        for (i, letter) in text.chars().enumerate() {
            let glyph =
                [letter, '?'].iter().find_map(|&c| font8x8::BASIC_FONTS.get(c).or_else(|| font8x8::LATIN_FONTS.get(c))).unwrap_or_default();
            let left = x + i as u32 * LETTER * scale;
            for (row, bits) in (0u32..).zip(glyph) {
                for column in (0..LETTER).filter(|c| bits & (1 << c) != 0) {
                    self.fill(left + column * scale, y + row * scale, scale, scale, colour);
                }
            }
        }
    }

    /// Writes the sheet as PNG.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let Picture { width, height, rgb } = &self.pixels;
        let mut png = std::io::Cursor::new(Vec::new());
        image::write_buffer_with_format(&mut png, rgb, *width, *height, image::ExtendedColorType::Rgb8, image::ImageFormat::Png)
            .map_err(|e| Error::Picture(format!("The picture could not be encoded ({e}). Report this.")))?;
        let mut file = super::npy::NewFile::create(path)?;
        file.write(png.get_ref())?;
        file.finish()
    }
}

/// The width of text in pixels.
pub(crate) fn text_width(text: &str, scale: u32) -> u32 {
    text.chars().count() as u32 * LETTER * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_over_the_edge_is_cut_off() {
        let mut sheet = Sheet::new(10, 10, PAPER);
        sheet.fill(8, 8, 50, 50, INK);
        sheet.text(5, 5, 3, INK, "é§A");
        sheet.picture(9, 9, &Picture { width: 4, height: 4, rgb: vec![1; 48] }, 3, RIGHT);
        assert_eq!(sheet.pixels.rgb.len(), 300);
        assert_eq!(&sheet.pixels.rgb[297..], [1, 1, 1]);
        for far in [-1e9, 1e9, f32::NAN, f32::INFINITY] {
            sheet.outline([far, 2.0, 1e20, far], 3, INK);
            sheet.dot([far, 5.0], 4.0, INK);
        }
    }

    #[test]
    fn outlines_and_dots_are_where_they_are_put() {
        let mut sheet = Sheet::new(9, 7, [0; 3]);
        sheet.outline([1.0, 1.0, 7.0, 5.0], 1, [1; 3]);
        sheet.dot([4.0, 3.0], 1.0, [2; 3]);
        let rows: Vec<String> =
            sheet.pixels.rgb.chunks(27).map(|row| row.iter().step_by(3).map(|v| char::from(b'0' + v)).collect()).collect();
        assert_eq!(rows, ["000000000", "011111110", "010020010", "010222010", "010020010", "011111110", "000000000"]);
    }
}
