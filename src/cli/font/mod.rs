//! The letters on pictures and plots: DejaVu Sans, which has Latin, Greek, Cyrillic and Arabic letters (see `LICENSE` beside it).

use ab_glyph::FontRef;
use lookalike::{Error, Result};
use plotters::style::{FontStyle, register_font};

static FILE: &[u8] = include_bytes!("DejaVuSans.ttf");

/// The font, for pictures.
///
/// # Errors
/// A font file that cannot be read: a defect of this program.
pub(crate) fn load() -> Result<FontRef<'static>> {
    FontRef::try_from_slice(FILE).map_err(|e| unreadable(&e.to_string()))
}

/// Makes it the font of all plots.
///
/// # Errors
/// As [`load`].
pub(crate) fn for_plots() -> Result<()> {
    register_font("sans-serif", FontStyle::Normal, FILE).map_err(|_| unreadable("no font"))
}

fn unreadable(why: &str) -> Error {
    Error::Picture(format!("The program's own font cannot be read ({why}). Report this."))
}
