//! Branches that are joined along the channels are computed where the join wants them, so that nothing is copied.

use std::collections::{HashMap, HashSet};

use super::{Lower, resolve};
use crate::graph::{Graph, Op, ValueId};
use crate::recording::{Packed, Part, Source};
use crate::tensor::Shape;

/// Which values are parts of which others, and how far they are.
pub(super) struct Joining {
    /// The whole that a value is a part of, and the part's first vec4.
    parts: HashMap<ValueId, (ValueId, usize)>,
    /// Tensors of wholes that have a part already.
    wholes: HashMap<ValueId, Source>,
    /// Parts that are written.
    written: HashSet<ValueId>,
}

impl Joining {
    /// Parts are what a convolution or a pooling computes for one Concat alone, if it begins at a whole vec4.
    pub(super) fn new(graph: &Graph, shapes: &[Shape]) -> Self {
        let (uses, producers) = (graph.uses(), graph.producers());
        let mut parts = HashMap::new();
        for node in &graph.nodes {
            let Op::Concat { axis } = node.op else { continue };
            let whole = node.outputs[0];
            let shape = &shapes[whole.0 as usize];
            let maps = shape.rank() == 4 && resolve(axis, 4) == 1 && !shape.contains(&0);
            let computed = node.inputs.iter().all(|&i| graph.constant(i).is_none() && !shapes[i.0 as usize].contains(&0));
            if !maps || !computed {
                continue;
            }
            let mut first = 0;
            for &input in &node.inputs {
                let producer = producers[input.0 as usize].map(|p| &graph.nodes[p].op);
                if first % 4 == 0 && uses[input.0 as usize] == 1 && matches!(producer, Some(Op::Conv(_) | Op::Pool(_))) {
                    parts.insert(input, (whole, first / 4));
                }
                first += shapes[input.0 as usize][1];
            }
            // Only the last part may end within a vec4: what follows another such would share it.
            if node.inputs.iter().rev().skip(1).any(|i| !shapes[i.0 as usize][1].is_multiple_of(4)) {
                parts.retain(|_, (join, _)| *join != whole);
            }
        }
        Self { parts, wholes: HashMap::new(), written: HashSet::new() }
    }
}

impl Lower<'_, '_, '_> {
    /// The place where `y` is wanted, if it is a part of something.
    pub(super) fn place(&mut self, y: ValueId) -> Option<Part> {
        let (whole, first) = *self.joining.parts.get(&y)?;
        let dims = Packed::of(self.shape(whole))?;
        let source = *self.joining.wholes.entry(whole).or_insert_with(|| self.rec.tensor(dims.bytes()));
        Some(Part { whole: source, row: dims.c4(), first })
    }

    /// `y` was written to its place.
    pub(super) fn put_part(&mut self, y: ValueId) {
        self.joining.written.insert(y);
    }

    /// Whether `y` is where it is wanted.
    pub(super) fn is_in_place(&self, y: ValueId) -> bool {
        self.joining.written.contains(&y)
    }

    /// The tensor that some parts of `whole` are in.
    pub(super) fn whole(&mut self, whole: ValueId) -> Option<Source> {
        self.joining.wholes.remove(&whole)
    }
}
