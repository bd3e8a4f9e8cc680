//! What is searched for.

use std::path::{Path, PathBuf};

use lookalike::embed::Picture;
use lookalike::face::Which;
use lookalike::gallery::Gallery;
use lookalike::gpu::Gpu;
use lookalike::{Error, Result};

use super::{check_dimension, thumbnail};
use crate::cli::args::GlobalArgs;
use crate::cli::npy;
use crate::cli::pictures;
use crate::cli::recogniser::{Recogniser, RecogniserArgs};
use crate::cli::ui::{Outcome, Ui};

/// A face to look for.
pub(super) struct Query {
    /// The file, as it was named.
    pub(super) source: String,
    /// The row of an array, or which face of a picture where there are several.
    pub(super) row: Option<usize>,
    pub(super) vector: Vec<f32>,
    /// The face, where pictures are asked for.
    pub(super) thumbnail: Option<Picture>,
}

impl Query {
    /// For people.
    pub(super) fn name(&self) -> String {
        self.row.map_or_else(|| self.source.clone(), |row| format!("{}[{row}]", self.source))
    }
}

/// Reads arrays and embeds pictures, in the order in which they were named.
pub(super) fn read(
    global: &GlobalArgs,
    ui: &Ui,
    gpu: &Gpu,
    gallery: &Gallery,
    named: &[PathBuf],
    how: &RecogniserArgs,
    pictured: bool,
) -> Outcome<Vec<Query>> {
    let paths = pictures::list(named)?;
    let (arrays, pictures): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|p| is_array(p));
    let mut seen = look(global, ui, gpu, gallery, &pictures, how, pictured)?.into_iter().peekable();
    let mut out = Vec::new();
    for path in &paths {
        if arrays.contains(path) {
            out.extend(rows(gallery, path)?);
            continue;
        }
        while let Some(query) = seen.next_if(|(of, _)| of == path) {
            out.push(query.1);
        }
    }
    if out.is_empty() {
        return Err(Error::Picture("No query could be read. See the reasons above.".to_owned()).into());
    }
    Ok(out)
}

fn is_array(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
}

fn rows(gallery: &Gallery, path: &Path) -> Result<Vec<Query>> {
    let tensor = npy::read(path)?;
    let source = path.display().to_string();
    let (n, d, single) = match **tensor.shape() {
        [d] => (1, d, true),
        [n, d] => (n, d, false),
        _ => {
            let text = format!("The array {source} has the shape {}, not [d] or [n, d]. Give one embedding a row.", tensor.shape());
            return Err(Error::Caller(text));
        }
    };
    check_dimension(gallery, &source, d)?;
    let numbers = tensor.to_f32();
    if numbers.iter().any(|x| !x.is_finite()) {
        return Err(Error::Caller(format!("The array {source} holds numbers that are not finite. Embed the pictures again.")));
    }
    let query =
        |(i, v): (usize, &[f32])| Query { source: source.clone(), row: (!single).then_some(i), vector: v.to_vec(), thumbnail: None };
    Ok(numbers.chunks_exact(d.max(1)).take(n).enumerate().map(query).collect())
}

/// The faces in pictures, each with its path, in order. Pictures that cannot be read are told and left out.
fn look(
    global: &GlobalArgs,
    ui: &Ui,
    gpu: &Gpu,
    gallery: &Gallery,
    paths: &[PathBuf],
    how: &RecogniserArgs,
    pictured: bool,
) -> Outcome<Vec<(PathBuf, Query)>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let (model, identity) = how.load()?;
    gallery.accepts(&identity)?;
    let recogniser = Recogniser::open(global, gpu, how, &model, Which::All, false)?;
    let mut out = Vec::new();
    recogniser.see_files(ui, paths, |index, seen| {
        let path = &paths[index];
        let source = path.display().to_string();
        let (picture, answer) = match seen {
            Ok(seen) => seen,
            Err(e) => {
                ui.skipped(&e.to_string());
                return Ok(());
            }
        };
        answer.reasons(&source).iter().for_each(|reason| ui.skipped(reason));
        let several = answer.seen.len() > 1;
        for (i, face) in answer.seen.into_iter().enumerate() {
            check_dimension(gallery, &source, face.embedding.len())?;
            let thumbnail = pictured.then(|| thumbnail::of(&picture, face.bounds()));
            out.push((path.clone(), Query { source: source.clone(), row: several.then_some(i), vector: face.embedding.0, thumbnail }));
        }
        Ok(())
    })?;
    Ok(out)
}
