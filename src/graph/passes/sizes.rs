//! What a pass may assume about shapes: only what stays true for every batch and picture size.

use crate::graph::{Dim, Graph, ValueId, infer_shapes};
use crate::tensor::Shape;

/// Shapes of all values, inferred for the nominal input shapes and for a second set in which every free dimension differs.
/// A dimension that is the same in both counts as fixed.
pub(super) struct Sizes<'a> {
    nominal: &'a [Shape],
    /// Absent when the model takes no other size; then the nominal shapes are the only ones.
    other: Option<Vec<Shape>>,
}

impl<'a> Sizes<'a> {
    /// `nominal` is indexed by value, as [`infer_shapes`] returns it.
    pub(super) fn new(graph: &Graph, nominal: &'a [Shape]) -> Self {
        let attempt = |only_batch| infer_shapes(graph, &varied_inputs(graph, nominal, only_batch)).ok();
        Self { nominal, other: attempt(false).or_else(|| attempt(true)) }
    }

    /// Number of dimensions; `None` for a value the shapes do not cover.
    pub(super) fn rank(&self, id: ValueId) -> Option<usize> {
        self.nominal.get(id.0 as usize).map(Shape::rank)
    }

    /// The size of axis 1, if it is fixed.
    pub(super) fn channels(&self, id: ValueId) -> Option<usize> {
        let at = |shapes: &[Shape]| shapes.get(id.0 as usize).and_then(|s| s.get(1)).copied();
        let channels = at(self.nominal)?;
        self.others_agree(|other| at(other) == Some(channels)).then_some(channels)
    }

    /// The size of the last axis, if it is fixed.
    pub(super) fn last(&self, id: ValueId) -> Option<usize> {
        let at = |shapes: &[Shape]| shapes.get(id.0 as usize).and_then(|s| s.last()).copied();
        let last = at(self.nominal)?;
        self.others_agree(|other| at(other) == Some(last)).then_some(last)
    }

    /// Whether two values have the same shape whatever the sizes of the inputs.
    pub(super) fn same(&self, a: ValueId, b: ValueId) -> bool {
        let agree = |shapes: &[Shape]| match (shapes.get(a.0 as usize), shapes.get(b.0 as usize)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        };
        agree(self.nominal) && self.others_agree(agree)
    }

    /// Whether `to` has the batch of `from` as its first dimension, so that reshaping one into the other moves nothing between pictures.
    pub(super) fn same_batch(&self, from: ValueId, to: ValueId) -> bool {
        let first = |shapes: &[Shape], id: ValueId| shapes.get(id.0 as usize).and_then(|s| s.first()).copied();
        let agree = |shapes: &[Shape]| first(shapes, from).is_some() && first(shapes, from) == first(shapes, to);
        agree(self.nominal) && self.others_agree(agree)
    }

    fn others_agree(&self, test: impl Fn(&[Shape]) -> bool) -> bool {
        self.other.as_deref().is_none_or(test)
    }
}

/// The nominal input shapes with free dimensions multiplied: multiples keep divisibility by strides, and a different factor for each
/// name keeps ratios apart.
fn varied_inputs(graph: &Graph, nominal: &[Shape], only_batch: bool) -> Vec<Shape> {
    let mut names: Vec<&str> = Vec::new();
    for input in &graph.inputs {
        for dim in input.dims.iter().skip(1) {
            if let Dim::Free(name) = dim
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
    }
    let factor = |axis: usize, dim: &Dim| match dim {
        Dim::Fixed(_) => 1,
        Dim::Free(_) if axis == 0 => 2,
        Dim::Free(_) if only_batch => 1,
        Dim::Free(name) => 2 + names.iter().position(|n| n == name).unwrap_or_default(),
    };
    let vary = |dims: &[usize], declared: &[Dim]| -> Vec<usize> {
        dims.iter().zip(declared).enumerate().map(|(axis, (n, dim))| n.saturating_mul(factor(axis, dim))).collect()
    };
    let nominal = |id: ValueId| nominal.get(id.0 as usize).map_or(&[][..], Shape::dims);
    graph.inputs.iter().map(|input| Shape::from(vary(nominal(input.value), &input.dims))).collect()
}
