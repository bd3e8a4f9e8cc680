//! Whose embeddings are whose.

use std::path::Path;

use lookalike::gallery::cluster::consecutive;
use lookalike::{Error, Result};

use super::npy;

/// A number for every row, the same for rows of one person: from whole numbers in an .npy array, or the column `label` of a .csv.
pub(super) fn read(path: &Path, rows: usize) -> Result<Vec<u32>> {
    if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("npy")) {
        return table(path, rows);
    }
    let tensor = npy::read(path)?;
    let wrong = |why: String| Error::Caller(format!("The array {} {why}. Give a whole number for every embedding.", path.display()));
    let numbers = tensor.as_i64().ok_or_else(|| wrong("does not hold whole numbers".to_owned()))?;
    if numbers.len() != rows {
        return Err(wrong(format!("has {} labels for {rows} embeddings", numbers.len())));
    }
    Ok(consecutive(numbers))
}

/// The column `label` of a table, or the folder that a `source` is in, as whole numbers.
fn table(path: &Path, rows: usize) -> Result<Vec<u32>> {
    let wrong = |why: String| {
        let place = path.display();
        Error::Caller(format!(
            "The table {place} {why}. Give a column `label`, or `source` with a folder for every person, with a line for every embedding."
        ))
    };
    let file = std::fs::File::open(path).map_err(|e| Error::io("Reading", path, e))?;
    let mut table = csv::Reader::from_reader(file);
    let headers = table.headers().map_err(|e| wrong(format!("cannot be read ({e})")))?;
    let column = |name: &str| headers.iter().position(|h| h.trim() == name);
    let (column, folders) = match (column("label"), column("source")) {
        (Some(label), _) => (label, false),
        (None, Some(source)) => (source, true),
        (None, None) => return Err(wrong("has no column `label`".to_owned())),
    };
    let mut names = Vec::new();
    for record in table.records() {
        let record = record.map_err(|e| wrong(format!("cannot be read ({e})")))?;
        let cell = record.get(column).unwrap_or_default();
        let folder = || Path::new(cell).parent().map(|p| p.display().to_string()).filter(|p| !p.is_empty());
        names.push(if folders { folder().ok_or_else(|| wrong(format!("has the source `{cell}` in no folder")))? } else { cell.to_owned() });
    }
    if names.len() != rows {
        return Err(wrong(format!("has {} lines for {rows} embeddings", names.len())));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(consecutive(&names))
}
