//! Networks of the registry in files that call their layers otherwise.
//!
//! An exporter folds batch normalisation, renames tensors and writes activations in its own way, so a file cannot be taken for a network by
//! its names. What no exporter changes are the layers with weights, the pooling, and how they are connected.

mod part;
mod skeleton;

use std::collections::HashMap;

use super::entry::{Entry, Output};
use super::parameters::Shapes;
use crate::error::{Error, Result};
use crate::graph::passes::specialise;
use crate::graph::{Dim, Graph, Input, Preprocessing, ValueId, describe_dims};
use crate::model::{InputDescription, Model, Normalize};
use crate::tensor::Shape;
use part::{Structure, Structures};
use skeleton::{Found, Skeleton};

/// Numbers of preprocessing that are meant to be the same: exporters divide by 127.5, by 128, by 127.
const NEAR: f64 = 0.01;

/// `model` with the description of `entry`, when its graph is that network. The graph, its names and a licence that the file states stay.
///
/// Compared are layers with weights (kernel, stride, padding, groups, shape of the weights), pooling, sums, products, concatenations and
/// cuts, and how they are connected; the probabilities that outputs are; the inputs. Not compared are numbers, names, normalisation,
/// activations within the network and changes of layout.
///
/// How pixels are fed is what the file's own description says, else what the registry says. A file whose first layer has taken up mean and
/// scale looks like any other: it has to be described.
///
/// # Errors
/// [`Error::Model`] that names the first layer where the two part, or the input or output that differs.
pub fn recognise(entry: &Entry, mut model: Model) -> Result<Model> {
    let network = entry.graph(&mut Shapes)?;
    let file = &model.graph;
    check_inputs(entry, &network, file)?;
    let any = |g: &Graph| g.inputs.iter().all(|i| matches!(i.dims[..], [_, _, Dim::Free(_), Dim::Free(_)]));
    let any = any(&network) && any(file);
    let mut structures = Structures::default();
    let mut read = |graph: &Graph, other: &Graph| -> Result<Skeleton> {
        let (graph, shapes) = specialise(graph, &example(entry, graph, other))?;
        Ok(Skeleton::new(&graph, &shapes, any, &mut structures))
    };
    let (wanted, found) = (read(&network, file)?, read(file, &network)?);
    compare(entry, [&network, file], &structures, &wanted, &found)?;
    let outputs = outputs(entry, [&network, file], [&wanted, &found])?;
    check_sizes(entry, &network, file)?;

    let mut description = entry.description(&network);
    description.input = match &model.description.input {
        // Nobody said how the file is fed.
        input if *input == InputDescription::default() => pixels(entry, &network, file, description.input)?,
        input => input.clone(),
    };
    description.licence.clone_from(&model.description.licence);
    if let (Some(embedding), Some(&output)) = (&mut description.embedding, outputs.first()) {
        embedding.output = Some(file.name(output).to_owned());
    }
    model.describe(description)?;
    Ok(model)
}

fn refuse(entry: &Entry, why: &str) -> Error {
    Error::Model(format!("The file is not `{}`: {why}. `zoo show {0}` lists the layers; convert the file as it is instead.", entry.name))
}

/// Number of inputs, and their channels.
fn check_inputs(entry: &Entry, network: &Graph, file: &Graph) -> Result<()> {
    let names = |g: &Graph| g.inputs.iter().map(|i| format!("`{}`", g.name(i.value))).collect::<Vec<_>>().join(", ");
    if network.inputs.len() != file.inputs.len() {
        let why = format!("the network has the inputs {}, the file has {}", names(network), names(file));
        return Err(refuse(entry, &why));
    }
    for (want, got) in network.inputs.iter().zip(&file.inputs) {
        let same = |(a, b): (&Dim, &Dim)| matches!((a, b), (Dim::Fixed(a), Dim::Fixed(b)) if a == b) || matches!(b, Dim::Free(_));
        let channels = want.dims.get(1).zip(got.dims.get(1));
        if want.dims.len() != got.dims.len() || !channels.is_some_and(same) {
            return Err(refuse(entry, &inputs_differ(network, file, want, got)));
        }
    }
    Ok(())
}

/// Height and width of the inputs: after the layers, which say more.
fn check_sizes(entry: &Entry, network: &Graph, file: &Graph) -> Result<()> {
    let differs = |a: &Dim, b: &Dim| matches!((a, b), (Dim::Fixed(a), Dim::Fixed(b)) if a != b);
    let mut pairs = network.inputs.iter().zip(&file.inputs);
    match pairs.find(|(want, got)| want.dims.iter().zip(&got.dims).skip(1).any(|(a, b)| differs(a, b))) {
        Some((want, got)) => Err(refuse(entry, &inputs_differ(network, file, want, got))),
        None => Ok(()),
    }
}

fn inputs_differ(network: &Graph, file: &Graph, want: &Input, got: &Input) -> String {
    let [a, b] = [(network, want), (file, got)].map(|(g, i)| format!("`{}` ({})", g.name(i.value), describe_dims(&i.dims)));
    format!("the network has the input {a}, the file has {b}")
}

/// One picture of the size that `graph` has, or `other`, or the registry says.
fn example(entry: &Entry, graph: &Graph, other: &Graph) -> Vec<Shape> {
    let usual = [1, entry.input.depth(), entry.input.size[0], entry.input.size[1]];
    let sizes = |(mine, theirs): (&Input, &Input)| {
        let dims = mine.dims.iter().enumerate().map(|(i, dim)| match (dim, theirs.dims.get(i)) {
            _ if i == 0 => 1,
            (Dim::Fixed(n), _) | (Dim::Free(_), Some(Dim::Fixed(n))) => *n,
            _ => usual.get(i).copied().unwrap_or(1),
        });
        Shape::from(dims.collect::<Vec<_>>())
    };
    graph.inputs.iter().zip(&other.inputs).map(sizes).collect()
}

/// Whether the layers of both are the same ones, connected in the same way.
fn compare(entry: &Entry, [network, file]: [&Graph; 2], structures: &Structures, wanted: &Skeleton, found: &Skeleton) -> Result<()> {
    let [in_network, in_file] = [wanted, found].map(|s| structures.up_to(&s.ends()));
    let only = |skeleton: &Skeleton, here: &[bool], there: &[bool]| -> Vec<Found> {
        let mut parts = skeleton.parts.clone();
        parts.retain(|f| here.get(f.structure) == Some(&true) && there.get(f.structure) != Some(&true));
        parts
    };
    let missing = only(wanted, &in_network, &in_file);
    let extra = only(found, &in_file, &in_network);
    let show = |f: &Found| format!("`{}` ({})", f.name, f.part);
    // What reads the same parts as the missing one, if anything does.
    let counterpart = |missing: Structure| {
        let from = structures.from(missing);
        let same = extra.iter().find(|f| structures.from(f.structure) == from);
        same.or_else(|| extra.iter().find(|f| structures.from(f.structure).iter().any(|x| from.contains(x))))
    };
    let why = match (missing.first(), extra.first()) {
        (None, None) => return compare_numbers(entry, wanted, found),
        (Some(want), None) => format!("the network goes on with {}, the file does not", show(want)),
        (None, Some(got)) => format!("the file goes on with {}, the network does not", show(got)),
        (Some(want), Some(first)) => {
            let got = counterpart(want.structure).unwrap_or(first);
            if want.part.is_same_layer(&got.part) {
                check_sizes(entry, network, file)?;
            }
            format!("where the network has {}, the file has {}", show(want), show(got))
        }
    };
    Err(refuse(entry, &why))
}

/// Whether layers that are built alike over the same map, which one structure stands for, are as many in both.
fn compare_numbers(entry: &Entry, wanted: &Skeleton, found: &Skeleton) -> Result<()> {
    let number = |skeleton: &Skeleton| {
        let mut number = HashMap::new();
        let layers = skeleton.parts.iter().filter(|f| f.part.is_layer());
        layers.for_each(|f| *number.entry(f.structure).or_insert(0) += 1);
        number
    };
    let (want, got) = (number(wanted), number(found));
    let differs = |f: &&Found| want.get(&f.structure) != got.get(&f.structure);
    match wanted.parts.iter().filter(|f| f.part.is_layer()).find(differs) {
        Some(f) => {
            let [a, b] = [&want, &got].map(|n| n.get(&f.structure).copied().unwrap_or(0));
            Err(refuse(entry, &format!("the network has {a} layers like `{}` ({}) over the same map, the file has {b}", f.name, f.part)))
        }
        None => Ok(()),
    }
}

/// The outputs of the file that are those of the network, in its order. Of outputs that cannot be told apart the one of the same name is
/// taken, or the next.
fn outputs(entry: &Entry, [network, file]: [&Graph; 2], [wanted, found]: [&Skeleton; 2]) -> Result<Vec<ValueId>> {
    let normalized = matches!(entry.output, Output::Embedding(e) if e.normalize == Normalize::L2);
    // Scaling to unit length twice is scaling once.
    let last = |f: &'static str| if normalized && f == "L2Normalize" { "" } else { f };
    let mut left: Vec<_> = file.outputs.iter().zip(&found.outputs).collect();
    let mut taken = Vec::with_capacity(network.outputs.len());
    for (&id, (structure, function)) in network.outputs.iter().zip(&wanted.outputs) {
        let name = network.name(id);
        let fits = |o: &(&ValueId, &(Option<Structure>, &'static str))| o.1.0 == *structure && last(o.1.1) == last(function);
        let place = left.iter().position(|o| fits(o) && file.name(*o.0) == name).or_else(|| left.iter().position(fits));
        let Some(place) = place else {
            let shown = |f: &'static str| if f.is_empty() { "as it is".to_owned() } else { format!("after {f}") };
            let why = match left.iter().find(|o| o.1.0 == *structure) {
                Some(&(&id, &(_, f))) => {
                    format!("the network gives `{name}` {}, the file gives `{}` {}", shown(function), file.name(id), shown(f))
                }
                None => format!("the network gives `{name}`, which is no output of the file"),
            };
            return Err(refuse(entry, &why));
        };
        taken.push(*left.remove(place).0);
    }
    Ok(taken)
}

/// How pixels are prepared, given that the file may do so itself.
fn pixels(entry: &Entry, network: &Graph, file: &Graph, usual: InputDescription) -> Result<InputDescription> {
    let near = |got: &[f64], want: &[f64]| {
        let n = got.len().max(want.len());
        let at = |v: &[f64], i: usize| v.get(i % v.len().max(1)).copied().unwrap_or(0.0);
        (0..n).all(|i| (at(got, i) - at(want, i)).abs() <= NEAR * at(want, i).abs().max(at(got, i).abs()))
    };
    let alike = |a: &Preprocessing, scale: &[f64], shift: &[f64]| near(&a.scale, scale) && near(&a.shift, shift);
    let scale = usual.scale.map(f64::from);
    let shift = [0, 1, 2].map(|i| 0.0 - f64::from(usual.mean[i]) * scale[i]);
    match (file.preprocessing(), network.preprocessing()) {
        (None, None) => Ok(usual),
        (Some(got), Some(want)) if alike(&got, &want.scale, &want.shift) => Ok(usual),
        // The file does what the description would say.
        (Some(got), None) if alike(&got, &scale, &shift) => {
            Ok(InputDescription { channels: usual.channels, ..InputDescription::default() })
        }
        (got, _) => {
            let shown = |p: Option<Preprocessing>| p.map_or_else(|| "nothing".to_owned(), |p| p.describe());
            let fed = Preprocessing { nodes: Vec::new(), scale: scale.to_vec(), shift: shift.to_vec() };
            let why = format!("its layers are, but it makes {} of its pixels, where the network is fed {}", shown(got), fed.describe());
            Err(refuse(entry, &why))
        }
    }
}
