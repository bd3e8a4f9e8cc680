//! One test through the library's public interface.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lookalike::error::Error;
use lookalike::import::{Limits, onnx};
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{DType, Tensor};

use crate::case::{Case, DataSet, Stored};
use crate::compare::difference;
use crate::device::Device;

/// How a test ended.
pub(crate) enum Outcome {
    /// Every output of every data set was compared and is right.
    Passed,
    /// The library said that it does not do this.
    Refused(String),
    /// Wrong results, an error that is no refusal, or a panic.
    Failed(String),
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics become part of the results instead of the output.
pub(crate) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|info| PANIC.with_borrow_mut(|text| *text = info.to_string().replace('\n', " "))));
}

/// Runs one test.
pub(crate) fn run(device: &Device, case: &Case) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| steps(device, case))) {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(outcome)) => outcome,
        Err(_) => Outcome::Failed(PANIC.with_borrow(|text| format!("panic: {text}"))),
    }
}

/// What an error of the library means for the test.
fn verdict(device: &Device, error: &Error) -> Outcome {
    match error {
        Error::Unsupported(text) | Error::Limits(text) => Outcome::Refused(text.clone()),
        other => {
            if matches!(other, Error::DeviceLost(_)) {
                device.reopen();
            }
            Outcome::Failed(other.to_string())
        }
    }
}

fn steps(device: &Device, case: &Case) -> Result<(), Outcome> {
    let refuse = |e: Error| verdict(device, &e);
    let model = Model::from_onnx(&case.model(), "model.onnx", &Limits::default()).map_err(refuse)?;
    let sets =
        case.sets.as_ref().ok_or_else(|| Outcome::Failed("imported, though it takes or gives something else than tensors".to_owned()))?;
    if sets.iter().all(|set| set.outputs.is_empty()) {
        return Err(Outcome::Failed("the test compares nothing".to_owned()));
    }
    for set in sets {
        run_set(device, case, &model, set)?;
    }
    Ok(())
}

fn run_set(device: &Device, case: &Case, model: &Model, set: &DataSet) -> Result<(), Outcome> {
    let refuse = |e: Error| verdict(device, &e);
    let read = |stored: &Stored| onnx::tensor_from_bytes(&case.bytes(stored), &stored.name, &Limits::default());
    let inputs: Vec<(&str, Tensor)> =
        set.inputs.iter().map(|i| Ok((i.name.as_str(), as_given(read(i)?)))).collect::<Result<_, _>>().map_err(refuse)?;
    let shapes = inputs.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.shape().clone())).collect();
    let network = Network::compile(&device.get(), model, &CompileOptions { shapes, ..CompileOptions::default() }).map_err(refuse)?;
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let results = network.run(&inputs).map_err(refuse)?;
    if results.len() != set.outputs.len() {
        return Err(Outcome::Failed(format!("gives {} outputs instead of {}", results.len(), set.outputs.len())));
    }
    for (stored, (name, got)) in set.outputs.iter().zip(&results) {
        let want = read(stored).map_err(refuse)?;
        let wrong = if *name == stored.name { difference(case, &stored.element, got, &want) } else { Some(format!("is called `{name}`")) };
        if let Some(wrong) = wrong {
            return Err(Outcome::Failed(format!("the output `{}` {wrong}", stored.name)));
        }
    }
    Ok(())
}

/// Callers give every kind of float as f32.
fn as_given(tensor: Tensor) -> Tensor {
    match tensor.dtype() {
        DType::F16 => Tensor::from_f32(tensor.shape().clone(), tensor.to_f32().into_owned()).unwrap(),
        _ => tensor,
    }
}
