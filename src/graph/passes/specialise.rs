//! From the graph for all sizes to the graph for one set of input shapes.

use super::{constant_folding, dead_nodes, flatten_into_linear};
use crate::error::Result;
use crate::graph::Graph;
use crate::tensor::Shape;

/// A copy of the graph for these input shapes, and the shapes of all its values (indexed as [`Graph::values`]).
///
/// Chains that compute shapes become constants, splits get explicit sizes, linear layers read through transpositions and reshapes, and
/// what is then unused is gone. Constants that were not touched share their memory with `graph`. An output can become a constant.
///
/// # Errors
/// As [`crate::graph::infer_shapes`].
pub fn specialise(graph: &Graph, input_shapes: &[Shape]) -> Result<(Graph, Vec<Shape>)> {
    let mut graph = graph.clone();
    let shapes = constant_folding::fold_all(&mut graph, input_shapes)?;
    flatten_into_linear::run(&mut graph, &shapes);
    dead_nodes::run(&mut graph);
    Ok((graph, shapes))
}
