//! Plots as files: SVG, or PNG.

use std::path::Path;

use lookalike::{Error, Result};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::font;
use super::npy::NewFile;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Svg,
    Png,
}

impl Kind {
    /// By the file's ending.
    ///
    /// # Errors
    /// [`Error::Caller`] for another one.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Error::Caller(format!("The plot {} is of no known kind. Name it .svg or .png.", path.display()))),
        }
    }
}

/// Something that can be drawn on either.
pub(crate) trait Drawing {
    /// What it is called in errors.
    fn title(&self) -> String;

    /// # Errors
    /// What the plotting library says.
    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String>;
}

/// The drawing as SVG.
///
/// # Errors
/// A drawing that cannot be made: a defect of this program.
pub(crate) fn svg(drawing: &impl Drawing, size: (u32, u32)) -> Result<String> {
    font::for_plots()?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        finished(drawing, &root)?;
    }
    Ok(svg)
}

/// Writes the drawing.
///
/// # Errors
/// As [`svg`], and a file that cannot be written.
pub(crate) fn write(path: &Path, kind: Kind, drawing: &impl Drawing, size: (u32, u32)) -> Result<()> {
    let bytes = match kind {
        Kind::Svg => svg(drawing, size)?.into_bytes(),
        Kind::Png => png(drawing, size)?,
    };
    let mut file = NewFile::create(path)?;
    file.write(&bytes)?;
    file.finish()
}

fn png(drawing: &impl Drawing, (width, height): (u32, u32)) -> Result<Vec<u8>> {
    font::for_plots()?;
    let mut rgb = vec![0; width as usize * height as usize * 3];
    {
        let root = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
        finished(drawing, &root)?;
    }
    let mut png = std::io::Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut png, &rgb, width, height, image::ExtendedColorType::Rgb8, image::ImageFormat::Png)
        .map_err(|e| Error::Picture(format!("The picture could not be encoded ({e}). Report this.")))?;
    Ok(png.into_inner())
}

fn finished<DB: DrawingBackend>(drawing: &impl Drawing, root: &DrawingArea<DB, Shift>) -> Result<()> {
    let fail = |e: String| Error::Caller(format!("The plot {} cannot be drawn ({e}). Report this.", drawing.title()));
    root.fill(&WHITE).map_err(|e| fail(e.to_string()))?;
    drawing.draw(root).map_err(fail)?;
    root.present().map_err(|e| fail(e.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    struct Cross;

    impl Drawing for Cross {
        fn title(&self) -> String {
            "cross".to_owned()
        }

        fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
            root.draw(&Text::new("a+b", (4, 4), ("sans-serif", 12))).map_err(|e| e.to_string())
        }
    }

    #[test]
    fn a_drawing_becomes_either_kind_of_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.svg", "a.PNG"] {
            let path = folder.path().join(name);
            write(&path, Kind::of(&path).unwrap(), &Cross, (40, 30)).unwrap();
        }
        assert!(std::fs::read_to_string(folder.path().join("a.svg")).unwrap().contains("a+b"));
        let png = image::open(folder.path().join("a.PNG")).unwrap().to_rgb8();
        assert!(png.dimensions() == (40, 30) && png.pixels().any(|p| p.0[0] < 128), "there are letters");
        assert!(Kind::of(Path::new("a.jpg")).unwrap_err().to_string().contains("a.jpg"));
    }
}
