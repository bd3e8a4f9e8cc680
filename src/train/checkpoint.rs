//! A training on the disk: a safetensors file with the weights, what the optimiser keeps, and in its metadata what was trained how.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};

use super::layer::Form;
use super::samples::Samples;
use super::trainer::{TrainOptions, Trainer};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::import::limits::{Budget, read_file};
use crate::import::{Limits, header};

/// The one entry of the metadata.
const KEY: &str = "lookalike.training";

/// What a step changes. Each list has the weights first, then what the optimiser keeps.
pub(super) struct State {
    pub(super) done: u64,
    /// (D, or D + 1 with a bias) x D' each; 1 x D of Siamese weights.
    pub(super) projection: Vec<Vec<f32>>,
    /// People x D' each; empty without a class matrix.
    pub(super) classes: Vec<Vec<f32>>,
    /// One a person each: biases or margins; one of Siamese weights; empty where none are learned.
    pub(super) numbers: Vec<Vec<f32>>,
}

/// What has to be the same for a training to go on.
fn settings(samples: &Samples, options: &TrainOptions) -> Result<Value> {
    let options =
        serde_json::to_value(options).map_err(|e| Error::Caller(format!("The options of the training cannot be written ({e}).")))?;
    Ok(json!({ "options": options, "samples": { "rows": samples.len(), "people": samples.people(), "digest": samples.digest() } }))
}

/// The first setting in which two differ, by its path, with both values.
fn difference(path: &str, was: &Value, is: &Value) -> Option<String> {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let inside = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let keys: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
            keys.into_iter().find_map(|k| difference(&inside(k), was.get(k).unwrap_or(&Value::Null), is.get(k).unwrap_or(&Value::Null)))
        }
        _ => (was != is).then(|| format!("`{path}` was {was} and is {is}")),
    }
}

impl<'a> Trainer<'a> {
    /// Writes everything that [`Trainer::resume`] needs. The file appears when it is complete; one of that name stays until then.
    ///
    /// # Errors
    /// [`Error::Io`], or a lost device.
    pub fn save_checkpoint(&self, path: &Path) -> Result<()> {
        let state = self.state()?;
        let form = Form::new(self.options(), self.samples().dimension());
        let people = self.samples().people();
        let mut tensors = Vec::new();
        for (name, shape, all) in [
            ("projection", form.shape().to_vec(), &state.projection),
            ("classes", vec![people, form.outputs], &state.classes),
            ("class_numbers", vec![state.numbers[0].len()], &state.numbers),
        ] {
            for (i, data) in all.iter().enumerate().filter(|(_, data)| !data.is_empty()) {
                let name = if i == 0 { name.to_owned() } else { format!("{name}.state{i}") };
                let bytes: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
                tensors.push((name, shape.clone(), bytes));
            }
        }
        let failed = |e: safetensors::SafeTensorError| Error::Caller(format!("The checkpoint {} cannot be written ({e}).", path.display()));
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let about = json!({ "format": 1, "step": state.done, "settings": settings(self.samples(), self.options())? });
        let bytes = safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), about.to_string())]))).map_err(failed)?;
        write(path, &bytes)
    }

    /// Goes on from a checkpoint: the next step gives the bits that it would have given without the interruption, on the same adapter.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Limits`]; [`Error::Model`] for a file that is no checkpoint or is damaged; [`Error::Caller`] when it was made with other samples or
    /// options, and in what they differ; as [`Trainer::new`].
    pub fn resume(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions, path: &Path, limits: &Limits) -> Result<Self> {
        let name = path.display().to_string();
        let broken = |what: String| Error::Model(format!("The file `{name}` {what}. Give a checkpoint that train-head wrote."));
        let bytes = read_file(path, limits)?;
        header::check(&bytes, &name, &mut Budget::new(limits))?;
        let unreadable = |e| broken(format!("is not a readable safetensors file ({e})"));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(unreadable)?;
        let file = SafeTensors::deserialize(&bytes).map_err(unreadable)?;
        let about =
            metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| broken("is no checkpoint of a training".to_owned()))?;
        let about: Value = serde_json::from_str(about).map_err(|e| broken(format!("has a description that cannot be read ({e})")))?;
        if about["format"] != json!(1) {
            return Err(Error::Unsupported(format!(
                "The checkpoint `{name}` has the format {}; this version reads format 1.",
                about["format"]
            )));
        }
        if let Some(what) = difference("", &about["settings"], &settings(samples, options)?) {
            return Err(Error::Caller(format!(
                "The checkpoint `{name}` is of another training: {what}. Resume it with what it was begun with."
            )));
        }
        let done = about["step"].as_u64().ok_or_else(|| broken("does not say which step it is of".to_owned()))?;
        let form = Form::new(options, samples.dimension());
        let load = |name: &str, shape: &[usize]| {
            let named = |i: usize| if i == 0 { name.to_owned() } else { format!("{name}.state{i}") };
            (0..=options.optimizer.states())
                .map(|i| match file.tensor(&named(i)) {
                    Ok(t) if t.dtype() == Dtype::F32 && t.shape() == shape => {
                        Ok(t.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<f32>>())
                    }
                    _ => Err(broken(format!("has no tensor `{}` of the shape {shape:?}", named(i)))),
                })
                .collect::<Result<Vec<_>>>()
        };
        let projection = load("projection", &form.shape())?;
        let people = samples.people();
        let empty = || vec![Vec::new(); 1 + options.optimizer.states()];
        let classes = if options.objective.has_classes() { load("classes", &[people, form.outputs])? } else { empty() };
        let numbers = match (options.objective.number_of_a_class(), form.diagonal) {
            (Some(_), _) => load("class_numbers", &[people])?,
            (None, true) => load("class_numbers", &[1])?,
            (None, false) => empty(),
        };
        if projection.iter().chain(&classes).chain(&numbers).flatten().any(|v| !v.is_finite()) {
            return Err(broken("holds numbers that are not finite".to_owned()));
        }
        Self::from_state(gpu, samples, options, State { done, projection, classes, numbers })
    }
}

/// Writes a file beside `path` and gives it that name when it is complete and on the disk.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| Error::io("Writing", path, e);
    let Some(file) = path.file_name() else {
        return Err(Error::Caller(format!("The path `{}` does not name a file. Give the file to write.", path.display())));
    };
    let partial = path.with_file_name(format!(".{}.{}.part", file.to_string_lossy(), std::process::id()));
    let written = std::fs::File::create(&partial)
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|e| {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&partial);
        failed(e)
    })
}
