//! `lookalike info`

use std::path::PathBuf;

use lookalike::graph::count::{Layer, layers};
use lookalike::graph::{Input, ValueId, describe_dims, infer_shapes, infer_types};
use lookalike::import::onnx::ImportReport;
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Shape;
use lookalike::{Error, Result};
use serde_json::{Value, json};

use super::args::{DescribeArg, GlobalArgs, ShapeArg, shapes_of};
use super::context::{adapter_line, model_or_builtin, open_gpu, speed_line};
use super::symbolic;
use super::table::{Table, bytes, grouped};
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A model file or an .onnx. Default: the built-in embedder.
    model: Option<PathBuf>,
    /// The shape of an input whose size is free.
    #[arg(long, value_name = "NAME=1x3x320x320")]
    shape: Vec<ShapeArg>,
    #[command(flatten)]
    describe: DescribeArg,
}

/// A model and all that can be said about it before it runs.
struct Facts {
    model: Model,
    layers: Vec<Layer>,
    /// Shapes of the outputs in terms of the free dimensions.
    symbolic: Option<Vec<Vec<Value>>>,
    /// Why multiply-adds and shapes are not known.
    unknown: Option<String>,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    let given = shapes_of(&model.graph, &args.shape)?;
    let facts = gather(model, &given)?;
    let plan = if facts.unknown.is_none() { plan(global, ui, &facts.model, given)? } else { None };
    if ui.json {
        ui.json(&as_json(&facts, plan.as_ref()))?
    } else {
        print(ui, &facts, plan.as_ref())?
    }
    Ok(Done::Yes)
}

fn gather(model: Model, given: &[(String, Shape)]) -> Result<Facts> {
    let (known, unknown) = match model.graph.input_shapes(1, given) {
        Ok(shapes) => (Some(infer_shapes(&model.graph, &shapes)?), None),
        // A free size is no error here; a shape that does not fit is.
        Err(e) if given.is_empty() => (None, Some(e.to_string())),
        Err(e) => return Err(e),
    };
    let layers = layers(&model.graph, known.as_deref());
    let symbolic = symbolic::outputs(&model.graph, given);
    Ok(Facts { model, layers, symbolic, unknown })
}

/// The plan on the adapter there is, as the JSON of its summary and of the adapter's speed. A machine without an adapter can still look at models; one that was
/// asked for has to be there.
fn plan(global: &GlobalArgs, ui: &Ui, model: &Model, shapes: Vec<(String, Shape)>) -> Result<Option<(String, Value)>> {
    let options = CompileOptions { batch: 1, shapes, precision: Precision::from(global.precision), ..CompileOptions::default() };
    let compiled =
        open_gpu(global, ui).and_then(|gpu| Ok((adapter_line(&gpu), gpu.speed().ok(), Network::compile(&gpu, model, &options)?)));
    match compiled {
        Ok((adapter, speed, network)) => Ok(serde_json::to_value(network.summary()?).ok().map(|mut summary| {
            summary["speed"] = json!(speed);
            (adapter, summary)
        })),
        Err(e @ Error::NoAdapter(_)) if global.device.is_some() => Err(e),
        Err(e) => {
            ui.note(&format!("There is no plan. {e}"));
            Ok(None)
        }
    }
}

fn total(layers: &[Layer]) -> (u64, Option<u64>) {
    (layers.iter().map(|l| l.parameters).sum(), layers.iter().map(|l| l.macs).sum())
}

fn as_json(facts: &Facts, plan: Option<&(String, Value)>) -> Value {
    let graph = &facts.model.graph;
    let shape = |i: &Input| i.dims.iter().map(symbolic::dim).collect::<Vec<_>>();
    let inputs: Vec<_> =
        graph.inputs.iter().map(|i| json!({ "name": graph.name(i.value), "shape": shape(i), "dtype": i.dtype.to_string() })).collect();
    let types = infer_types(graph).unwrap_or_default();
    let dtype = |o: ValueId| types.get(o.0 as usize).copied().unwrap_or_default().to_string();
    let outputs: Vec<_> = graph
        .outputs
        .iter()
        .enumerate()
        .map(|(i, &o)| json!({ "name": graph.name(o), "shape": facts.symbolic.as_ref().and_then(|s| s.get(i)), "dtype": dtype(o) }))
        .collect();
    let (parameters, macs) = total(&facts.layers);
    json!({
        "name": facts.model.description.name, "inputs": inputs, "outputs": outputs, "parameters": parameters, "macs": macs,
        "layers": facts.layers, "digest": facts.model.digest(), "description": facts.model.description,
        "preprocessing": graph.preprocessing(), "import": facts.model.import, "plan": plan.map(|(_, p)| p), "adapter": plan.map(|(a, _)| a), "needs": facts.unknown,
    })
}

fn print(ui: &Ui, facts: &Facts, plan: Option<&(String, Value)>) -> Outcome<()> {
    let graph = &facts.model.graph;
    print_layers(ui, &facts.layers)?;
    for input in &graph.inputs {
        ui.line(&format!("input   {}  {}", graph.name(input.value), describe_dims(&input.dims)))?;
    }
    for (i, &o) in graph.outputs.iter().enumerate() {
        let dims = facts.symbolic.as_ref().and_then(|s| s.get(i)).map(Vec::as_slice).unwrap_or_default();
        let dims: Vec<_> = dims.iter().map(|d| d.as_str().map_or_else(|| d.to_string().replace("null", "?"), str::to_owned)).collect();
        let shape = dims.join("x");
        ui.line(format!("output  {}  {shape}", graph.name(o)).trim_end())?;
    }
    if let Some(p) = graph.preprocessing() {
        ui.line(&format!("the graph itself prepares pixels: {} ({})", p.describe(), p.nodes.join(", ")))?;
    }
    for change in facts.model.import.iter().flat_map(ImportReport::sentences) {
        ui.line(&format!("import: {change}"))?;
    }
    ui.line(&format!("digest  {}", facts.model.digest()))?;
    if let Some(needs) = &facts.unknown {
        ui.line(&format!("\n{needs}"))?;
    }
    ui.line(&format!("\ndescription\n{}", description(&facts.model)?))?;
    if let Some((adapter, plan)) = plan {
        print_plan(ui, adapter, plan)?;
    }
    Ok(())
}

/// A table of layers and their sums.
pub(super) fn print_layers(ui: &Ui, layers: &[Layer]) -> Outcome<()> {
    let mut table = Table::new(&["layer", "op", "output", ">parameters", ">multiply-adds"]);
    for l in layers {
        let output = l.output.as_ref().map_or("?".to_owned(), Shape::to_string);
        table.row([l.name.clone(), l.op.to_owned(), output, count(l.parameters), l.macs.map_or("?".to_owned(), count)]);
    }
    ui.line(&table.to_string())?;
    let (parameters, macs) = total(layers);
    let macs = macs.map_or("unknown multiply-adds".to_owned(), |m| format!("{} multiply-adds at batch 1", grouped(m)));
    ui.line(&format!("\n{} layers, {} parameters, {macs}", layers.len(), grouped(parameters)))
}

/// A count, or nothing where there is none.
fn count(n: u64) -> String {
    if n == 0 { String::new() } else { grouped(n) }
}

fn description(model: &Model) -> Result<String> {
    let text = toml::to_string(&model.description)
        .map_err(|e| Error::Model(format!("The description cannot be shown as TOML ({e}). Use --json.")))?;
    Ok(text.trim_end().lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n"))
}

fn print_plan(ui: &Ui, adapter: &str, plan: &Value) -> Outcome<()> {
    ui.line(&format!("\nplan on {adapter}"))?;
    if let Some(speed) = plan.get("speed").and_then(speed_line) {
        ui.line(&format!("  measured: {speed}"))?;
    }
    let number = |field: &str| plan.get(field).and_then(Value::as_u64);
    let memory: Vec<_> = [("weight_bytes", "weights"), ("slot_bytes", "activations"), ("staging_bytes", "staging")]
        .iter()
        .filter_map(|(field, what)| Some(format!("{what} {}", bytes(number(field)?))))
        .collect();
    ui.line(&format!("  memory: {}", memory.join(", ")))?;
    let counts: Vec<_> = ["slots", "pipelines"].iter().filter_map(|f| Some(format!("{} {f}", number(f)?))).collect();
    let dispatches = plan.get("dispatches").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    ui.line(&format!("  {} dispatches, {}", dispatches.len(), counts.join(", ")))?;
    let mut table = Table::new(&["  kernel for", "shader", ">workgroups", ">MFLOP", ">memory"]);
    for d in dispatches {
        let text = |field: &str| d.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |field: &str| d.get(field).and_then(Value::as_u64).unwrap_or(0);
        let groups = d.get("groups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let groups: Vec<_> = groups.iter().map(Value::to_string).collect();
        let mflop = format!("{:.2}", number("flops") as f64 / 1e6);
        table.row([format!("  {}", text("label")), text("shader"), groups.join("x"), mflop, bytes(number("bytes"))]);
    }
    ui.line(&table.to_string())?;
    let convolutions = plan.get("convolutions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if convolutions.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["  convolution or product", "algorithm", "form", "chosen"]);
    for c in convolutions {
        let text = |field: &str| c.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        table.row([format!("  {}", text("layer")), text("algorithm"), text("form"), text("origin")]);
    }
    ui.line(&format!("\n{table}"))
}
