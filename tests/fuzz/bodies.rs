//! What the fuzzers run: everything from a stranger's bytes to a plan, short of a device. A body returns or panics.
//!
//! The targets in `fuzz/` and the seeded run in `tests/fuzz.rs` share them.

#![allow(dead_code, reason = "each target uses a part")]

use lookalike::error::Error;
use lookalike::graph::{Dim, Graph, passes};
use lookalike::import::Limits;
use lookalike::import::checkpoint::StateDict;
use lookalike::model::{Model, Precision};
use lookalike::people::PeopleModel;
use lookalike::plan::{self, Caps, Feed, Force, GemmFamily, PlanOptions};
use lookalike::tensor::Shape;

/// Small enough that going beyond them shows. Tensors may be as large as by default: their shapes reach the planner, not memory.
pub(crate) fn limits() -> Limits {
    Limits {
        max_file_bytes: 4 << 20,
        max_header_bytes: 1 << 18,
        max_nodes: 500,
        max_initializers: 500,
        max_model_bytes: 16 << 20,
        max_folding_bytes: 2 << 20,
        ..Limits::default()
    }
}

/// An ONNX file: reading, shapes, passes, planning, and the way through a model file.
pub(crate) fn onnx_import(bytes: &[u8]) {
    match Model::from_onnx(bytes, "fuzz.onnx", &limits()) {
        Ok(model) => {
            survives_the_model_file(&model);
            prepare(&model);
        }
        Err(e) => sentence(&e),
    }
}

/// A model file: the same.
pub(crate) fn model_file(bytes: &[u8]) {
    match Model::from_safetensors(bytes, "fuzz.safetensors", &limits()) {
        Ok(model) => {
            survives_the_model_file(&model);
            prepare(&model);
        }
        Err(e) => sentence(&e),
    }
}

/// Weights without a graph: what is refused as a model, and the model of generated people.
pub(crate) fn weights(bytes: &[u8]) {
    if let Err(e) = Model::from_safetensors(bytes, "fuzz.safetensors", &limits()) {
        sentence(&e);
    }
    if PeopleModel::is_people_file(bytes)
        && let Err(e) = PeopleModel::from_bytes(bytes)
    {
        sentence(&e);
    }
}

/// A checkpoint of any format: its tensors, within the limits.
pub(crate) fn checkpoint(bytes: &[u8]) {
    let limits = limits();
    match StateDict::from_bytes(bytes, "fuzz.ckpt", &limits) {
        Ok(dict) => {
            assert!(dict.iter().len() <= limits.max_initializers, "{} tensors", dict.iter().len());
            let bytes: u64 = dict.iter().map(|(_, t)| (t.len() * t.dtype().bytes()) as u64).sum();
            assert!(bytes <= limits.max_model_bytes, "tensors of {bytes} bytes");
        }
        Err(e) => sentence(&e),
    }
}

/// Goes from a model to a plan, as compiling does, with `free` for every free size but the batch: for hardware, or for a software adapter
/// when the batch is not 1.
///
/// # Errors
/// The first error on the way.
pub(crate) fn plan(model: &Model, batch: usize, free: usize) -> Result<(), Error> {
    let bounds = model.limits.bounds();
    let shapes = model.graph.input_shapes(batch, &sizes(&model.graph, batch, free))?;
    let mut graph = model.graph.clone();
    passes::optimise_within(&mut graph, &shapes, &bounds)?;
    let (special, all) = passes::specialise_within(&graph, &shapes, &bounds)?;
    let software = Caps { gemm: GemmFamily::Subgroup(8), subgroup: Some(8), textures: true, max_binding: 1 << 31, ..Caps::baseline() };
    let (caps, feed) = if batch == 1 { (Caps::baseline(), Feed::Plain) } else { (software, Feed::Packed) };
    let plan = plan::build(&special, &all, &caps, &PlanOptions { precision: Precision::F32, feed, force: Force::default() })?;
    for dispatch in &plan.dispatches {
        assert!(
            dispatch.groups.iter().all(|&g| (1..=caps.max_groups).contains(&g)),
            "{}: {:?} workgroups",
            dispatch.label,
            dispatch.groups
        );
        for &source in &dispatch.bindings {
            assert!(plan.bytes(source) <= caps.max_binding, "{}: a binding of {} bytes", dispatch.label, plan.bytes(source));
        }
    }
    Ok(())
}

fn prepare(model: &Model) {
    for batch in [1, 3] {
        if let Err(e) = plan(model, batch, 12) {
            sentence(&e);
        }
    }
}

/// A size for every free dimension.
fn sizes(graph: &Graph, batch: usize, free: usize) -> Vec<(String, Shape)> {
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => *n,
        Dim::Free(_) if axis == 0 => batch,
        Dim::Free(_) => free,
    };
    let shape = |dims: &[Dim]| Shape::from(dims.iter().enumerate().map(size).collect::<Vec<_>>());
    graph.inputs.iter().map(|i| (graph.name(i.value).to_owned(), shape(&i.dims))).collect()
}

/// What was read can be written, and reads back as the same model.
fn survives_the_model_file(model: &Model) {
    match model.to_bytes(Precision::F32) {
        Ok(file) => match Model::from_safetensors(&file, "again.safetensors", &Limits::default()) {
            Ok(again) => assert_eq!(again.digest(), model.digest(), "another model came back"),
            Err(e) => panic!("what was written does not read: {e}"),
        },
        Err(e) => sentence(&e),
    }
}

/// Errors are sentences.
pub(crate) fn sentence(e: &Error) {
    let text = e.to_string();
    assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "not a sentence: {text}");
    assert!(!matches!(e, Error::Device(_) | Error::DeviceLost(_) | Error::NoAdapter(_)), "nothing asked for a device: {text}");
}
