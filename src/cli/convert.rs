//! `lookalike convert`

use std::path::{Path, PathBuf};

use lookalike::import::Limits;
use lookalike::import::onnx::ImportReport;
use lookalike::model::{Model, Precision};
use lookalike::people::PeopleModel;
use lookalike::tensor::Tensor;
use lookalike::{Error, Result};
use serde_json::json;

use super::args::{DescribeArg, GlobalArgs};
use super::context::load_model;
use super::npy::NewFile;
use super::table::{bytes, grouped};
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An .onnx, a model file, or a people model.
    input: PathBuf,
    /// The model file to write.
    #[arg(short, long, value_name = "OUT.safetensors")]
    output: PathBuf,
    #[command(flatten)]
    describe: DescribeArg,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    check_output(&args.output)?;
    if let Some(people) = people_model(&args.input)? {
        return convert_people(ui, args, &people);
    }
    let model = load_model(&args.input, &args.describe)?;
    write(global, ui, &model, &args.output, &args.describe.limits()?)
}

/// Writes a model file and reads it back: rounding changes the digest, and a file that does not load is better found out here.
pub(super) fn write(global: &GlobalArgs, ui: &Ui, model: &Model, output: &Path, limits: &Limits) -> Outcome {
    model.save(output, Precision::from(global.precision))?;
    let written = Model::load(output, limits)?;
    report(ui, output, &written, model.import.as_ref(), global.precision.name(), rounding(model, &written))
}

/// # Errors
/// A name without the ending of model files.
pub(super) fn check_output(output: &Path) -> Result<()> {
    if output.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors")) {
        return Ok(());
    }
    Err(Error::Caller(format!("The output {} does not end in .safetensors. Name the model file so.", output.display())))
}

fn report(ui: &Ui, output: &Path, model: &Model, import: Option<&ImportReport>, precision: &str, rounding: Option<Rounding>) -> Outcome {
    let size = std::fs::metadata(output).map_err(|e| Error::io("Reading", output, e))?.len();
    if ui.json {
        ui.json(&json!({
            "file": output.display().to_string(), "bytes": size, "digest": model.digest(), "precision": precision,
            "largest_relative_error": rounding.as_ref().map(|r| r.error), "largest_error_in": rounding.as_ref().map(|r| &r.tensor), "import": import,
        }))?;
        return Ok(Done::Yes);
    }
    ui.line(&format!("{}: {} bytes ({}), {precision}", output.display(), grouped(size), bytes(size)))?;
    if let Some(import) = import {
        ui.line(&format!("{} nodes in the file, {} in the model", import.nodes_in_file, import.nodes))?;
        import.sentences().iter().try_for_each(|change| ui.line(change))?;
    }
    ui.line(&format!("digest {}", model.digest()))?;
    if let Some(r) = rounding {
        ui.line(&format!("largest rounding error {:.2e} of the largest value of its tensor (`{}`)", r.error, r.tensor))?;
    }
    Ok(Done::Yes)
}

/// What storing weights as f16 cost.
struct Rounding {
    /// max |x - f16(x)| / max |x|, of the worst tensor.
    error: f64,
    tensor: String,
}

/// The worst rounding among the tensors, or `None` when nothing was rounded.
fn rounding(before: &Model, after: &Model) -> Option<Rounding> {
    let stored = |name: &str| after.graph.find(name).and_then(|id| after.graph.constant(id));
    let errors = before.graph.values.iter().filter_map(|value| {
        let error = rounding_error(value.constant.as_ref()?, stored(&value.name)?);
        (error > 0.0).then(|| Rounding { error, tensor: value.name.clone() })
    });
    errors.max_by(|a, b| a.error.total_cmp(&b.error))
}

/// The largest difference between two tensors, relative to the largest value.
fn rounding_error(exact: &Tensor, rounded: &Tensor) -> f64 {
    let (exact, rounded) = (exact.to_f32(), rounded.to_f32());
    let (mut error, mut largest) = (0f64, 0f64);
    for (&x, &y) in exact.iter().zip(rounded.iter()).filter(|(x, _)| x.is_finite()) {
        error = error.max((f64::from(x) - f64::from(y)).abs());
        largest = largest.max(f64::from(x).abs());
    }
    if largest > 0.0 { error / largest } else { 0.0 }
}

/// A larger file is no people model, and is only read within the limits for models.
const PEOPLE_BYTES: u64 = 16 << 20;

fn people_model(path: &Path) -> Result<Option<PeopleModel>> {
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors")) {
        return Ok(None);
    }
    let failed = |e| Error::io("Reading", path, e);
    if std::fs::metadata(path).map_err(failed)?.len() > PEOPLE_BYTES {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    if PeopleModel::is_people_file(&bytes) { PeopleModel::from_bytes(&bytes).map(Some) } else { Ok(None) }
}

fn convert_people(ui: &Ui, args: &Args, people: &PeopleModel) -> Outcome {
    let bytes = people.to_bytes();
    let mut file = NewFile::create(&args.output)?;
    file.write(&bytes)?;
    file.finish()?;
    if ui.json {
        ui.json(&json!({ "file": args.output.display().to_string(), "bytes": bytes.len() }))?;
    } else {
        ui.line(&format!("{}: {} bytes, people model", args.output.display(), grouped(bytes.len() as u64)))?;
    }
    Ok(Done::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_are_relative_to_the_largest_value() {
        let t = Tensor::vector(vec![1.0, 0.5 + 1.0 / 8192.0]);
        assert!((rounding_error(&t, &t.to_f16()) - 1.0 / 8192.0).abs() < 1e-12);
        assert_eq!(rounding_error(&t, &t), 0.0);
        let zero = Tensor::vector(vec![0.0, f32::NAN]);
        assert_eq!(rounding_error(&zero, &zero), 0.0);
    }
}
