//! Both pictures side by side with what was found in them, the crops that were compared, and the score on a scale.

use std::path::Path;

use lookalike::Result;
use lookalike::embed::{Comparison, Picture};
use lookalike::model::Similarity;

use super::Side;
use crate::cli::sheet::{FAINT, INK, LARGE, MIDDLE, PAPER, RIGHT, SMALL, Sheet, WRONG};

const MARGIN: u32 = 28;
/// Longest side of a photograph, and side of a crop.
const PHOTO: u32 = 420;
const CROP: u32 = 168;
const HEAD: u32 = 92;
const SCALE: u32 = 64;
const WIDTH: u32 = 3 * MARGIN + 2 * PHOTO;

pub(super) fn sheet(sides: [&Side; 2], paths: [&Path; 2], score: f32, comparison: &Comparison) -> Result<Sheet> {
    let photos = sides.map(|s| shrunk(&s.picture));
    let tall = photos.iter().map(|(p, _)| p.height).max().unwrap_or(0);
    let mut sheet = Sheet::new(WIDTH, HEAD + tall + 3 * MARGIN + CROP + SCALE, PAPER)?;
    let same = comparison.accepts(score);
    let colour = if same { RIGHT } else { WRONG };
    sheet.text(MARGIN, 18, LARGE, colour, if same { "same person" } else { "different people" });
    let metric = comparison.similarity().name();
    sheet.text(MARGIN, 54, MIDDLE, INK, &format!("{metric} {score:.3}   threshold {:.3}", comparison.threshold));
    for (i, (side, (photo, scale))) in sides.iter().zip(&photos).enumerate() {
        let x = MARGIN + i as u32 * (PHOTO + MARGIN);
        sheet.picture(x, HEAD, photo, 1, FAINT);
        if let Some(face) = &side.face {
            mark(&mut sheet, [x, HEAD], *scale, &face.face, colour);
        }
        let below = HEAD + tall + 8;
        // The end of a path says more than its beginning.
        let caption = sheet.ending(&caption(paths[i], side), SMALL, PHOTO);
        sheet.text(x, below, SMALL, FAINT, &caption);
        sheet.picture(x, below + 22, &fitted(&side.crop, CROP), 2, colour);
        details(&mut sheet, [x + CROP + 16, below + 24], side);
    }
    scale(&mut sheet, HEAD + tall + 2 * MARGIN + CROP + 10, score, comparison);
    Ok(sheet)
}

/// The photograph at a size that fits, and by how much it was scaled.
fn shrunk(picture: &Picture) -> (Picture, f32) {
    let scale = (PHOTO as f32 / picture.width.max(picture.height) as f32).min(4.0);
    let [width, height] = [picture.width, picture.height].map(|n| ((n as f32 * scale).round() as u32).max(1));
    (resized(picture, width, height), scale)
}

fn fitted(crop: &Picture, side: u32) -> Picture {
    let scale = side as f32 / crop.width.max(crop.height) as f32;
    resized(crop, ((crop.width as f32 * scale) as u32).max(1), ((crop.height as f32 * scale) as u32).max(1))
}

fn resized(picture: &Picture, width: u32, height: u32) -> Picture {
    let source = image::RgbImage::from_raw(picture.width, picture.height, picture.rgb.clone()).unwrap_or_default();
    let rgb = image::imageops::resize(&source, width, height, image::imageops::FilterType::Triangle).into_raw();
    Picture { width, height, rgb }
}

/// Box and landmarks of a face on a photograph that was scaled.
fn mark(sheet: &mut Sheet, [left, top]: [u32; 2], scale: f32, face: &lookalike::face::Face, colour: [u8; 3]) {
    // Pixel centres at integers, before and after.
    let place = |[x, y]: [f32; 2]| [(x + 0.5) * scale - 0.5 + left as f32, (y + 0.5) * scale - 0.5 + top as f32];
    let [x1, y1, x2, y2] = face.bounds;
    let ([left, top], [right, bottom]) = (place([x1, y1]), place([x2, y2]));
    sheet.outline([left, top, right, bottom], 2, colour);
    face.landmarks.iter().for_each(|&p| sheet.dot(place(p), 2.0, colour));
}

fn caption(path: &Path, side: &Side) -> String {
    match side.pictures {
        1 => path.display().to_string(),
        n => format!("{} (the first of {n} pictures)", path.display()),
    }
}

fn details(sheet: &mut Sheet, [x, y]: [u32; 2], side: &Side) {
    let Some(found) = &side.face else {
        sheet.text(x, y, SMALL, FAINT, "an aligned crop");
        return;
    };
    let [width, height] = found.face.size();
    let lines = [
        ("score", format!("{:.3}", found.face.score)),
        ("size", format!("{width:.0} x {height:.0} px")),
        ("quality", format!("{:.2}", found.quality.map_or(1.0, |q| q.overall()))),
    ];
    for (i, (name, value)) in (0..).zip(&lines) {
        sheet.text(x, y + i * 18, SMALL, FAINT, name);
        sheet.text(x + 52, y + i * 18, SMALL, INK, value);
    }
}

/// Where the score lies on its scale, and the threshold.
fn scale(sheet: &mut Sheet, y: u32, score: f32, comparison: &Comparison) {
    let distance = comparison.similarity().is_distance();
    let (low, high) = match comparison.similarity() {
        Similarity::Cosine => (-0.2_f32, 1.0_f32),
        _ if distance => (0.0, (comparison.threshold * 2.0).max(score * 1.1).max(1e-6)),
        // A ratio has no ends: both it and the threshold are in the middle half.
        _ => {
            let (middle, reach) = ((score + comparison.threshold) / 2.0, (score - comparison.threshold).abs().max(1.0));
            (middle - reach, middle + reach)
        }
    };
    let width = WIDTH - 2 * MARGIN;
    let place = |v: f32| MARGIN + (((v.clamp(low, high) - low) / (high - low)) * width as f32) as u32;
    sheet.fill(MARGIN, y + 10, width, 8, [226, 227, 230]);
    let own = place(comparison.threshold);
    let accepted = if distance { (MARGIN, own) } else { (own, MARGIN + width) };
    sheet.fill(accepted.0, y + 10, accepted.1.saturating_sub(accepted.0), 8, [190, 226, 205]);
    sheet.fill(place(comparison.threshold), y + 4, 2, 20, FAINT);
    let text = format!("threshold {:.3}", comparison.threshold);
    let room = MARGIN + width - sheet.width_of(&text, SMALL);
    sheet.text(place(comparison.threshold).min(room), y + 30, SMALL, FAINT, &text);
    let colour = if comparison.accepts(score) { RIGHT } else { WRONG };
    sheet.fill(place(score).saturating_sub(3), y, 7, 28, colour);
}
