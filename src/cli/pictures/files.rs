//! Which files are meant.

use std::path::{Path, PathBuf};

use lookalike::{Error, Result};

/// File names in folders that count as pictures. What they really are is told by their content.
const EXTENSIONS: [&str; 15] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "tif", "tiff", "gif", "pnm", "pbm", "pgm", "ppm"];

/// The named files in the order given; a folder stands for all pictures in it and below, sorted by path.
///
/// A named file that does not exist is kept: it is reported when it cannot be read.
pub(crate) fn list(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for path in named {
        if path.is_dir() {
            walk(path, &mut out)?;
        } else {
            out.push(path.clone());
        }
    }
    Ok(out)
}

fn walk(root: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let fail = |e| Error::io("Reading the folder", &folder, e);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            // Links to folders are not followed: they may lead in a circle.
            if entry.file_type().map_err(fail)?.is_dir() {
                folders.push(path);
            } else if is_picture(&path) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    out.append(&mut found);
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.iter().any(|x| e.eq_ignore_ascii_case(x)))
}

/// The paths for a message.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn folders_are_walked_in_sorted_order_and_other_files_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("b/c")).unwrap();
        for name in ["z.PNG", "a.jpg", "b/c/m.webp", "notes.txt"] {
            std::fs::write(root.join(name), b"").unwrap();
        }
        let found = list(&[root.to_owned(), PathBuf::from("missing.gif")]).unwrap();
        let expected = [root.join("a.jpg"), root.join("b/c/m.webp"), root.join("z.PNG"), PathBuf::from("missing.gif")];
        assert_eq!(found, expected);
    }
}
