//! Computing nodes whose operands are all known, within a budget.

use std::sync::Arc;

use super::geometry;
use crate::error::Result;
use crate::graph::Op;
use crate::reference::{self, Array};
use crate::tensor::{Shape, Tensor};

/// What may be spent on evaluating one node. A file must not be able to make a loader allocate or compute without bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Elements of one output.
    pub(crate) elements: usize,
    /// Bytes of the result, and of the memory it takes to compute it.
    pub(crate) bytes: u64,
    /// Multiplications or visited cells.
    pub(crate) work: u64,
}

/// The outputs of a node, or `None` when an operand is not constant or the budget does not suffice.
/// [`Op::Shape`] needs no constant operand. `outputs` are the inferred shapes.
///
/// # Errors
/// What the operation itself objects to.
pub(crate) fn evaluate(
    name: &str,
    op: &Op,
    shapes: &[Shape],
    constants: &[Option<Arc<Tensor>>],
    outputs: &[Shape],
    budget: &Budget,
) -> Result<Option<Vec<Tensor>>> {
    if let (Op::Shape { start, end }, Some(shape)) = (op, shapes.first()) {
        let dims = &shape[geometry::shape_range(shape.rank(), *start, *end)];
        return Ok(Some(vec![Tensor::indices(dims.iter().map(|&d| d as i64).collect())]));
    }
    if constants.iter().any(Option::is_none) || !fits(op, shapes, outputs, budget) {
        return Ok(None);
    }
    let operands: Vec<_> = constants.iter().flatten().map(|t| Array::from(t.as_ref())).collect();
    let arrays = reference::run_node(name, op, &operands.iter().collect::<Vec<_>>())?;
    arrays.iter().map(Array::to_tensor).collect::<Result<Vec<_>>>().map(Some)
}

/// Bytes that evaluating takes per element of an operand or result, at most: the reference computes in f64, and so may one copy be.
const ELEMENT_BYTES: u64 = 24;

fn fits(op: &Op, shapes: &[Shape], outputs: &[Shape], budget: &Budget) -> bool {
    let elements = shapes.iter().chain(outputs).fold(0u64, |a, s| a.saturating_add(s.len() as u64));
    elements.saturating_mul(ELEMENT_BYTES) <= budget.bytes
        && outputs.iter().all(|s| s.len() <= budget.elements)
        && work(op, shapes, outputs) <= budget.work
}

/// A rough count of inner loop rounds.
fn work(op: &Op, shapes: &[Shape], outputs: &[Shape]) -> u64 {
    let per_output = match op {
        Op::MatMul => shapes[0].last().copied().unwrap_or(1),
        // Every input cell is multiplied with all outputs' filters: at most this for each output cell.
        Op::ConvTranspose(_) => shapes[1].len() / shapes[1].get(1).copied().unwrap_or(1).max(1),
        Op::Conv(_) | Op::LocallyConnected(_) | Op::Linear(_) => {
            let weights = &shapes[1];
            let axes = match op {
                Op::LocallyConnected(_) => 3..6,
                Op::Linear(_) => 1..2,
                _ => 1..4,
            };
            weights.get(axes).map_or(1, |d| Shape::from(d).len())
        }
        Op::Pool(pool) => pool.window.kernel[0].saturating_mul(pool.window.kernel[1]),
        Op::Lrn { size, .. } => (*size).min(shapes[0].get(1).copied().unwrap_or(1)),
        _ => 1,
    };
    let out = outputs.iter().fold(0usize, |a, s| a.saturating_add(s.len()));
    let read = shapes.iter().fold(0usize, |a, s| a.saturating_add(s.len()));
    (out as u64).saturating_mul(per_output as u64).saturating_add(read as u64)
}
