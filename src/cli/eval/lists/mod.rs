//! Lists of test sets: tables with named columns, and the files they name.

mod pairs;
mod people;
mod videos;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lookalike::{Error, Result};

pub(super) use pairs::{Pair, Pairs};
pub(super) use people::{Clusters, People, Role};
pub(super) use videos::Videos;

/// The line of a list, and what is wrong with it.
type Wrong = (usize, String);

/// Reads a list with `parse`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Caller`] with the line that is not understood.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("Reading", path, e))?;
    parse(&text).map_err(|(line, what)| Error::Caller(format!("The list {} is not understood: line {line} {what}.", path.display())))
}

/// Files, each once.
struct Files<'a> {
    root: &'a Path,
    known: HashMap<PathBuf, usize>,
    paths: Vec<PathBuf>,
}

impl<'a> Files<'a> {
    fn below(root: &'a Path) -> Self {
        Self { root, known: HashMap::new(), paths: Vec::new() }
    }

    /// The place of a file among the paths.
    fn place(&mut self, name: &str) -> usize {
        let path = self.root.join(name);
        let next = self.paths.len();
        let place = *self.known.entry(path.clone()).or_insert(next);
        if place == next {
            self.paths.push(path);
        }
        place
    }
}

/// A table in CSV, with a line of column names.
struct Table<'t> {
    headers: csv::StringRecord,
    reader: csv::Reader<&'t [u8]>,
}

impl<'t> Table<'t> {
    fn new(text: &'t str) -> Result<Self, Wrong> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| (1, e.to_string()))?.clone();
        Ok(Self { headers, reader })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|h| h.eq_ignore_ascii_case(name))
    }

    /// The places of columns that have to be there.
    fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], Wrong> {
        let places: Vec<usize> = names.iter().filter_map(|n| self.column(n)).collect();
        places.try_into().map_err(|_| {
            let found: Vec<_> = self.headers.iter().collect();
            (1, format!("has the columns {}, but {} are needed", found.join(", "), names.join(", ")))
        })
    }

    /// Every row with its line.
    fn rows(&mut self) -> impl Iterator<Item = Result<(usize, csv::StringRecord), Wrong>> {
        self.reader.records().map(|record| {
            let record = record.map_err(|e| (e.position().map_or(0, |p| p.line() as usize), "is not a row of the table".to_owned()))?;
            Ok((record.position().map_or(0, |p| p.line() as usize), record))
        })
    }
}

/// What a column `same` says.
fn same(text: &str, line: usize) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        other => Err((line, format!("has `{other}` for same, but 1 or 0 is needed"))),
    }
}

/// What a column `fold` says, if anything.
fn fold(text: Option<&str>, line: usize) -> Result<Option<usize>, Wrong> {
    match text.filter(|f| !f.is_empty()) {
        Some(f) => f.parse().map(Some).map_err(|_| (line, format!("has the fold `{f}`, but a number is needed"))),
        None => Ok(None),
    }
}
