//! Drawing on a picture: rectangles, outlines, dots, pictures and letters.

use std::path::Path;

use ab_glyph::FontRef;
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_filled_rect_mut, draw_text_mut, text_size};
use imageproc::rect::Rect;
use lookalike::embed::Picture;
use lookalike::{Error, Result};

use super::font;

/// An RGB colour.
pub(crate) type Colour = [u8; 3];

pub(crate) const INK: Colour = [32, 33, 36];
pub(crate) const FAINT: Colour = [110, 114, 122];
pub(crate) const PAPER: Colour = [250, 250, 248];
pub(crate) const RIGHT: Colour = [24, 140, 74];
pub(crate) const WRONG: Colour = [205, 45, 45];

/// Size of the letters of captions, in pixels.
pub(crate) const SMALL: f32 = 13.0;
/// Size of the letters of what a picture says.
pub(crate) const MIDDLE: f32 = 19.0;
/// Size of the letters of titles.
pub(crate) const LARGE: f32 = 28.0;

/// Something to draw on. What lies outside of it is cut off.
pub(crate) struct Sheet {
    pixels: RgbImage,
    font: FontRef<'static>,
}

impl Sheet {
    /// # Errors
    /// As [`font::load`].
    pub(crate) fn new(width: u32, height: u32, colour: Colour) -> Result<Self> {
        Ok(Self { pixels: RgbImage::from_pixel(width, height, Rgb(colour)), font: font::load()? })
    }

    /// A picture to draw on.
    ///
    /// # Errors
    /// As [`font::load`].
    pub(crate) fn over(picture: Picture) -> Result<Self> {
        let Picture { width, height, rgb } = picture;
        Ok(Self { pixels: RgbImage::from_raw(width, height, rgb).unwrap_or_default(), font: font::load()? })
    }

    /// Fills a rectangle.
    pub(crate) fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        if width > 0 && height > 0 {
            let (x, y) = (place(x as f32), place(y as f32));
            draw_filled_rect_mut(&mut self.pixels, Rect::at(x, y).of_size(width, height), Rgb(colour));
        }
    }

    /// The border of a rectangle from (left, top) to (right, bottom), which may lie outside: strips of `width` pixels around those corners.
    pub(crate) fn outline(&mut self, [left, top, right, bottom]: [f32; 4], width: u32, colour: Colour) {
        let half = width as f32 / 2.0;
        let [left, top, right, bottom] = [left - half, top - half, right - half, bottom - half].map(place);
        let (across, down) = (right.abs_diff(left).saturating_add(width), bottom.abs_diff(top).saturating_add(width));
        for (x, y, w, h) in [(left, top, across, width), (left, bottom, across, width), (left, top, width, down), (right, top, width, down)]
        {
            draw_filled_rect_mut(&mut self.pixels, Rect::at(x, y).of_size(w.clamp(1, FAR as u32), h.clamp(1, FAR as u32)), Rgb(colour));
        }
    }

    /// A disc around a point, which may lie outside.
    pub(crate) fn dot(&mut self, [x, y]: [f32; 2], radius: f32, colour: Colour) {
        draw_filled_circle_mut(&mut self.pixels, (place(x), place(y)), place(radius), Rgb(colour));
    }

    /// Draws a picture with its top left corner at (x, y), at its own size, in a frame of `border` pixels around it.
    pub(crate) fn picture(&mut self, x: u32, y: u32, picture: &Picture, border: u32, frame: Colour) {
        self.fill(x.saturating_sub(border), y.saturating_sub(border), picture.width + 2 * border, picture.height + 2 * border, frame);
        if let Some(shown) = RgbImage::from_raw(picture.width, picture.height, picture.rgb.clone()) {
            image::imageops::replace(&mut self.pixels, &shown, x.into(), y.into());
        }
    }

    /// Writes text with its top left corner at (x, y) in letters of `size` pixels.
    pub(crate) fn text(&mut self, x: u32, y: u32, size: f32, colour: Colour, text: &str) {
        draw_text_mut(&mut self.pixels, Rgb(colour), place(x as f32), place(y as f32), size, &self.font, text);
    }

    /// The width of text in pixels.
    pub(crate) fn width_of(&self, text: &str, size: f32) -> u32 {
        text_size(size, &self.font, text).0
    }

    /// The beginning of a text that is no wider than `room` pixels, with an ellipsis if something is left out.
    pub(crate) fn start(&self, text: &str, size: f32, room: u32) -> String {
        self.shortened(text, size, room, |kept| text.chars().take(kept).chain(['…']).collect())
    }

    /// The end of a text, as [`Self::start`].
    pub(crate) fn ending(&self, text: &str, size: f32, room: u32) -> String {
        let all = text.chars().count();
        self.shortened(text, size, room, |kept| std::iter::once('…').chain(text.chars().skip(all - kept)).collect())
    }

    /// The longest that fits of what `cut` makes of so many letters.
    fn shortened(&self, text: &str, size: f32, room: u32, cut: impl Fn(usize) -> String) -> String {
        if self.width_of(text, size) <= room {
            return text.to_owned();
        }
        let (mut fits, mut too_long) = (0, text.chars().count());
        while too_long - fits > 1 {
            let middle = fits.midpoint(too_long);
            if self.width_of(&cut(middle), size) <= room { fits = middle } else { too_long = middle }
        }
        cut(fits)
    }

    /// Writes the sheet as PNG.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let mut png = std::io::Cursor::new(Vec::new());
        self.pixels
            .write_to(&mut png, image::ImageFormat::Png)
            .map_err(|e| Error::Picture(format!("The picture could not be encoded ({e}). Report this.")))?;
        let mut file = super::npy::NewFile::create(path)?;
        file.write(png.get_ref())?;
        file.finish()
    }
}

/// Further out than any picture, and small enough that sums of places fit in an integer.
const FAR: f32 = 1e6;

/// A whole place; a NaN is taken for 0.
fn place(at: f32) -> i32 {
    at.round().clamp(-FAR, FAR) as i32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn drawing_over_the_edge_is_cut_off() {
        let mut sheet = Sheet::new(10, 10, PAPER).unwrap();
        sheet.fill(8, 8, 50, 50, INK);
        sheet.text(5, 5, LARGE, INK, "é§A漢");
        sheet.picture(9, 9, &Picture { width: 4, height: 4, rgb: vec![1; 48] }, 3, RIGHT);
        assert_eq!(sheet.pixels.get_pixel(9, 9).0, [1, 1, 1]);
        for far in [-1e9, 1e9, f32::NAN, f32::INFINITY] {
            sheet.outline([far, 2.0, 1e20, far], 3, INK);
            sheet.dot([far, 5.0], 4.0, INK);
        }
        assert_eq!(sheet.pixels.dimensions(), (10, 10));
    }

    #[test]
    fn outlines_and_dots_are_where_they_are_put() {
        let mut sheet = Sheet::new(9, 7, [0; 3]).unwrap();
        sheet.outline([1.0, 1.0, 7.0, 5.0], 1, [1; 3]);
        sheet.dot([4.0, 3.0], 1.0, [2; 3]);
        let rows: Vec<String> = sheet.pixels.chunks(27).map(|row| row.iter().step_by(3).map(|v| char::from(b'0' + v)).collect()).collect();
        assert_eq!(rows, ["000000000", "011111110", "010020010", "010222010", "010020010", "011111110", "000000000"]);
    }

    #[test]
    fn text_is_cut_to_the_room_there_is() {
        let sheet = Sheet::new(1, 1, PAPER).unwrap();
        let (text, room) = ("Ada/König/Ελένη/0001.jpg", 80);
        assert_eq!(sheet.start(text, SMALL, 1000), text);
        let (start, ending) = (sheet.start(text, SMALL, room), sheet.ending(text, SMALL, room));
        assert!(
            start.starts_with("Ada/") && start.ends_with('…') && ending.starts_with('…') && ending.ends_with("1.jpg"),
            "{start} {ending}"
        );
        assert!([start, ending].iter().all(|t| (room / 2..=room).contains(&sheet.width_of(t, SMALL))));
        assert_eq!(sheet.start(text, SMALL, 0), "…");
    }
}
