//! Inputs whose content, not only whose shape, has to be known before a graph can be planned.

use std::sync::Arc;

use super::{Graph, Op, ValueId, infer_types};
use crate::error::Result;
use crate::tensor::Tensor;

impl Op {
    /// Whether shape inference reads the content of operand `i`: a shape, indices that cut, factors.
    pub(crate) fn reads_content(&self, i: usize) -> bool {
        match self {
            Self::Reshape { .. }
            | Self::Squeeze
            | Self::Unsqueeze
            | Self::Slice
            | Self::Split { .. }
            | Self::Expand
            | Self::Tile
            | Self::TopK { .. }
            | Self::CumSum { .. }
            | Self::Reduce { .. }
            | Self::Resize(_)
            | Self::Dropout => i > 0,
            Self::Pad { .. } => i == 1 || i == 3,
            Self::ConstantOfShape { .. } | Self::Range => true,
            _ => false,
        }
    }

    /// Whether operand `i` is a parameter that kernels pack before anything runs: weights and their like.
    fn is_parameter(&self, i: usize) -> bool {
        match self {
            Self::Conv(c) => i > 0 && Some(i) != c.operands().residual,
            Self::LocallyConnected(c) => i > 0 && Some(i) != c.operands().residual,
            Self::Linear(c) => i > 0 && Some(i) != c.operands().residual,
            Self::ConvTranspose(_) | Self::BatchNorm { .. } | Self::Affine => i > 0,
            Self::Pad { .. } => i == 2,
            _ => false,
        }
    }

    /// Whether a parameter may reach its layer through this operation and still count as given by an input.
    fn passes_parameters(&self) -> bool {
        matches!(
            self,
            Self::Identity
                | Self::Cast { .. }
                | Self::Dequantize { .. }
                | Self::Reshape { .. }
                | Self::Transpose { .. }
                | Self::Squeeze
                | Self::Unsqueeze
                | Self::Flatten { .. }
        )
    }
}

impl Graph {
    /// For every input, whether its content decides shapes or is a layer's parameter. Plans are then made per content.
    ///
    /// What is computed from pictures never is: a layer with computed weights is refused, not evaluated on the host.
    ///
    /// # Errors
    /// As [`infer_types`].
    pub fn content_inputs(&self) -> Result<Vec<bool>> {
        let types = infer_types(self)?;
        let mut needed = vec![false; self.values.len()];
        for node in self.nodes.iter().rev() {
            let wanted = |id: &ValueId| needed[id.0 as usize];
            let whole = |id: &ValueId| !types[id.0 as usize].is_float();
            let passes = node.outputs.iter().any(|id| wanted(id) && (whole(id) || node.op.passes_parameters()));
            let through = passes && !matches!(node.op, Op::Shape { .. });
            for (i, id) in node.inputs.iter().enumerate() {
                needed[id.0 as usize] |= through || node.op.reads_content(i) || node.op.is_parameter(i);
            }
        }
        Ok(self.inputs.iter().map(|input| needed[input.value.0 as usize]).collect())
    }

    /// A copy in which these inputs are constants. `contents` has an entry per input; those that are `None` stay inputs.
    pub fn with_contents(&self, contents: &[Option<Arc<Tensor>>]) -> Self {
        let mut graph = self.clone();
        for (input, content) in self.inputs.iter().zip(contents) {
            if content.is_some() {
                graph.value_mut(input.value).constant.clone_from(content);
            }
        }
        let mut given = contents.iter().map(Option::is_some);
        graph.inputs.retain(|_| !given.next().unwrap_or(false));
        graph
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::graph::{Binary, Dim, Unary};
    use crate::tensor::DType;

    fn free(n: usize) -> Vec<Dim> {
        (0..n).map(|i| Dim::Free(format!("d{i}"))).collect()
    }

    #[test]
    fn a_shape_that_is_an_input_counts_and_the_data_does_not() {
        let mut g = Graph::default();
        let x = g.add_input("x", free(2));
        let shape = g.add_typed_input("shape", free(1), DType::I32);
        let wide = g.add_node("wide", Op::Cast { to: DType::I64 }, &[shape]);
        let y = g.add_node("y", Op::Reshape { allow_zero: false }, &[x, wide]);
        g.outputs = vec![y];
        assert_eq!(g.content_inputs().unwrap(), [false, true]);
        let bound = g.with_contents(&[None, Some(Arc::new(Tensor::indices(vec![4, 1])))]);
        assert_eq!(bound.inputs.len(), 1);
        assert!(bound.constant(shape).is_some());
    }

    #[test]
    fn weights_computed_from_data_are_not_taken_for_parameters() {
        let mut g = Graph::default();
        let x = g.add_input("x", free(4));
        let scale = g.add_input("scale", free(1));
        let twice = g.add_node("twice", Op::Binary(Binary::Add), &[scale, scale]);
        let zero = g.add_node("zero", Op::Unary(Unary::Neg), &[scale]);
        let y = g.add_node("y", Op::Affine, &[x, twice, zero]);
        g.outputs = vec![y];
        assert_eq!(g.content_inputs().unwrap(), [false, false]);
    }
}
