//! Lists of pairs as test sets publish them.

use std::path::{Path, PathBuf};

use lookalike::{Error, Result};

/// A pair of pictures.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// Places among the files.
    pub(super) files: [usize; 2],
    /// Whether they show one person.
    pub(super) same: bool,
    /// The fold, where the list says it.
    pub(super) fold: Option<usize>,
    /// The group, where the list says it.
    pub(super) group: Option<String>,
}

/// Pairs and the files they are of, each once.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs {
    pub(super) files: Vec<PathBuf>,
    pub(super) pairs: Vec<Pair>,
}

impl Pairs {
    /// Reads a CSV with the columns `file_a,file_b,same` (and `group`, `fold`), or a pairs.txt of LFW. Files are looked for below `root`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Caller`] with the line that is not understood.
    pub(super) fn read(path: &Path, root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("Reading", path, e))?;
        let lfw = text.lines().next().is_some_and(|l| !l.contains(',') && l.split_whitespace().all(|w| w.parse::<usize>().is_ok()));
        let mut builder = Builder { root, known: std::collections::HashMap::new(), out: Self::default() };
        let result = if lfw { builder.lfw(&text) } else { builder.csv(&text) };
        result.map_err(|(line, what)| {
            Error::Caller(format!("The list of pairs {} is not understood: line {line} {what}.", path.display()))
        })?;
        if builder.out.pairs.is_empty() {
            return Err(Error::Caller(format!("The list of pairs {} holds no pair. Give lines of file_a,file_b,same.", path.display())));
        }
        Ok(builder.out)
    }
}

struct Builder<'a> {
    root: &'a Path,
    known: std::collections::HashMap<PathBuf, usize>,
    out: Pairs,
}

/// The line, and what is wrong with it.
type Wrong = (usize, String);

impl Builder<'_> {
    fn file(&mut self, name: &str) -> usize {
        let path = self.root.join(name);
        let next = self.out.files.len();
        let place = *self.known.entry(path.clone()).or_insert(next);
        if place == next {
            self.out.files.push(path);
        }
        place
    }

    fn csv(&mut self, text: &str) -> Result<(), Wrong> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| (1, e.to_string()))?.clone();
        let column = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
        let (Some(a), Some(b), Some(same)) = (column("file_a"), column("file_b"), column("same")) else {
            let found: Vec<_> = headers.iter().collect();
            return Err((1, format!("has the columns {}, but file_a, file_b and same are needed", found.join(", "))));
        };
        let (group, fold) = (column("group"), column("fold"));
        for record in reader.records() {
            let record = record.map_err(|e| (e.position().map_or(0, |p| p.line() as usize), "is not a row of the table".to_owned()))?;
            let line = record.position().map_or(0, |p| p.line() as usize);
            let field = |i: usize| record.get(i).unwrap_or_default();
            let same = match field(same).to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" => true,
                "0" | "false" | "no" => false,
                other => return Err((line, format!("has `{other}` for same, but 1 or 0 is needed"))),
            };
            let fold = match fold.map(field).filter(|f| !f.is_empty()) {
                Some(f) => Some(f.parse().map_err(|_| (line, format!("has the fold `{f}`, but a number is needed")))?),
                None => None,
            };
            let group = group.map(field).filter(|g| !g.is_empty()).map(str::to_owned);
            let files = [self.file(field(a)), self.file(field(b))];
            self.out.pairs.push(Pair { files, same, fold, group });
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
            let files = [self.file(&file(first)?), self.file(&file(second)?)];
            let fold = self.out.pairs.len() / (2 * each).max(1);
            if fold >= folds {
                return Err((number + 1, format!("is one pair more than the {folds} times 2 times {each} of the first line")));
            }
            self.out.pairs.push(Pair { files, same, fold: (folds > 1).then_some(fold), group: None });
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
