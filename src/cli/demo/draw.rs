//! The contact sheet: pictures that were searched, each beside the enrolled picture that came out on top.

use lookalike::Result;
use lookalike::embed::Picture;

use super::Crowd;
use super::measure::{Accuracy, Probe};
use crate::cli::sheet::{FAINT, INK, LARGE, MIDDLE, PAPER, RIGHT, SMALL, Sheet, WRONG};

/// Most probes on the sheet.
const CELLS: usize = 24;
const COLUMNS: usize = 3;
const FACE: u32 = 112;
const BORDER: u32 = 4;
/// Between the query and its match.
const GAP: u32 = 14;
const MARGIN: u32 = 32;
const HEAD: u32 = 112;
const FOOT: u32 = 30;
/// Beside the pictures of a cell: its text.
const TEXT: u32 = 104;
const CELL_WIDTH: u32 = 2 * FACE + GAP + 14 + TEXT;
const CELL_HEIGHT: u32 = FACE + 26;

/// Draws a spread of the probes, evenly spaced so that hits and misses show up in proportion.
pub(super) fn sheet(crowd: &Crowd, probes: &[Probe], accuracy: &Accuracy, adapter: &str) -> Result<Sheet> {
    let shown = probes.len().min(CELLS);
    let rows = shown.div_ceil(COLUMNS) as u32;
    let width = 2 * MARGIN + COLUMNS as u32 * CELL_WIDTH + (COLUMNS as u32 - 1) * MARGIN;
    let mut sheet = Sheet::new(width, HEAD + rows * CELL_HEIGHT + FOOT, PAPER)?;
    heading(&mut sheet, accuracy);
    for i in 0..shown {
        let x = MARGIN + (i % COLUMNS) as u32 * (CELL_WIDTH + MARGIN);
        let y = HEAD + (i / COLUMNS) as u32 * CELL_HEIGHT;
        cell(&mut sheet, x, y, crowd, &probes[i * probes.len() / shown]);
    }
    let foot = format!("{shown} of {} searches. The people are generated; none of them exists. Ran on {adapter}.", probes.len());
    let foot = sheet.start(&foot, SMALL, width - 2 * MARGIN);
    sheet.text(MARGIN, HEAD + rows * CELL_HEIGHT + 4, SMALL, FAINT, &foot);
    Ok(sheet)
}

fn heading(sheet: &mut Sheet, accuracy: &Accuracy) {
    sheet.text(MARGIN, 24, LARGE, INK, "lookalike demo");
    let line = format!(
        "rank-1 {:.1} % ({} of {})   same person {:.2}   different people {:.2}   AUC {:.3}",
        100.0 * accuracy.rank1,
        accuracy.hits,
        accuracy.probes,
        accuracy.same,
        accuracy.different,
        accuracy.auc
    );
    sheet.text(MARGIN, 60, SMALL, INK, &line);
    for column in 0..COLUMNS as u32 {
        let x = MARGIN + column * (CELL_WIDTH + MARGIN);
        sheet.text(x, HEAD - 20, SMALL, FAINT, "searched");
        sheet.text(x + FACE + GAP, HEAD - 20, SMALL, FAINT, "best match");
        sheet.text(x + 2 * FACE + GAP + 14, HEAD - 20, SMALL, FAINT, "similarity");
    }
}

fn cell(sheet: &mut Sheet, x: u32, y: u32, crowd: &Crowd, probe: &Probe) {
    let (person, score) = probe.best();
    let (colour, verdict) = if probe.is_hit() { (RIGHT, "right") } else { (WRONG, "wrong") };
    sheet.picture(x, y, &face(crowd, probe.picture), 1, FAINT);
    sheet.picture(x + FACE + GAP, y, &face(crowd, person * crowd.per_person), BORDER, colour);
    let left = x + 2 * FACE + GAP + 14;
    sheet.text(left, y + 10, LARGE, INK, &format!("{score:.2}"));
    sheet.text(left, y + 40, MIDDLE, colour, verdict);
    sheet.text(left, y + 72, SMALL, FAINT, &format!("is   #{}", probe.person));
    sheet.text(left, y + 88, SMALL, FAINT, &format!("said #{person}"));
    debug_assert!(sheet.width_of("wrong", MIDDLE) <= TEXT, "the widest text of a cell fits");
}

/// The aligned crop, as the network saw it.
fn face(crowd: &Crowd, index: usize) -> Picture {
    let [width, height] = crowd.size;
    // Shown at one size whatever the network's input is.
    let scale = [width as f32 / FACE as f32, height as f32 / FACE as f32];
    let [a, b, c, d, e, f] = crowd.transforms[index];
    let offset = scale.map(|s| 0.5 * s - 0.5);
    let shown =
        [a * scale[0], b * scale[1], c + a * offset[0] + b * offset[1], d * scale[0], e * scale[1], f + d * offset[0] + e * offset[1]];
    crowd.pictures[index].picture.warp(shown, FACE, FACE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use lookalike::people::{Camera, PeopleModel, SIZE};

    /// A sheet of real generated pictures with made-up scores; LOOKALIKE_SHEET names a file to look at it.
    #[test]
    fn a_sheet_is_drawn_for_any_number_of_probes() {
        let model = PeopleModel::builtin().unwrap();
        let ids: Vec<(u64, u64)> = (0..6).flat_map(|p| (1..=5).map(move |i| (p, i))).collect();
        let pictures: Vec<_> =
            ids.iter().map(|&(p, i)| Camera::new(1, p, i).shoot(&model.frame(&model.coefficients(1, p, i)), SIZE)).collect();
        let aligned =
            |p: &lookalike::people::GeneratedPicture| super::super::aligned(&p.landmarks, &lookalike::embed::ARCFACE_112).unwrap();
        let transforms = pictures.iter().map(aligned).collect();
        let crowd = Crowd { pictures, transforms, embeddings: Vec::new(), size: [112, 112], per_person: 5 };
        let probe = |picture: usize| {
            let person = picture / 5;
            let score = |other: usize| if other == (person + usize::from(picture == 8)) % 6 { 0.61 } else { 0.1 };
            Probe { picture, person, scores: (0..6).map(score).collect() }
        };
        let probes: Vec<_> = (0..30).filter(|i| i % 5 != 0).map(probe).collect();
        let accuracy = super::super::measure::accuracy(&probes);
        for n in [1, 4, 24] {
            let drawn = sheet(&crowd, &probes[..n], &accuracy, "An adapter (discrete, vulkan, driver 1.2.3)").unwrap();
            if let (24, Some(path)) = (n, std::env::var_os("LOOKALIKE_SHEET")) {
                drawn.save(path.as_ref()).unwrap();
            }
        }
    }
}
