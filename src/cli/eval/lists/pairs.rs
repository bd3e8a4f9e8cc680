//! Lists of pairs as test sets publish them.

use std::path::{Path, PathBuf};

use lookalike::Result;

use super::{Files, Table, Wrong, fold, same};

/// A pair of pictures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    /// Places among the files.
    pub(crate) files: [usize; 2],
    /// Whether they show one person.
    pub(crate) same: bool,
    /// The fold, where the list says it.
    pub(crate) fold: Option<usize>,
    /// The group, where the list says it.
    pub(crate) group: Option<String>,
}

/// Pairs and the files they are of, each once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pairs {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) pairs: Vec<Pair>,
}

impl Pairs {
    /// Reads a CSV with the columns `file_a,file_b,same` (and `group`, `fold`), or a pairs.txt of LFW. Files are looked for below `root`.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(crate) fn read(path: &Path, root: &Path) -> Result<Self> {
        super::read(path, |text| {
            let lfw = text.lines().next().is_some_and(|l| !l.contains(',') && l.split_whitespace().all(|w| w.parse::<usize>().is_ok()));
            let mut builder = Builder { files: Files::below(root), pairs: Vec::new() };
            if lfw {
                builder.lfw(text)?
            } else {
                builder.csv(text)?
            }
            if builder.pairs.is_empty() {
                return Err((1, "is all there is: no pair. Give lines of file_a,file_b,same".to_owned()));
            }
            Ok(Self { files: builder.files.paths, pairs: builder.pairs })
        })
    }
}

struct Builder<'a> {
    files: Files<'a>,
    pairs: Vec<Pair>,
}

impl Builder<'_> {
    fn csv(&mut self, text: &str) -> Result<(), Wrong> {
        let mut table = Table::new(text)?;
        let [a, b, is_same] = table.columns(["file_a", "file_b", "same"])?;
        let (group, in_fold) = (table.column("group"), table.column("fold"));
        for row in table.rows() {
            let (line, row) = row?;
            let field = |i: usize| row.get(i).unwrap_or_default();
            let (same, fold) = (same(field(is_same), line)?, fold(in_fold.map(field), line)?);
            let group = group.map(field).filter(|g| !g.is_empty()).map(str::to_owned);
            let files = [self.files.place(field(a)), self.files.place(field(b))];
            self.pairs.push(Pair { files, same, fold, group });
        }
        Ok(())
    }

    /// `FOLDS PAIRS`, then for each fold that many lines `name i j` and as many `name i other j`. Files are `name/name_0001.jpg`.
    fn lfw(&mut self, text: &str) -> Result<(), Wrong> {
        let mut lines = text.lines().enumerate();
        let header: Vec<usize> =
            lines.next().map(|(_, l)| l.split_whitespace().filter_map(|w| w.parse().ok()).collect()).unwrap_or_default();
        let (folds, each) = match header[..] {
            [each] => (1, each),
            [folds, each] => (folds, each),
            _ => return Err((1, "is not the number of folds and of pairs in a fold".to_owned())),
        };
        for (number, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
            let wrong = || (number + 1, "is neither `name i j` nor `name i other j`".to_owned());
            let words: Vec<&str> = line.split('\t').map(str::trim).collect();
            let words = if words.len() < 3 { line.split_whitespace().collect() } else { words };
            let (first, second, same) = match words[..] {
                [name, i, j] => ((name, i), (name, j), true),
                [name, i, other, j] => ((name, i), (other, j), false),
                _ => return Err(wrong()),
            };
            let file = |(name, i): (&str, &str)| i.parse::<usize>().map(|i| format!("{name}/{name}_{i:04}.jpg")).map_err(|_| wrong());
            let files = [self.files.place(&file(first)?), self.files.place(&file(second)?)];
            let fold = self.pairs.len() / (2 * each).max(1);
            if fold >= folds {
                return Err((number + 1, format!("is one pair more than the {folds} times 2 times {each} of the first line")));
            }
            self.pairs.push(Pair { files, same, fold: (folds > 1).then_some(fold), group: None });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(text: &str) -> Result<Pairs> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pairs");
        std::fs::write(&path, text).unwrap();
        Pairs::read(&path, Path::new("root"))
    }

    #[test]
    fn csv_lists_may_have_groups_and_folds_and_columns_in_any_order() {
        let pairs = read("same, group,file_b,file_a,fold\n1,x,b.jpg,a.jpg,0\nno,,c.jpg,a.jpg,1\n").unwrap();
        assert_eq!(pairs.files, ["a.jpg", "b.jpg", "c.jpg"].map(|f| Path::new("root").join(f)));
        let first = Pair { files: [0, 1], same: true, fold: Some(0), group: Some("x".to_owned()) };
        assert_eq!(pairs.pairs, [first, Pair { files: [0, 2], same: false, fold: Some(1), group: None }]);
    }

    #[test]
    fn the_list_of_lfw_is_read_with_its_folds() {
        let pairs = read("2\t1\nAnn_B\t1\t12\nAnn_B\t3\tCy\t4\nCy\t4\t5\nCy\t4\tAnn_B\t1\n").unwrap();
        assert_eq!(pairs.files[1], Path::new("root/Ann_B/Ann_B_0012.jpg"));
        let folds: Vec<_> = pairs.pairs.iter().map(|p| (p.fold, p.same)).collect();
        assert_eq!(folds, [(Some(0), true), (Some(0), false), (Some(1), true), (Some(1), false)]);
        assert_eq!(pairs.files.len(), 5);
    }

    #[test]
    fn what_is_not_understood_is_named_by_line() {
        for (text, line) in [("a,b\n1,2\n", "line 1"), ("file_a,file_b,same\nx,y,maybe\n", "line 2"), ("1\t1\nAnn\t1\n", "line 2")] {
            assert!(read(text).unwrap_err().to_string().contains(line), "{text}");
        }
        assert!(read("file_a,file_b,same\n").unwrap_err().to_string().contains("no pair"));
        assert!(read("2 1\nA\t1\t2\nA\t1\tB\t2\nA\t1\t2\nA\t1\tB\t2\nA\t1\t2\n").is_err());
    }
}
