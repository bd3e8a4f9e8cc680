//! Small pictures of faces.

use std::path::Path;

use image::imageops::{self, FilterType};
use lookalike::embed::Picture;
use lookalike::gallery::Entry;
use sha2::{Digest, Sha256};

/// Width and height in pixels.
pub(super) const SIDE: u32 = 112;

/// The face in its box and a little around it, or the centre of the picture.
pub(super) fn of(picture: &Picture, bounds: Option<[f32; 4]>) -> Picture {
    let (width, height) = (picture.width, picture.height);
    let whole = width.min(height);
    let (side, cx, cy) = match bounds {
        Some([x1, y1, x2, y2]) => ((1.3 * (x2 - x1).max(y2 - y1)).clamp(1.0, whole as f32) as u32, 0.5 * (x1 + x2), 0.5 * (y1 + y2)),
        None => (whole, 0.5 * width as f32, 0.5 * height as f32),
    };
    // Float to integer conversion saturates: the corner stays inside.
    let corner = |centre: f32, length: u32| ((centre - 0.5 * side as f32).max(0.0) as u32).min(length - side);
    let Some(pixels) = image::RgbImage::from_raw(width, height, picture.rgb.clone()) else { return blank() };
    let crop = imageops::crop_imm(&pixels, corner(cx, width), corner(cy, height), side, side).to_image();
    let small = imageops::resize(&crop, SIDE, SIDE, FilterType::Triangle);
    Picture { width: SIDE, height: SIDE, rgb: small.into_raw() }
}

fn blank() -> Picture {
    Picture { width: SIDE, height: SIDE, rgb: vec![224; (SIDE * SIDE * 3) as usize] }
}

/// The enrolled face, if the file it came from still exists and is the same.
pub(super) fn enrolled(entry: &Entry) -> Option<Picture> {
    let path = Path::new(&entry.source);
    if !path.is_file() {
        return None;
    }
    if let Some(digest) = entry.picture_digest {
        let bytes = std::fs::read(path).ok()?;
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != digest {
            return None;
        }
        return Picture::decode(&bytes, &entry.source).ok().map(|p| of(&p, entry.bounds));
    }
    Picture::open(path).ok().map(|p| of(&p, entry.bounds))
}

/// A picture as JPEG, for pages.
pub(super) fn jpeg(picture: &Picture) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 85);
    encoder.encode(&picture.rgb, picture.width, picture.height, image::ExtendedColorType::Rgb8).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_box_anywhere_gives_a_thumbnail() {
        let picture = Picture::new(30, 20, vec![7; 1800]).unwrap();
        for bounds in
            [None, Some([-50.0, -50.0, 5.0, 5.0]), Some([25.0, 15.0, 300.0, 200.0]), Some([5.0, 5.0, 5.0, 5.0]), Some([f32::MAX; 4])]
        {
            let small = of(&picture, bounds);
            assert_eq!(small.check().map(|()| small.rgb[0]).unwrap(), 7);
        }
    }
}
