//! Pairs of videos: folders of frames.

use std::path::{Path, PathBuf};

use lookalike::{Error, Result};

use super::{Files, Pair, Table, Wrong, fold, same};
use crate::cli::pictures;

/// Pairs of videos and the folders with their frames.
#[derive(Debug, PartialEq)]
pub(crate) struct Videos {
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) pairs: Vec<Pair>,
}

impl Videos {
    /// Reads a CSV with the columns `video_a,video_b,same` (and `fold`, `group`), or the `splits.txt` of YouTube Faces: `split, video, video, same, …`.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(crate) fn read(path: &Path, root: &Path) -> Result<Self> {
        super::read(path, |text| parse(text, root))
    }

    /// The frames of every video in their order.
    ///
    /// # Errors
    /// A folder that cannot be read or has no picture.
    pub(crate) fn frames(&self) -> Result<Vec<Vec<PathBuf>>> {
        self.folders
            .iter()
            .map(|folder| {
                let mut frames = if folder.is_dir() { pictures::list_if_any(std::slice::from_ref(folder))? } else { Vec::new() };
                if frames.is_empty() {
                    return Err(Error::Caller(format!(
                        "The video {} has no frames. Give folders with pictures, and --root.",
                        folder.display()
                    )));
                }
                frames.sort_by_cached_key(|f| numbers_in(&f.to_string_lossy()));
                Ok(frames)
            })
            .collect()
    }
}

/// A name with its numbers as numbers, so that 2 comes before 10.
fn numbers_in(name: &str) -> Vec<(String, u128)> {
    let mut parts = vec![(String::new(), 0u128)];
    let mut in_number = false;
    for c in name.chars() {
        if let Some(digit) = c.to_digit(10) {
            in_number = true;
            if let Some((_, n)) = parts.last_mut() {
                *n = n.saturating_mul(10).saturating_add(u128::from(digit));
            }
        } else {
            if in_number {
                parts.push((String::new(), 0));
            }
            in_number = false;
            if let Some((text, _)) = parts.last_mut() {
                text.push(c);
            }
        }
    }
    parts
}

fn parse(text: &str, root: &Path) -> Result<Videos, Wrong> {
    let mut files = Files::below(root);
    let table = Table::new(text)?;
    let pairs = if table.column("video_a").is_some() { listed(table, &mut files)? } else { splits(text, &mut files)? };
    if pairs.is_empty() {
        return Err((1, "is all there is, but pairs of video_a,video_b,same are needed".to_owned()));
    }
    Ok(Videos { folders: files.paths, pairs })
}

fn listed(mut table: Table<'_>, files: &mut Files<'_>) -> Result<Vec<Pair>, Wrong> {
    let [a, b, is_same] = table.columns(["video_a", "video_b", "same"])?;
    let (in_fold, group) = (table.column("fold"), table.column("group"));
    let mut pairs = Vec::new();
    for row in table.rows() {
        let (line, row) = row?;
        let field = |i: usize| row.get(i).unwrap_or_default();
        let group = group.map(field).filter(|g| !g.is_empty()).map(str::to_owned);
        let (same, fold) = (same(field(is_same), line)?, fold(in_fold.map(field), line)?);
        pairs.push(Pair { files: [files.place(field(a)), files.place(field(b))], same, fold, group });
    }
    Ok(pairs)
}

/// `split, video, video, same, …` with splits from 1 on; lines that do not begin with a number are headings.
fn splits(text: &str, files: &mut Files<'_>) -> Result<Vec<Pair>, Wrong> {
    let mut pairs = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let Some(split) = fields.first().and_then(|f| f.parse::<usize>().ok()) else {
            if i == 0 || line.trim().is_empty() {
                continue;
            }
            return Err((i + 1, "does not begin with the number of a split".to_owned()));
        };
        let [_, a, b, is_same, ..] = fields[..] else {
            return Err((i + 1, "is not `split, video, video, same`".to_owned()));
        };
        let same = same(is_same, i + 1)?;
        pairs.push(Pair { files: [files.place(a), files.place(b)], same, fold: Some(split), group: None });
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn both_kinds_of_lists_say_the_same() {
        let csv = parse("video_a,video_b,same,fold\nAnn/1,Ann/3,1,1\nAnn/1,Bob/0,0,2\n", Path::new("r")).unwrap();
        let splits =
            parse("split number, first name, second name, is same\n1, Ann/1, Ann/3, 1, 1\n2, Ann/1, Bob/0, 0, 0\n", Path::new("r"))
                .unwrap();
        assert_eq!(csv, splits);
        assert_eq!(csv.folders, ["r/Ann/1", "r/Ann/3", "r/Bob/0"].map(PathBuf::from));
        assert!(csv.pairs[0].same && !csv.pairs[1].same && csv.pairs[1].fold == Some(2));
    }

    #[test]
    fn what_is_not_understood_is_named_by_line() {
        for (text, line) in
            [("video_a,video_b\n", 1), ("1, a, b, 1\nx, a, b, 1\n", 2), ("1, a, b\n", 1), ("1, a, b, perhaps\n", 1), ("", 1)]
        {
            assert_eq!(parse(text, Path::new("")).unwrap_err().0, line, "{text}");
        }
    }

    #[test]
    fn frames_are_ordered_by_number() {
        let mut names = ["v/10.jpg", "v/9.2.jpg", "v/9.10.jpg", "u/11.jpg"];
        names.sort_by_cached_key(|n| numbers_in(n));
        assert_eq!(names, ["u/11.jpg", "v/9.2.jpg", "v/9.10.jpg", "v/10.jpg"]);
    }
}
