//! The embeddings of the files of a list: computed, or read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lookalike::embed::Embedding;
use lookalike::face::Which;
use lookalike::gpu::Gpu;
use lookalike::model::{Model, Similarity};
use lookalike::score::Scoring;
use lookalike::{Error, Result};

use super::Args;
use crate::cli::args::GlobalArgs;
use crate::cli::context::open_gpu;
use crate::cli::npy;
use crate::cli::recogniser::Recogniser;
use crate::cli::ui::{Outcome, Ui};

/// Files and what a model says of them.
pub(super) struct Embedded {
    pub(super) model: Model,
    pub(super) gpu: Gpu,
    /// One a file; `None` where there is none.
    pub(super) of: Vec<Option<Embedding>>,
    /// Files that have none.
    pub(super) dropped: Vec<String>,
}

impl Embedded {
    /// Embeds the files, or looks them up in what `--embeddings` names.
    pub(super) fn new(global: &GlobalArgs, ui: &Ui, args: &Args, root: &Path, files: &[PathBuf]) -> Outcome<Self> {
        let model = args.recogniser.model()?;
        let gpu = open_gpu(global, ui)?;
        let of = match &args.embeddings {
            Some(path) => read(path, root, files)?,
            None => seen(global, ui, args, &gpu, &model, files)?,
        };
        let dropped = files.iter().zip(&of).filter(|(_, e)| e.is_none()).map(|(f, _)| f.display().to_string()).collect();
        Ok(Self { model, gpu, of, dropped })
    }

    pub(super) fn name(&self) -> &str {
        &self.model.description.name
    }

    pub(super) fn similarity(&self) -> Similarity {
        self.model.description.embedding.as_ref().map(|e| e.similarity).unwrap_or_default()
    }

    /// How two embeddings are compared.
    ///
    /// # Errors
    /// A description whose parameters do not fit together, or do not fit the embeddings.
    pub(super) fn scoring(&self) -> Result<Scoring> {
        let scoring = Scoring::of(&self.model.description.embedding.clone().unwrap_or_default())?;
        scoring.check(self.dimension()?)?;
        Ok(scoring)
    }

    /// Numbers of an embedding.
    ///
    /// # Errors
    /// No file has an embedding.
    pub(super) fn dimension(&self) -> Result<usize> {
        let first = self.of.iter().flatten().next().map(|e| e.len());
        first.ok_or_else(|| Error::Caller("No picture of the list gave an embedding. See what was said of each.".to_owned()))
    }
}

fn seen(global: &GlobalArgs, ui: &Ui, args: &Args, gpu: &Gpu, model: &Model, files: &[PathBuf]) -> Outcome<Vec<Option<Embedding>>> {
    let recogniser = Recogniser::open(global, gpu, &args.recogniser, model, Which::Main, false)?;
    let mut out: Vec<Option<Embedding>> = files.iter().map(|_| None).collect();
    recogniser.see_files(ui, files, |index, seen| {
        match seen {
            Ok((_, answer)) => {
                let name = files[index].display().to_string();
                answer.reasons(&name).iter().for_each(|reason| ui.skipped(reason));
                out[index] = answer.seen.into_iter().next().map(|s| s.embedding);
            }
            Err(e) => ui.skipped(&e.to_string()),
        }
        Ok(())
    })?;
    Ok(out)
}

/// The rows of files, which the table beside the array names as the list does, with or without the root.
fn read(path: &Path, root: &Path, files: &[PathBuf]) -> Result<Vec<Option<Embedding>>> {
    let tensor = npy::read(path)?;
    let &[rows, dimension] = tensor.shape().as_ref() else {
        return Err(Error::Caller(format!("The file {} holds {}, not rows of embeddings.", path.display(), tensor.shape())));
    };
    let table = path.with_extension("csv");
    let sources = sources(&table)?;
    if sources.len() != rows {
        return Err(Error::Caller(format!(
            "The table {} has {} lines for {rows} embeddings. Write both anew with `embed -o`.",
            table.display(),
            sources.len()
        )));
    }
    let mut places: HashMap<&Path, usize> = HashMap::new();
    for (row, source) in sources.iter().enumerate() {
        if places.insert(source, row).is_some() {
            return Err(Error::Caller(format!(
                "The table {} has several faces of {}, and one is needed. Embed with --largest.",
                table.display(),
                source.display()
            )));
        }
    }
    let numbers = tensor.to_f32();
    let row = |file: &PathBuf| {
        let bare = file.strip_prefix(root).unwrap_or(file);
        places.get(file.as_path()).or_else(|| places.get(bare)).map(|r| Embedding(numbers[r * dimension..(r + 1) * dimension].to_vec()))
    };
    Ok(files.iter().map(row).collect())
}

/// The column `source`.
fn sources(path: &Path) -> Result<Vec<PathBuf>> {
    let wrong =
        |why: String| Error::Caller(format!("The table {} {why}. Give the one that `embed -o` writes beside the array.", path.display()));
    let file = std::fs::File::open(path).map_err(|e| Error::io("Reading", path, e))?;
    let mut table = csv::Reader::from_reader(file);
    let headers = table.headers().map_err(|e| wrong(format!("cannot be read ({e})")))?;
    let column = headers.iter().position(|h| h.trim() == "source").ok_or_else(|| wrong("has no column `source`".to_owned()))?;
    let source = |r: csv::Result<csv::StringRecord>| r.map(|r| PathBuf::from(r.get(column).unwrap_or_default()));
    table.records().map(source).collect::<csv::Result<_>>().map_err(|e| wrong(format!("cannot be read ({e})")))
}
