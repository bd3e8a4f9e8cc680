//! The contact sheet of a search: every query with what it resembles.

use lookalike::{Error, Result};

use super::thumbnail::{SIDE, enrolled};
use super::{Answer, Match, Scale};
use crate::cli::sheet::{FAINT, INK, LARGE, PAPER, RIGHT, SMALL, Sheet, WRONG};

/// Most hits a query is drawn with, and most queries.
const HITS: usize = 8;
const QUERIES: usize = 50;
const MARGIN: u32 = 24;
const GAP: u32 = 16;
/// Under a picture: its text.
const TEXT: u32 = 38;
const HEAD: u32 = 72;

pub(super) fn sheet(answers: &[Answer], scale: Scale, top: usize) -> Result<Sheet> {
    let (rows, columns) = (answers.len().min(QUERIES), top.min(HITS));
    let cell = SIDE + GAP;
    let size = |n: usize, cell: u32| u32::try_from(n).ok().and_then(|n| n.checked_mul(cell));
    let (Some(width), Some(height)) = (size(columns + 1, cell), size(rows, cell + TEXT)) else {
        return Err(Error::Limits("The contact sheet would be too large. Ask for fewer hits with --top.".to_owned()));
    };
    let mut sheet = Sheet::new(2 * MARGIN + width + GAP, HEAD + height + MARGIN, PAPER)?;
    sheet.text(MARGIN, 14, LARGE, INK, "search");
    sheet.text(MARGIN, HEAD - 20, SMALL, FAINT, "query");
    sheet.text(MARGIN + cell + GAP, HEAD - 20, SMALL, FAINT, "most alike first");
    for (i, answer) in answers.iter().take(rows).enumerate() {
        let y = HEAD + i as u32 * (cell + TEXT);
        match &answer.query.thumbnail {
            Some(picture) => sheet.picture(MARGIN, y, picture, 1, FAINT),
            None => empty(&mut sheet, MARGIN, y, "embedding"),
        }
        // The end of a path says more than its beginning.
        let name = sheet.ending(&answer.query.name(), SMALL, SIDE);
        sheet.text(MARGIN, y + SIDE + 5, SMALL, INK, &name);
        for (j, found) in answer.matches.iter().take(columns).enumerate() {
            draw(&mut sheet, MARGIN + GAP + (j as u32 + 1) * cell, y, found, scale);
        }
    }
    Ok(sheet)
}

fn draw(sheet: &mut Sheet, x: u32, y: u32, found: &Match, scale: Scale) {
    let colour = match found.same {
        Some(true) => RIGHT,
        Some(false) => WRONG,
        None => FAINT,
    };
    match enrolled(&found.entry) {
        Some(picture) => sheet.picture(x, y, &picture, 3, colour),
        None => {
            sheet.fill(x - 3, y - 3, SIDE + 6, SIDE + 6, colour);
            empty(sheet, x, y, "no picture");
        }
    }
    let label = sheet.start(&found.entry.label, SMALL, SIDE);
    sheet.text(x, y + SIDE + 5, SMALL, INK, &label);
    sheet.text(x, y + SIDE + 20, SMALL, colour, &scale.show(found.score));
}

fn empty(sheet: &mut Sheet, x: u32, y: u32, text: &str) {
    sheet.fill(x, y, SIDE, SIDE, [224, 224, 222]);
    sheet.text(x + 12, y + SIDE / 2 - 6, SMALL, FAINT, text);
}
