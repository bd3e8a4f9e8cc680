//! Which output of a network is which: told by its shape, because exporters name them as they like.

use super::DetectorKind;
use crate::error::{Error, Result};
use crate::graph::{Dim, infer_shapes};
use crate::model::{Description, InputDescription, Model};
use crate::network::{CompileOptions, Network};
use crate::tensor::{Data, Shape, Tensor};

/// An output and its shape for one picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) shape: Shape,
}

impl Head {
    /// Rows and their width, of an output of rows.
    pub(super) fn rows(&self) -> Option<[usize; 2]> {
        match *self.shape.dims() {
            [rows, width] | [1, rows, width] => Some([rows, width]),
            _ => None,
        }
    }
}

/// A network with its outputs.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) network: Network,
    /// Width and height where the model fixes them.
    pub(super) fixed: Option<[usize; 2]>,
    pub(super) heads: Vec<Head>,
}

impl Part {
    /// Compiles `model` for pictures of `size` = width, height where it leaves them free, fed as `kind` is unless it says otherwise.
    ///
    /// # Errors
    /// A model that does not take one input of pictures, and those of [`Network::compile`].
    pub(super) fn new(gpu: &crate::gpu::Gpu, kind: DetectorKind, model: &Model, size: [usize; 2], plans: usize) -> Result<Self> {
        let [input] = model.graph.inputs.as_slice() else { return Err(misfit(kind, model, "one input of pictures")) };
        let [_, Dim::Fixed(3) | Dim::Free(_), height, width] = input.dims.as_slice() else {
            return Err(misfit(kind, model, "pictures of three channels (Nx3xHxW)"));
        };
        let fixed = match (width, height) {
            (Dim::Fixed(w), Dim::Fixed(h)) => Some([*w, *h]),
            _ => None,
        };
        let [width, height] = fixed.unwrap_or(size);
        let shape = Shape::from([1, 3, height, width]);
        let shapes = infer_shapes(&model.graph, std::slice::from_ref(&shape))?;
        let head = |&id: &crate::graph::ValueId| Head {
            name: model.graph.name(id).to_owned(),
            shape: shapes.get(id.0 as usize).cloned().unwrap_or_else(|| Shape::from([0])),
        };
        let heads = model.graph.outputs.iter().map(head).collect();
        let name = model.graph.name(input.value).to_owned();
        let options = CompileOptions { shapes: vec![(name, shape)], plans, ..CompileOptions::default() };
        let network = Network::compile(gpu, &described(kind, model)?, &options)?;
        Ok(Self { network, fixed, heads })
    }
}

/// The model, fed as its description says, or as the kind is where nobody said: a description like that of a file without one.
fn described(kind: DetectorKind, model: &Model) -> Result<Model> {
    let mut model = model.clone();
    if model.description.input == InputDescription::default() {
        let description = Description { input: kind.input(), ..model.description.clone() };
        model.describe(description)?;
    }
    Ok(model)
}

/// The error for a model that is something else.
pub(super) fn misfit(kind: DetectorKind, model: &Model, needed: &str) -> Error {
    let graph = &model.graph;
    let outputs: Vec<_> = graph.outputs.iter().map(|&o| format!("`{}`", graph.name(o))).collect();
    Error::Model(format!(
        "The model `{}` (outputs {}) is not what a detector of the kind `{kind}` needs: {needed}. Name the file of such a network, or another kind.",
        model.description.name,
        outputs.join(", ")
    ))
}

/// What a run gave, by output and picture.
pub(super) struct Outputs<'a> {
    results: &'a [(String, Tensor)],
    batch: usize,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(results: &'a [(String, Tensor)], batch: usize) -> Self {
        Self { results, batch }
    }

    /// The numbers of output `name` that are about picture `index` of the batch.
    pub(super) fn of(&self, name: &str, index: usize) -> &'a [f32] {
        let found = self.results.iter().find(|(n, _)| n == name);
        let Some(Data::F32(numbers)) = found.map(|(_, t)| t.data()) else { return &[] };
        let each = numbers.len() / self.batch.max(1);
        numbers.get(index * each..(index + 1) * each).unwrap_or(&[])
    }

    /// The shape of output `name`.
    pub(super) fn shape(&self, name: &str) -> &'a [usize] {
        self.results.iter().find(|(n, _)| n == name).map_or(&[], |(_, t)| t.shape().dims())
    }
}
