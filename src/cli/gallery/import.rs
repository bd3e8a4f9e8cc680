//! `lookalike gallery import`

use std::path::{Path, PathBuf};

use lookalike::gallery::{Added, Batch, Gallery, GalleryModel, NewEntry};
use lookalike::{Error, Result};
use serde_json::json;

use super::{ImportArgs, add, counted};
use crate::cli::args::GlobalArgs;
use crate::cli::ui::{Done, Outcome, Progress, Ui};
use crate::cli::{npy, parquet};

/// What was done so far.
#[derive(Default)]
struct Tally {
    added: usize,
    known: usize,
}

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &ImportArgs) -> Outcome {
    if args.input.is_dir() {
        let ImportArgs { gallery, input, label, recogniser, .. } = args;
        return add::pictures(global, ui, gallery, std::slice::from_ref(input), label.as_deref(), recogniser);
    }
    let ending = args.input.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut gallery = Gallery::open(&args.gallery)?;
    let tally = match ending.as_str() {
        "npy" => from_npy(ui, &mut gallery, args)?,
        "parquet" => from_parquet(ui, &mut gallery, args)?,
        _ => {
            return Err(
                Error::Caller(format!("The file {} is of no known kind. Give .npy, .parquet or a folder.", args.input.display())).into()
            );
        }
    };
    if ui.json {
        ui.json(&json!({ "added": tally.added, "known": tally.known }))?;
    }
    let added = counted(tally.added, "face", "faces");
    ui.say_plain(&format!("imported {added} into {}, {} there before", args.gallery.display(), tally.known));
    Ok(Done::Yes)
}

/// The model that the user says made the embeddings.
fn said(args: &ImportArgs) -> Result<Option<GalleryModel>> {
    args.recogniser.model.is_some().then(|| args.recogniser.load()).transpose().map(|m| m.map(|(_, identity)| identity))
}

/// Makes sure that the gallery is of the model that made the embeddings, as far as anybody knows it.
fn agree(ui: &Ui, gallery: &mut Gallery, args: &ImportArgs, model_digest: Option<&str>, preprocessing_digest: Option<&str>) -> Result<()> {
    let said = said(args)?;
    if let (Some(said), Some(digest)) = (&said, model_digest) {
        differ(&args.input, "model", digest, &said.name, &said.digest)?;
    }
    if let Some(said) = &said {
        gallery.bind(said)?;
    }
    match (gallery.model(), model_digest) {
        (Some(own), Some(digest)) => {
            differ(&args.input, "model", digest, &own.name, &own.digest)?;
            preprocessing_digest.map_or(Ok(()), |p| differ(&args.input, "preprocessing", p, &own.name, &own.preprocessing_digest))
        }
        (None, Some(digest)) => {
            let text = format!(
                "The embeddings of {} were made by the model with the digest {digest}, and the gallery {} is of no model yet. Name that model with --model.",
                args.input.display(),
                args.gallery.display()
            );
            Err(Error::Gallery(text))
        }
        (Some(own), None) if said.is_none() => {
            ui.note(&format!("{} does not say which model made its embeddings. The gallery is of `{}`.", args.input.display(), own.name));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn differ(input: &Path, what: &str, digest: &str, name: &str, own: &str) -> Result<()> {
    if digest == own {
        return Ok(());
    }
    Err(Error::Gallery(format!(
        "The embeddings of {} were made by another {what} (digest {digest}) than `{name}` (digest {own}), so they cannot be compared. Embed the pictures again.",
        input.display()
    )))
}

/// Reads rows in one transaction.
fn in_one(
    ui: &Ui,
    gallery: &mut Gallery,
    rows: usize,
    read: impl FnOnce(&mut Batch<'_>, &mut Tally, &mut Progress) -> Result<()>,
) -> Result<Tally> {
    let (mut tally, mut progress) = (Tally::default(), ui.progress(rows, "importing"));
    let mut batch = gallery.begin()?;
    let outcome = read(&mut batch, &mut tally, &mut progress);
    progress.finish();
    outcome?;
    batch.commit()?;
    Ok(tally)
}

fn one(batch: &mut Batch<'_>, entry: &NewEntry<'_>, tally: &mut Tally, progress: &mut Progress) -> Result<()> {
    match batch.add(entry)? {
        Added::New(_) => tally.added += 1,
        Added::Known { .. } => tally.known += 1,
    }
    progress.advance(1);
    Ok(())
}

/// A row of the table beside an array.
#[derive(serde::Deserialize)]
struct Labelled {
    label: Option<String>,
    #[serde(default)]
    source: String,
    face: Option<u32>,
    quality: Option<f32>,
    picture_sha256: Option<String>,
}

fn from_npy(ui: &Ui, gallery: &mut Gallery, args: &ImportArgs) -> Result<Tally> {
    let tensor = npy::read(&args.input)?;
    let [rows, dimension] = **tensor.shape() else {
        let text = format!("The array {} has the shape {}, not [n, d]. Give one embedding a row.", args.input.display(), tensor.shape());
        return Err(Error::Caller(text));
    };
    let labels = labels(args, rows)?;
    agree(ui, gallery, args, None, None)?;
    let numbers = tensor.to_f32();
    in_one(ui, gallery, rows, |batch, tally, progress| {
        for (vector, row) in numbers.chunks_exact(dimension.max(1)).zip(&labels) {
            let label = row.label.as_deref().or(args.label.as_deref()).unwrap_or_default();
            let entry = NewEntry {
                label,
                source: &row.source,
                picture_digest: row.picture_sha256.as_deref().map(|d| digest(d, &args.input)).transpose()?,
                face: row.face,
                vector,
                quality: row.quality,
                bounds: None,
            };
            one(batch, &entry, tally, progress)?;
        }
        Ok(())
    })
}

/// The rows of the table, as many as the array has.
fn labels(args: &ImportArgs, rows: usize) -> Result<Vec<Labelled>> {
    let path = args.labels.clone().unwrap_or_else(|| args.input.with_extension("csv"));
    if args.label.is_some() && !path.exists() {
        let nameless = |_| Labelled { label: None, source: String::new(), face: None, quality: None, picture_sha256: None };
        return Ok((0..rows).map(nameless).collect());
    }
    let table = read_labels(&path)?;
    if table.len() != rows {
        let text = format!(
            "The table {} has {} rows, but {} has {rows} embeddings. Give one row each, in the same order, under a heading.",
            path.display(),
            table.len(),
            args.input.display()
        );
        return Err(Error::Caller(text));
    }
    if args.label.is_none() && table.iter().any(|r| r.label.is_none()) {
        let text =
            format!("The table {} does not label every row. Give a column `label`, or one label for all with --label.", path.display());
        return Err(Error::Caller(text));
    }
    Ok(table)
}

fn read_labels(path: &PathBuf) -> Result<Vec<Labelled>> {
    let file = std::fs::File::open(path).map_err(|e| Error::io("Reading", path, e))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(std::io::BufReader::new(file));
    reader.deserialize().collect::<Result<_, _>>().map_err(|e| {
        Error::Caller(format!("The table {} cannot be read ({e}). Give UTF-8 with the columns label and source.", path.display()))
    })
}

fn digest(text: &str, input: &Path) -> Result<[u8; 32]> {
    let byte = |i: usize| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = if text.len() == 64 { (0..32).map(byte).collect() } else { None };
    bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| {
        Error::Caller(format!("`{text}` is no SHA-256 of a picture (in {}). Give 64 hexadecimal digits or nothing.", input.display()))
    })
}

fn from_parquet(ui: &Ui, gallery: &mut Gallery, args: &ImportArgs) -> Result<Tally> {
    let mut rows = parquet::Rows::open(&args.input)?;
    agree(ui, gallery, args, rows.model_digest.as_deref(), rows.preprocessing_digest.as_deref())?;
    let count = rows.count;
    in_one(ui, gallery, count, |batch, tally, progress| {
        while let Some(part) = rows.next()? {
            for (i, vector) in part.embeddings.iter().enumerate() {
                let label = cell(&part.labels, i).or(args.label.as_deref()).ok_or_else(|| {
                    let text = format!(
                        "A row of {} has no label. Give a column `label`, or one label for all with --label.",
                        args.input.display()
                    );
                    Error::Caller(text)
                })?;
                let entry = NewEntry {
                    label,
                    source: cell(&part.sources, i).unwrap_or_default(),
                    picture_digest: cell(&part.digests, i).map(|d| digest(d, &args.input)).transpose()?,
                    face: part.faces.as_ref().and_then(|f| f[i]),
                    vector,
                    quality: part.qualities.as_ref().and_then(|q| q[i]),
                    bounds: part.boxes.as_ref().and_then(|b| b[i].as_deref()).and_then(|b| b.try_into().ok()),
                };
                one(batch, &entry, tally, progress)?;
            }
        }
        Ok(())
    })
}

fn cell(column: &Option<Vec<Option<String>>>, i: usize) -> Option<&str> {
    column.as_ref()?.get(i)?.as_deref()
}
