//! What is known of a value while importing, without shapes: its rank, and where the batch is.

use crate::graph::{Op, ValueId};
use crate::tensor::{DType, Tensor};

/// Whether and how a value depends on the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flow {
    /// Not computed from pixels: constants and shapes.
    #[default]
    Static,
    /// Computed from the inputs, one entry of dimension 0 per picture.
    BatchFirst,
    /// Computed from the inputs; where the batch went is not followed.
    Mixed,
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fact {
    /// Number of dimensions.
    pub(super) rank: Option<usize>,
    /// Where the batch is.
    pub(super) flow: Flow,
    /// The type of its elements.
    pub(super) dtype: DType,
    /// Comes from a node that could not be imported: further complaints about it would only be noise.
    pub(super) poisoned: bool,
}

/// Operands of a node: what is known and, when constant, the integers.
pub(super) struct Known<'a> {
    pub(super) facts: Vec<Fact>,
    pub(super) constants: Vec<Option<&'a Tensor>>,
}

impl Known<'_> {
    fn ints(&self, index: usize) -> Option<&[i64]> {
        self.constants.get(index).copied().flatten().and_then(Tensor::as_i64)
    }

    /// Number of elements of a constant operand.
    fn len(&self, index: usize) -> Option<usize> {
        self.constants.get(index).copied().flatten().map(Tensor::len)
    }

    fn is_first(&self, axis: i64) -> bool {
        axis == 0 || self.facts.first().and_then(|f| f.rank).is_some_and(|r| axis == -(r as i64))
    }

    fn rank(&self, index: usize) -> Option<usize> {
        self.facts.get(index).and_then(|f| f.rank)
    }

    /// The flow of what is picked from the first operand, whose own part in it is `x`, by the indices in the second. `first`: an axis of
    /// the indices is the first of the result.
    fn picked(&self, x: Flow, first: bool) -> Flow {
        match (x, self.facts.get(1).map_or(Flow::Static, |f| f.flow)) {
            (x, Flow::Static) => x,
            (_, Flow::BatchFirst) if first && self.facts.first().is_some_and(|f| f.flow == Flow::Static || x == Flow::BatchFirst) => {
                Flow::BatchFirst
            }
            _ => Flow::Mixed,
        }
    }

    /// Whether constant pads add to or cut from dimension 0.
    fn pads_first(&self) -> bool {
        let (Some(pads), axes) = (self.ints(1), self.ints(3).filter(|a| !a.is_empty())) else { return false };
        let at = match axes {
            Some(axes) => axes.iter().position(|&a| self.is_first(a)),
            None => Some(0),
        };
        let half = pads.len() / 2;
        at.is_some_and(|at| pads.get(at).is_some_and(|&p| p != 0) || pads.get(half + at).is_some_and(|&p| p != 0))
    }

    /// The flow of several operands of one element-wise operation.
    fn joined(&self, rank: Option<usize>) -> Flow {
        let moving = self.facts.iter().filter(|f| f.flow != Flow::Static);
        if moving.clone().next().is_none() {
            return Flow::Static;
        }
        // A scalar is the same for every picture.
        let moving = moving.filter(|f| f.rank != Some(0) || rank == Some(0));
        let aligned = |f: &Fact| f.flow == Flow::BatchFirst && (f.rank.is_none() || rank.is_none() || f.rank == rank);
        if moving.clone().all(aligned) { Flow::BatchFirst } else { Flow::Mixed }
    }
}

/// What is known of the outputs of `op`, whose elements have the type `dtype`.
pub(super) fn infer(op: &Op, known: &Known<'_>, dtype: DType) -> Fact {
    let x = known.facts.first().copied().unwrap_or_default();
    let poisoned = known.facts.iter().any(|f| f.poisoned);
    let moved = |first: bool| if first && x.flow == Flow::BatchFirst { Flow::Mixed } else { x.flow };
    let (rank, flow) = match op {
        Op::Conv(_) | Op::LocallyConnected(_) | Op::Pool(_) | Op::PoolArgMax { .. } | Op::GlobalPool(_) | Op::Resize(_) => {
            (x.rank.or(Some(4)), x.flow)
        }
        Op::Linear(_) => (Some(2), x.flow),
        Op::ConvTranspose(_) => (x.rank.or(Some(4)), x.flow),
        Op::MatMul => matmul(known),
        Op::Binary(_) | Op::PRelu | Op::Where => {
            let ranks: Option<Vec<_>> = known.facts.iter().map(|f| f.rank).collect();
            let rank = ranks.and_then(|r| r.into_iter().max());
            (rank, known.joined(rank))
        }
        Op::Concat { axis } => {
            let rank = known.facts.iter().find_map(|f| f.rank);
            (rank, if known.is_first(*axis) && x.flow != Flow::Static { Flow::Mixed } else { known.joined(rank) })
        }
        Op::Reduce { axes, keep_dims, .. } => {
            let left = match (known.facts.len() > 1, axes.len()) {
                (true, _) => None,
                (false, 0) => Some(0),
                (false, n) => x.rank.and_then(|r| r.checked_sub(n)),
            };
            (if *keep_dims { x.rank } else { left }, moved(axes.is_empty() || axes.iter().any(|&a| known.is_first(a))))
        }
        Op::ArgReduce { axis, keep_dims, .. } => {
            (x.rank.and_then(|r| r.checked_sub(usize::from(!keep_dims))), moved(known.is_first(*axis)))
        }
        Op::TopK { axis, .. } | Op::LayerNorm { axis, .. } => (x.rank, moved(known.is_first(*axis))),
        Op::CumSum { .. } => (x.rank, moved(known.ints(1).is_none_or(|axis| axis.iter().any(|&a| known.is_first(a))))),
        Op::Flatten { axis } => (Some(2), moved(*axis != 1)),
        Op::Reshape { .. } => (known.len(1), reshape_flow(x.flow, known.ints(1))),
        Op::Transpose { perm } => (x.rank.or((!perm.is_empty()).then_some(perm.len())), moved(perm.first() != Some(&0))),
        Op::Squeeze => (
            known.len(1).and_then(|n| x.rank?.checked_sub(n)),
            moved(known.ints(1).is_none_or(|axes| axes.iter().any(|&a| known.is_first(a)))),
        ),
        Op::Unsqueeze => {
            let rank = known.len(1).and_then(|n| x.rank?.checked_add(n));
            let first = |&a: &i64| a == 0 || rank.is_some_and(|r| a == -(r as i64));
            (rank, moved(known.ints(1).is_none_or(|axes| axes.iter().any(first))))
        }
        Op::Split { axis, .. } => (x.rank, moved(known.is_first(*axis))),
        Op::Slice => (x.rank, moved(known.ints(3).is_none_or(|axes| axes.is_empty() || axes.iter().any(|&a| known.is_first(a))))),
        Op::Expand => (x.rank.zip(known.len(1)).map(|(a, b)| a.max(b)), moved(known.len(1).zip(x.rank).is_some_and(|(n, r)| n > r))),
        Op::Gather { axis } => {
            let rank = x.rank.zip(known.rank(1)).and_then(|(r, i)| (r + i).checked_sub(1));
            (rank, known.picked(moved(known.is_first(*axis)), known.is_first(*axis)))
        }
        Op::GatherElements { axis } => (x.rank, known.picked(moved(known.is_first(*axis)), true)),
        Op::GatherNd { batch_dims } => (None, known.picked(moved(*batch_dims == 0), true)),
        Op::GridSample(_) => (x.rank, known.joined(x.rank)),
        Op::Tile => (x.rank, moved(known.ints(1).is_none_or(|r| r.first() != Some(&1)))),
        Op::Pad { .. } => (x.rank, moved(known.pads_first())),
        Op::Range => (Some(1), if known.facts.iter().all(|f| f.flow == Flow::Static) { Flow::Static } else { Flow::Mixed }),
        Op::Shape { .. } => (Some(1), Flow::Static),
        Op::ConstantOfShape { .. } => (known.len(0), Flow::Static),
        _ => (x.rank, x.flow),
    };
    Fact { rank, flow, dtype, poisoned }
}

/// A product keeps the batch of a stack, and that of the rows of a single matrix on the left.
fn matmul(known: &Known<'_>) -> (Option<usize>, Flow) {
    let (a, b) = match known.facts[..] {
        [a, b, ..] => (a, b),
        _ => return (None, Flow::Mixed),
    };
    if a.flow == Flow::Static && b.flow == Flow::Static {
        return (None, Flow::Static);
    }
    let (Some(ra), Some(rb)) = (a.rank, b.rank) else { return (None, Flow::Mixed) };
    let rank = ra.max(rb).saturating_sub(usize::from(ra == 1) + usize::from(rb == 1));
    let in_front = |f: Fact, rank: usize, least: usize| f.flow == Flow::BatchFirst && rank >= least && rank == ra.max(rb);
    let flow = match (in_front(a, ra, 2), in_front(b, rb, 3)) {
        (true, true) if ra > 2 => Flow::BatchFirst,
        (true, false) if b.flow == Flow::Static => Flow::BatchFirst,
        (false, true) if a.flow == Flow::Static => Flow::BatchFirst,
        _ => Flow::Mixed,
    };
    (Some(rank), flow)
}

/// A reshape that keeps dimension 0 keeps the batch. A computed target (Shape, Gather, Concat) does so by custom.
fn reshape_flow(x: Flow, target: Option<&[i64]>) -> Flow {
    match (x, target) {
        (Flow::BatchFirst, None) => Flow::BatchFirst,
        (Flow::BatchFirst, Some([0, ..])) => Flow::BatchFirst,
        (Flow::Static, _) => Flow::Static,
        _ => Flow::Mixed,
    }
}

/// The target of a Reshape for any batch, where the file froze the batch to `frozen`: its first entry becomes "as before" (0), or
/// "whatever is left" (-1) when the batch is not known to be in front. `None`: leave it alone.
pub(super) fn free_batch(target: &[i64], flow: Flow, allow_zero: bool, frozen: Option<i64>) -> Option<Vec<i64>> {
    let (&first, rest) = target.split_first()?;
    if Some(first) != frozen || flow == Flow::Static {
        return None;
    }
    // With allow_zero a 0 is a size; then it cannot mean "as before".
    let sign = match flow {
        Flow::BatchFirst if !allow_zero => 0,
        _ if !rest.contains(&-1) && !rest.contains(&0) => -1,
        _ => return None,
    };
    Some(std::iter::once(sign).chain(rest.iter().copied()).collect())
}

/// The rank and flow of a constant.
pub(super) fn of_constant(tensor: &Tensor) -> Fact {
    Fact { rank: Some(tensor.shape().rank()), flow: Flow::Static, dtype: tensor.dtype(), poisoned: false }
}

/// Collects the operands' facts.
pub(super) fn known<'a>(ids: &[ValueId], facts: &[Fact], constant: impl Fn(ValueId) -> Option<&'a Tensor>) -> Known<'a> {
    Known {
        facts: ids.iter().map(|&id| facts.get(id.0 as usize).copied().unwrap_or_default()).collect(),
        constants: ids.iter().map(|&id| constant(id)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_batch_in_a_reshape_is_freed() {
        let free = |t: &[i64], flow| free_batch(t, flow, false, Some(1));
        assert_eq!(free(&[1, -1], Flow::BatchFirst), Some(vec![0, -1]));
        assert_eq!(free(&[1, -1, 4], Flow::BatchFirst), Some(vec![0, -1, 4]));
        assert_eq!(free(&[1, 400, 1], Flow::BatchFirst), Some(vec![0, 400, 1]));
        assert_eq!(free(&[1, 400, 1], Flow::Mixed), Some(vec![-1, 400, 1]));
        assert_eq!(free(&[1, -1, 4], Flow::Mixed), None);
        assert_eq!(free(&[2, -1], Flow::BatchFirst), None);
        assert_eq!(free(&[1, 64, 1, 1], Flow::Static), None);
        assert_eq!(free_batch(&[1, 8], Flow::BatchFirst, true, Some(1)), Some(vec![-1, 8]));
        assert_eq!(free_batch(&[1, 8], Flow::BatchFirst, false, None), None);
    }
}
