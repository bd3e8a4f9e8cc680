//! Rewriting passes: from the graph a file holds to the fewest nodes that compute the same.
//!
//! [`optimise`] runs once per model and relies on nothing but ranks and channel counts, so its result serves every batch and picture
//! size. [`specialise`] then prepares a copy for one set of input shapes.
//!
//! Every pass is a function `run(graph, shapes) -> whether it changed anything`; each preserves all graph outputs under their names, up
//! to the rounding of folded weights to f32.

pub mod activation_fusion;
pub mod affine_folding;
pub mod affine_recognition;
pub mod bias_of_rows;
mod bounds;
pub mod constant_folding;
pub mod dead_nodes;
mod filters;
mod flatten_into_linear;
pub mod identity_removal;
pub mod residual_fusion;
mod rewriter;
mod sizes;
mod specialise;

pub use bounds::Bounds;
pub(crate) use bounds::remedy;
pub use specialise::{specialise, specialise_within};

use super::{Graph, infer_shapes};
use crate::error::Result;
use crate::tensor::Shape;

/// A rewriting pass; the shapes are those of all values of the graph, for one valid set of input shapes.
type Pass = fn(&mut Graph, &[Shape]) -> Result<bool>;

/// In the order in which they feed each other: constants and no-ops out of the way, affines found, folded, then epilogues filled from
/// the inside out.
const PASSES: [Pass; 6] =
    [identity_removal::run, bias_of_rows::run, affine_recognition::run, affine_folding::run, activation_fusion::run, residual_fusion::run];

/// Real models settle in three rounds. A long chain of affines can take more; what is left after the last round is merely slower.
const MAX_ROUNDS: usize = 16;

/// Rewrites a graph until nothing changes, for any batch and picture size. `input_shapes` is one valid example, in the order of
/// [`Graph::inputs`].
///
/// # Errors
/// Shapes that do not fit each other (see [`infer_shapes`]).
pub fn optimise(graph: &mut Graph, input_shapes: &[Shape]) -> Result<()> {
    optimise_within(graph, input_shapes, &Bounds::default())
}

/// As [`optimise`], within these bounds.
///
/// # Errors
/// As [`optimise`]; [`crate::Error::Limits`] for a graph that would need more.
pub fn optimise_within(graph: &mut Graph, input_shapes: &[Shape], bounds: &Bounds) -> Result<()> {
    constant_folding::fold_weights_within(graph, bounds)?;
    // Readers that no output needs would keep values alive and stand in the way of fusing.
    dead_nodes::run(graph);
    let mut shapes = infer_shapes(graph, input_shapes)?;
    bounds.check_copies(graph, &shapes)?;
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for pass in PASSES {
            if pass(graph, &shapes)? {
                changed = true;
                shapes = infer_shapes(graph, input_shapes)?;
            }
        }
        // Weights that were replaced by folded ones need not wait for the end.
        dead_nodes::run(graph);
        if !changed {
            break;
        }
    }
    Ok(())
}
