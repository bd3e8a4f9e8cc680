//! Pictures with the faces drawn into them.

use std::path::{Path, PathBuf};

use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::{Error, Result};

use crate::cli::pictures::Names;
use crate::cli::sheet::{Colour, PAPER, Sheet};

const BOX: Colour = [0, 200, 83];
/// Image-left eye, image-right eye, nose, mouth corners: eyes differ, so that a face upside down shows.
const POINTS: [Colour; 5] = [[255, 214, 0], [0, 176, 255], [255, 255, 255], [255, 64, 129], [255, 64, 129]];

/// Where drawings go.
pub(super) struct Folder {
    path: PathBuf,
    names: Names,
}

impl Folder {
    /// # Errors
    /// A folder that cannot be made.
    pub(super) fn new(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::io("Making the folder", path, e))?;
        Ok(Self { path: path.to_owned(), names: Names::default() })
    }

    /// # Errors
    /// A file that cannot be written.
    pub(super) fn draw(&mut self, source: &Path, picture: Picture, faces: &[Face]) -> Result<()> {
        let name = self.names.next(source);
        drawn(picture, faces)?.save(&self.path.join(name))
    }
}

/// Boxes, scores above them, landmarks; lines grow with the picture.
fn drawn(picture: Picture, faces: &[Face]) -> Result<Sheet> {
    let (width, height) = (picture.width, picture.height);
    let line = (width.max(height) / 400).max(1);
    let mut sheet = Sheet::over(picture)?;
    for face in faces {
        sheet.outline(face.bounds, line, BOX);
        for (i, &point) in face.landmarks.iter().enumerate() {
            let radius = (face.size()[0] / 60.0).clamp(1.0, 8.0 * line as f32);
            sheet.dot(point, radius, POINTS[i % POINTS.len()]);
        }
    }
    let letters = 13.0 * line as f32;
    // On top of all boxes, inside the picture.
    for face in faces {
        let score = format!("{:.3}", face.score);
        let (across, down) = (sheet.width_of(&score, letters) + 4 * line, 15 * line);
        let left = (face.bounds[0].max(0.0) as u32).min(width.saturating_sub(across));
        let top = ((face.bounds[1] - down as f32).max(0.0) as u32).min(height.saturating_sub(down));
        sheet.fill(left, top, across, down, BOX);
        sheet.text(left + 2 * line, top + line, letters, PAPER, &score);
    }
    Ok(sheet)
}
