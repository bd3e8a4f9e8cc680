//! `lookalike run`

use std::path::{Path, PathBuf};
use std::time::Instant;

use lookalike::graph::passes::specialise_within;
use lookalike::graph::{Graph, ValueId};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::reference::{Array, run_graph};
use lookalike::tensor::{Shape, Tensor};
use lookalike::{Error, Result};
use serde_json::json;

use super::args::{DescribeArg, GlobalArgs, ShapeArg, shapes_of};
use super::context::{load_model, open_gpu, print_profile};
use super::npy;
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A model file or an .onnx.
    model: PathBuf,
    /// An array for an input. NAME= may be left out when the model has one input.
    #[arg(long, value_name = "NAME=FILE.npy")]
    input: Vec<String>,
    /// What to write: an output, any other value, or the result of a layer by its name. Default: the model's outputs.
    #[arg(long, value_name = "NAME")]
    output: Vec<String>,
    /// The folder for the results; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Compute with the slow, exact CPU reference instead of the GPU.
    #[arg(long)]
    reference: bool,
    /// Give the array of an input another shape with as many elements before it is fed.
    #[arg(long, value_name = "NAME=1x3x112x112")]
    shape: Vec<ShapeArg>,
    #[command(flatten)]
    describe: DescribeArg,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let model = load_model(&args.model, &args.describe)?;
    let inputs = read_inputs(&model.graph, &args.input, &args.shape)?;
    let names = output_names(&model.graph, &args.output);
    let values: Vec<String> = names.iter().map(|n| value_name(&model.graph, n)).collect();
    // Two names may stand for one value.
    let unique = distinct(&values);
    // Tells unknown names before anything is done.
    model.graph.clone().select_outputs(&unique)?;
    let files = output_files(&args.out, &names)?;
    let start = Instant::now();
    let results = if args.reference { on_reference(&model, &inputs, &unique)? } else { on_gpu(global, ui, &model, &inputs, &unique)? };
    let seconds = start.elapsed().as_secs_f64();
    let mut written = Vec::new();
    for ((name, value), path) in names.iter().zip(&values).zip(&files) {
        let Some(tensor) = unique.iter().position(|u| u == value).and_then(|i| results.get(i)) else { continue };
        npy::write(path, tensor)?;
        written.push(json!({ "name": name, "file": path.display().to_string(), "shape": tensor.shape() }));
        if !ui.json {
            ui.line(&format!("{name}  {}  {}", tensor.shape(), path.display()))?;
        }
    }
    if ui.json {
        ui.json(&json!({ "outputs": written, "seconds": seconds }))?;
    }
    Ok(Done::Yes)
}

/// The arrays in the order of the model's inputs.
fn read_inputs(graph: &Graph, given: &[String], shapes: &[ShapeArg]) -> Result<Vec<(String, Tensor)>> {
    let shapes = shapes_of(graph, shapes)?;
    let names: Vec<&str> = graph.inputs.iter().map(|i| graph.name(i.value)).collect();
    let mut found: Vec<Option<Tensor>> = vec![None; names.len()];
    for text in given {
        let (index, file) = which_input(&names, text)?;
        let mut tensor = npy::read(Path::new(file))?;
        if let Some((name, shape)) = shapes.iter().find(|(n, _)| n == names[index]) {
            tensor = reshaped(tensor, name, shape)?;
        }
        graph.check_input(&graph.inputs[index], tensor.shape())?;
        if found[index].replace(tensor).is_some() {
            return Err(Error::Caller(format!("The input `{}` is given twice. Give each input once.", names[index])));
        }
    }
    let missing: Vec<_> = names.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(n, _)| format!("`{n}`")).collect();
    if !missing.is_empty() {
        let text = format!("The model needs an array for {}. Give it with --input NAME=FILE.npy.", missing.join(" and "));
        return Err(Error::Caller(text));
    }
    Ok(names.iter().zip(found).filter_map(|(n, t)| Some(((*n).to_owned(), t?))).collect())
}

/// Splits `NAME=FILE` where NAME is an input; names may contain `=`, and so may paths.
fn which_input<'a>(names: &[&str], text: &'a str) -> Result<(usize, &'a str)> {
    let named = names.iter().position(|n| text.strip_prefix(*n).is_some_and(|rest| rest.starts_with('=')));
    if let Some(i) = named {
        return Ok((i, &text[names[i].len() + 1..]));
    }
    if names.len() == 1 && (!text.contains('=') || Path::new(text).exists()) {
        return Ok((0, text));
    }
    let name = text.split('=').next().unwrap_or_default();
    Err(Error::Caller(format!("The model has no input named `{name}`. Its inputs are {}; write --input NAME=FILE.npy.", names.join(", "))))
}

fn reshaped(tensor: Tensor, name: &str, shape: &Shape) -> Result<Tensor> {
    let before = tensor.shape().clone();
    tensor.reshaped(shape.clone()).ok_or_else(|| {
        Error::Caller(format!(
            "The array for `{name}` has the shape {before}, which does not have as many elements as {shape}. Correct --shape."
        ))
    })
}

/// The value that a name stands for: its own, or the first result of the only layer of that name.
fn value_name(graph: &Graph, name: &str) -> String {
    let mut layers = graph.nodes.iter().filter(|n| n.name == name);
    match (graph.find(name), layers.next(), layers.next()) {
        (None, Some(layer), None) => layer.outputs.first().map_or(name, |&o| graph.name(o)).to_owned(),
        _ => name.to_owned(),
    }
}

fn output_names(graph: &Graph, asked: &[String]) -> Vec<String> {
    if asked.is_empty() {
        return graph.outputs.iter().map(|&o| graph.name(o).to_owned()).collect();
    }
    distinct(asked)
}

/// Each name once, in order of first mention.
fn distinct(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

/// A file for each output, in a folder that can be written to.
fn output_files(dir: &Path, names: &[String]) -> Result<Vec<PathBuf>> {
    let files: Vec<_> = names.iter().map(|n| dir.join(format!("{}.npy", file_stem(n)))).collect();
    if let Some(i) = (1..files.len()).find(|&i| files[..i].contains(&files[i])) {
        return Err(Error::Caller(format!(
            "Two outputs would be written to {} (one is `{}`). Ask for them in two runs with --output.",
            files[i].display(),
            names[i]
        )));
    }
    std::fs::create_dir_all(dir).map_err(|e| Error::io("Creating the folder", dir, e))?;
    // Better to find out now than after the work.
    drop(npy::NewFile::create(&dir.join("probe.npy"))?);
    Ok(files)
}

/// A value's name as a file name: what a path cannot hold becomes `_`.
fn file_stem(name: &str) -> String {
    let unsafe_here = |c: char| c == '/' || c == '\\' || c.is_control() || (cfg!(windows) && ":*?\"<>|".contains(c));
    let stem: String = name.chars().map(|c| if unsafe_here(c) { '_' } else { c }).collect();
    if stem.chars().all(|c| c == '.') { "_".repeat(stem.len().max(1)) } else { stem }
}

fn on_reference(model: &Model, inputs: &[(String, Tensor)], names: &[String]) -> Result<Vec<Tensor>> {
    let graph = &model.graph;
    // The reference itself takes what the shapes ask for.
    let shapes: Vec<_> = inputs.iter().map(|(_, t)| t.shape().clone()).collect();
    specialise_within(graph, &shapes, &model.limits.bounds())?;
    let arrays: Vec<Array> = inputs.iter().map(|(_, t)| Array::from(t)).collect();
    let outputs: Vec<ValueId> = names.iter().filter_map(|n| graph.find(n)).collect();
    run_graph(graph, &arrays, &outputs)?.iter().map(Array::to_tensor).collect()
}

fn on_gpu(global: &GlobalArgs, ui: &Ui, model: &Model, inputs: &[(String, Tensor)], names: &[String]) -> Result<Vec<Tensor>> {
    let gpu = open_gpu(global, ui)?;
    // An array without rows still has to be planned for something.
    let batch = inputs.first().and_then(|(_, t)| t.shape().first().copied()).unwrap_or(1).max(1);
    let options = CompileOptions {
        batch,
        shapes: inputs.iter().map(|(n, t)| (n.clone(), t.shape().clone())).collect(),
        precision: Precision::from(global.precision),
        outputs: names.to_vec(),
        ..CompileOptions::default()
    };
    let network = Network::compile(&gpu, model, &options)?;
    let feed: Vec<_> = inputs.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let mut results = network.run(&feed)?;
    if ui.verbosity > 1 {
        print_profile(ui, &network.profile(&feed)?);
    }
    names
        .iter()
        .map(|name| {
            let at = results.iter().position(|(n, _)| n == name);
            at.map(|i| results.swap_remove(i).1)
                .ok_or_else(|| Error::Device(format!("The network did not return the output `{name}`. Report this.")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_become_safe_file_names() {
        assert_eq!(file_stem("conv1/Conv2D:0"), if cfg!(windows) { "conv1_Conv2D_0" } else { "conv1_Conv2D:0" });
        assert_eq!(file_stem(".."), "__");
        assert_eq!(file_stem(""), "_");
        assert_eq!(file_stem("a\\b\n"), "a_b_");
    }

    #[test]
    fn inputs_are_told_apart_by_name() {
        assert_eq!(which_input(&["a", "a=b"], "a=b=c.npy").unwrap(), (0, "b=c.npy"));
        assert_eq!(which_input(&["x"], "file.npy").unwrap(), (0, "file.npy"));
        assert!(which_input(&["x"], "y=file.npy").unwrap_err().to_string().contains("`y`"));
        assert!(which_input(&["x", "y"], "file.npy").is_err());
    }

    #[test]
    fn two_outputs_never_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(output_files(dir.path(), &["a/b".to_owned(), "a_b".to_owned()]).is_err());
        assert_eq!(output_files(dir.path(), &["a/b".to_owned()]).unwrap(), [dir.path().join("a_b.npy")]);
    }
}
