//! Pictures with the faces drawn into them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::{Error, Result};

use crate::cli::sheet::{Colour, LETTER, PAPER, Sheet, text_width};

const BOX: Colour = [0, 200, 83];
/// Image-left eye, image-right eye, nose, mouth corners: eyes differ, so that a face upside down shows.
const POINTS: [Colour; 5] = [[255, 214, 0], [0, 176, 255], [255, 255, 255], [255, 64, 129], [255, 64, 129]];

/// Where drawings go: `NAME.png` for `NAME.jpg`, or `NAME-2.png` where that is taken by another picture.
pub(super) struct Folder {
    path: PathBuf,
    taken: HashSet<String>,
}

impl Folder {
    /// # Errors
    /// A folder that cannot be made.
    pub(super) fn new(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::io("Making the folder", path, e))?;
        Ok(Self { path: path.to_owned(), taken: HashSet::new() })
    }

    /// # Errors
    /// A file that cannot be written.
    pub(super) fn draw(&mut self, source: &Path, picture: Picture, faces: &[Face]) -> Result<()> {
        let name = self.name(source);
        drawn(picture, faces).save(&self.path.join(name))
    }

    fn name(&mut self, source: &Path) -> String {
        let stem = source.file_stem().map_or_else(|| "picture".to_owned(), |s| s.to_string_lossy().into_owned());
        let names = (1..).map(|n| if n == 1 { format!("{stem}.png") } else { format!("{stem}-{n}.png") });
        let free = names.into_iter().find(|name| !self.taken.contains(&name.to_lowercase())).unwrap_or_default();
        self.taken.insert(free.to_lowercase());
        free
    }
}

/// Boxes, scores above them, landmarks; lines grow with the picture.
fn drawn(picture: Picture, faces: &[Face]) -> Sheet {
    let (width, height) = (picture.width, picture.height);
    let line = (width.max(height) / 400).max(1);
    let mut sheet = Sheet::over(picture);
    for face in faces {
        sheet.outline(face.bounds, line, BOX);
        for (i, &point) in face.landmarks.iter().enumerate() {
            let radius = (face.size()[0] / 60.0).clamp(1.0, 8.0 * line as f32);
            sheet.dot(point, radius, POINTS[i % POINTS.len()]);
        }
    }
    // On top of all boxes, inside the picture.
    for face in faces {
        let score = format!("{:.3}", face.score);
        let (across, down) = (text_width(&score, line) + 2 * line, (LETTER + 2) * line);
        let left = (face.bounds[0].max(0.0) as u32).min(width.saturating_sub(across));
        let top = ((face.bounds[1] - down as f32).max(0.0) as u32).min(height.saturating_sub(down));
        sheet.fill(left, top, across, down, BOX);
        sheet.text(left + line, top + line, line, PAPER, &score);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_one_name_do_not_overwrite_each_other() {
        let mut folder = Folder { path: PathBuf::new(), taken: HashSet::new() };
        let names = ["a/x.jpg", "b/x.png", "c/X.jpg", "y.tar.gz"].map(|p| folder.name(Path::new(p)));
        assert_eq!(names, ["x.png", "x-2.png", "X-3.png", "y.tar.png"]);
    }
}
