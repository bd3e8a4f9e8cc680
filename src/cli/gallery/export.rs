//! `lookalike gallery export`

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use lookalike::gallery::{Entry, Gallery};
use lookalike::{Error, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{ExportArgs, counted};
use crate::cli::npy::{MatrixWriter, NewFile};
use crate::cli::parquet::GalleryTable;
use crate::cli::ui::{Done, Outcome, Progress, Ui};

pub(super) fn run(ui: &Ui, args: &ExportArgs) -> Outcome {
    let gallery = Gallery::open_read_only(&args.gallery)?;
    let count = usize::try_from(gallery.len()?).unwrap_or(usize::MAX);
    let ending = args.output.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut progress = ui.progress(count, "exporting");
    let (written, missing) = match ending.as_str() {
        _ if args.output.is_dir() => to_folder(&gallery, &args.output, &mut progress)?,
        "parquet" => (to_parquet(&gallery, &args.output, &mut progress)?, Vec::new()),
        "npy" => (to_npy(&gallery, &args.output, &mut progress)?, Vec::new()),
        "" => to_folder(&gallery, &args.output, &mut progress)?,
        _ => {
            let text = format!("The output {} is of no known kind. Name it .parquet or .npy, or name a folder.", args.output.display());
            return Err(Error::Caller(text).into());
        }
    };
    progress.finish();
    missing.iter().for_each(|m| ui.skipped(m));
    if ui.json {
        ui.json(&json!({ "exported": written, "skipped": missing.len(), "output": args.output }))?;
    }
    ui.say_plain(&format!("exported {} to {}, {} skipped", counted(written, "row", "rows"), args.output.display(), missing.len()));
    Ok(Done::Yes)
}

/// The dimension, without which there is nothing to export.
fn dimension(gallery: &Gallery) -> Result<usize> {
    gallery
        .dimension()
        .ok_or_else(|| Error::Caller(format!("The gallery {} is empty. Add something to it first.", gallery.path().display())))
}

fn to_parquet(gallery: &Gallery, path: &Path, progress: &mut Progress) -> Result<usize> {
    let mut table = GalleryTable::create(path, dimension(gallery)?, gallery.precision(), gallery.model())?;
    let mut rows = 0;
    for entry in gallery.entries()? {
        table.row(entry?)?;
        rows += 1;
        progress.advance(1);
    }
    table.finish()?;
    Ok(rows)
}

/// A row of the table beside the array, which [`super::import`] reads.
#[derive(serde::Serialize)]
struct Row<'a> {
    row: usize,
    id: u64,
    label: &'a str,
    source: &'a str,
    face: u32,
    quality: Option<f32>,
    picture_sha256: Option<String>,
}

fn to_npy(gallery: &Gallery, path: &Path, progress: &mut Progress) -> Result<usize> {
    dimension(gallery)?;
    let table = path.with_extension("csv");
    let (mut matrix, mut beside) = (MatrixWriter::create(path)?, NewFile::create(&table)?);
    let fail = |e: csv::Error| Error::Caller(format!("Writing the table {} failed ({e}). Check the space on the disk.", table.display()));
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut rows = 0;
    for entry in gallery.entries()? {
        let e = entry?;
        matrix.row(&e.vector)?;
        let digest = e.picture_digest.map(|d| d.iter().map(|b| format!("{b:02x}")).collect());
        let row = Row { row: rows, id: e.id, label: &e.label, source: &e.source, face: e.face, quality: e.quality, picture_sha256: digest };
        csv.serialize(row).map_err(fail)?;
        csv.flush().map_err(|e| fail(e.into()))?;
        beside.write(csv.get_ref())?;
        csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        rows += 1;
        progress.advance(1);
    }
    matrix.finish()?;
    beside.finish()?;
    Ok(rows)
}

/// Copies the picture files to `person/picture.jpg`; those that are gone or have changed are named.
fn to_folder(gallery: &Gallery, root: &Path, progress: &mut Progress) -> Result<(usize, Vec<String>)> {
    let (mut written, mut missing, mut done) = (0, Vec::new(), HashSet::new());
    for entry in gallery.entries()? {
        let e = entry?;
        progress.advance(1);
        // A picture with several faces of one person is one file.
        if !done.insert((e.person, e.source.clone())) {
            continue;
        }
        match copy(&e, root)? {
            None => written += 1,
            Some(why) => missing.push(why),
        }
    }
    Ok((written, missing))
}

/// Copies one picture; `Some` says why not.
fn copy(e: &Entry, root: &Path) -> Result<Option<String>> {
    let from = Path::new(&e.source);
    let bytes = match std::fs::read(from) {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(Some(format!("The picture `{}` of `{}` cannot be read ({reason}).", e.source, e.label))),
    };
    if e.picture_digest.is_some_and(|d| <[u8; 32]>::from(Sha256::digest(&bytes)) != d) {
        return Ok(Some(format!("The picture `{}` of `{}` is another one now.", e.source, e.label)));
    }
    let folder = root.join(file_name(&e.label));
    std::fs::create_dir_all(&folder).map_err(|x| Error::io("Creating", &folder, x))?;
    let name = from.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut to: PathBuf = folder.join(&name);
    if to.exists() && std::fs::read(&to).ok().as_deref() != Some(&bytes) {
        // Another picture of that name.
        to = folder.join(format!("{}-{name}", e.id));
    }
    let mut file = NewFile::create(&to)?;
    file.write(&bytes)?;
    file.finish()?;
    Ok(None)
}

/// A label as the name of a folder that lies where it should on every system.
fn file_name(label: &str) -> String {
    let safe: String = label.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    if safe.chars().all(|c| c == '.' || c == ' ') { "_".to_owned() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn labels_stay_inside_the_folder() {
        for (label, folder) in [("Ada", "Ada"), ("..", "_"), ("../x", ".._x"), ("a/b\\c", "a_b_c"), ("Zoë P.", "Zoë P."), (".", "_")] {
            assert_eq!(file_name(label), folder);
        }
    }
}
